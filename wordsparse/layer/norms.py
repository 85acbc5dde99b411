"""The norm of the gradient by all of W, without forming it: for clipping."""

import numpy as np

from wordsparse.kernels import Kernels
from wordsparse.layer.interface import Sums


def gradient_norm(sums: Sums, total: float, kernels: Kernels) -> float:
    """‖∂L/∂W‖ (Frobenius; with a base measure by diag(√π) W), O(u d² + d³); ``total`` is ‖p‖².

    With the letters of :mod:`wordsparse.layer.core`, ∂L/∂W = W 2K + p bᵀ + X (rows T), b = Hᵀβ, so that its square is

        ⟨2K, Q 2K⟩ + ‖p‖² ‖b‖² + ‖X‖² + 2 bᵀ 2K w̄ + 2 ⟨XᵀW_T, 2K⟩ + 2 bᵀ Xᵀp_T,   XᵀW_T = Hᵀ Γ W_T
    """
    forward = sums.forward
    f, K, b, X, XW = forward.factors, 2 * sums.curvature(), sums.total_beta(), sums.X(), sums.weights_gram()
    square = np.vdot(K, f.Q @ K) + total * (b @ b) + kernels.row_dots(X, X).sum()
    square += 2 * (b @ (K @ f.w_bar) + np.vdot(XW, K) + b @ forward.target_rows.measure_sums(sums))
    return float(np.sqrt(np.maximum(square, 0)))
