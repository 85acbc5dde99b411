"""Ridge regression on all features and all labels at once: low rank plus a diagonal.

With X (n, f) the sparse rows, Y (n, D) the sparse targets, XᵀX ≈ V S² Vᵀ + diag(r), r the part of each feature's
square that the basis V (f, d) leaves out:

    M = V S² Vᵀ + Δ     Δ = diag(γ r + λ)     B = XᵀY sparse
    o(x) = x M⁻¹ B = x Δ⁻¹B − (x P) Rᵀ,   P = Δ⁻¹V (f, d),   K = S⁻² + VᵀP,   R = BᵀP K⁻¹ (D, d)

so that no f×D matrix is ever dense. The output of example i without example i itself is one division (exact for a
ridge): (o − l y) / (1 − l) with the leverage l = x M⁻¹ xᵀ.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.kernels import Kernels
from wordsparse.labels.rows import SparseRows

Array = NDArray[Any]


@dataclass(frozen=True)
class Spectrum:
    """V (f, d) and S² (d,) of some rows, and r (f,)."""

    V: Array
    S2: Array
    rest: Array

    @classmethod
    def of(cls, X: SparseRows, V: Array, S2: Array) -> "Spectrum":
        """With r from the squares of the rows' columns."""
        inside = X.kernels.row_dots(X.kernels.matmul(V, np.diag(S2)), V)
        return cls(V, S2, np.maximum(X.column_squares() - inside, 0))

    def leading(self, rank: int, X: SparseRows) -> "Spectrum":
        """With the first ``rank`` columns of V alone, of the same rows."""
        if rank >= self.S2.shape[0]:
            return self
        return Spectrum.of(X, np.ascontiguousarray(self.V[:, :rank]), self.S2[:rank])


@dataclass(frozen=True)
class Inverse:
    """M⁻¹ = diag(scale) − P K⁻¹ Pᵀ: ``scale`` (f,) is 1/Δ, P (f, d), K⁻¹ (d, d) float64."""

    scale: Array
    P: Array
    K_inverse: Array

    @classmethod
    def of(cls, spectrum: Spectrum, ridge: float, rest: float, kernels: Kernels) -> "Inverse":
        """For λ = ``ridge`` and γ = ``rest``."""
        scale = (1 / (rest * spectrum.rest + ridge)).astype(spectrum.V.dtype)
        P = kernels.scale_rows(spectrum.V, scale)
        K = kernels.gram(spectrum.V, P, symmetric=True) + np.diag(1 / spectrum.S2)
        K_inverse = kernels.inverse(K)
        return cls(scale, P, K_inverse)

    def times(self, matrix: Array, kernels: Kernels) -> Array:
        """M⁻¹ matrix, (f, k)."""
        along = self.K_inverse @ kernels.gram(self.P, matrix)
        return kernels.scale_rows(matrix, self.scale) - kernels.matmul(self.P, along)


@dataclass(frozen=True)
class Solution:
    """M⁻¹B = memory − P Rᵀ: ``memory`` (f, D) is Δ⁻¹B, sparse; ``R`` (D, d)."""

    memory: Any
    R: Array

    @classmethod
    def of(cls, inverse: Inverse, B: Any, by_label: SparseRows, kernels: Kernels) -> "Solution":
        """Of the sparse sums B = XᵀY, CSR (f, D), which are given by label, (D, f), too."""
        R = kernels.matmul(by_label.times(inverse.P), inverse.K_inverse)
        data = B.data * np.repeat(inverse.scale, np.diff(B.indptr))
        return cls(sp.csr_array((data, B.indices, B.indptr), shape=B.shape), R)
