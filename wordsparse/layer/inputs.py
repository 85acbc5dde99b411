"""The inputs H (m, d) of a minibatch: either plain rows, or windows of a text with H = C F, where row j of C is the bag
of window j.

Both kinds of inputs have the same methods, so each equation of the layer is written only once. For windows, all
products that cost d² per row are computed for the n unique features F (n, d), not for the m examples. A training step
on windows does not compute H.
"""

from typing import Any

import numpy as np

from wordsparse.kernels import Csr, Kernels, Windows
from wordsparse.types import Array

# The number of examples for which H and Ĥ are in memory at a time, if q is needed for every window.
MOMENT_ROWS = 2**14
# Words of a large bag, such as a shopping basket, occur together in later bags too, and the steps of these words add
# up. A larger mass (:meth:`RowInputs.pull`) makes the steps of a word smaller, so the mass of a bag with n > WIDE_BAG
# words is multiplied by n − WIDE_BAG + 1. Windows with at most 10 words on each side are not affected.
WIDE_BAG = 20


class RowInputs:
    """Inputs that are plain rows: C = I and F = H. The subclass for windows overrides the methods that differ.

    ``features`` is F, (n, d).
    """

    def __init__(self, features: Array, kernels: Kernels) -> None:
        self.features, self.kernels = features, kernels

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (m, d)."""
        m, d = self.features.shape
        return m, d

    @property
    def dtype(self) -> np.dtype[Any]:
        """The working precision."""
        return self.features.dtype

    def rows(self) -> Array:
        """Return H, (m, d)."""
        return self.features

    def times(self, matrix: Array) -> Array:
        """Return H M, (m, k)."""
        return self.kernels.matmul(self.features, matrix)

    def moments(self, Q: Array, w_bar: Array | None) -> tuple[Array, Array, Array | None]:
        """Return q = rowsum(H ∘ H Q) and s = H w̄ (0 if w̄ is None), both (m,) float64, and Ĥ = H Q, or None if Ĥ was
        not kept."""
        H_hat = self.times(Q)
        q = self.kernels.row_dots(self.features, H_hat)
        return q, _sums(self.features, w_bar, self.kernels), H_hat

    def gram(self, weights: Array) -> Array:
        """Return Hᵀ diag(weights) H, (d, d) float64, symmetric."""
        least = weights.min() if weights.size else 0.0
        if weights.size and least == weights.max():
            return float(weights[0]) * self.kernels.gram(self.features)
        if least >= 0:
            return self.kernels.weighted_gram(self.features, weights)
        scaled = self.kernels.scale_rows(self.features, weights.astype(self.dtype))
        return self.kernels.gram(self.features, scaled, symmetric=True)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        """Return h_j · W_T[c] for every stored target (j, c), (entries,)."""
        return self.kernels.pair_dots(targets, self.features, W_T)

    def total(self, pulled: Array) -> Array:
        """Return Fᵀ ``pulled``, (d,) float64. If ``pulled`` is Cᵀ x, the result is Hᵀ x."""
        return self.kernels.column_sums(self.features, pulled)

    def pull(self, values: Array, weights: Array) -> tuple[Array, Array]:
        """Return Cᵀ values, and the mass Σ_j C_jw² weights_j of each feature w, both (n,) float64. There is one value
        and one weight per example. A word that occurs twice in bag j has two entries C_jw. Bags with more than
        ``WIDE_BAG`` words add more to the mass."""
        return values, weights


class WindowInputs(RowInputs):
    """Inputs that are windows of a text: h_j is the mean of the features in window j, without the centre. C (m, n)
    holds the windows, and F (n, d) the features. Each example has exactly one target."""

    def __init__(self, features: Array, windows: Windows, kernels: Kernels) -> None:
        super().__init__(features, kernels)
        self.windows = windows

    @property
    def shape(self) -> tuple[int, int]:
        return self.windows.rows, int(self.features.shape[1])

    def rows(self) -> Array:
        return self.kernels.window_means(self.windows, self.features)

    def times(self, matrix: Array) -> Array:
        return self.kernels.window_means(self.windows, self.kernels.matmul(self.features, matrix))

    def moments(self, Q: Array, w_bar: Array | None) -> tuple[Array, Array, None]:
        xp, m = self.kernels.xp, self.windows.rows
        q, s = xp.zeros(m), xp.zeros(m)
        FQ = self.kernels.matmul(self.features, Q)
        for start in range(0, m, MOMENT_ROWS):
            block = slice(start, start + MOMENT_ROWS)
            windows = self.windows.part(block)
            H = self.kernels.window_means(windows, self.features)
            q[block] = self.kernels.row_dots(H, self.kernels.window_means(windows, FQ))
            s[block] = _sums(H, w_bar, self.kernels)
        return q, s, None

    def gram(self, weights: Array) -> Array:
        return RowInputs(self.rows(), self.kernels).gram(weights)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self.kernels.window_dots(self.windows, self.features, targets.indices, W_T)

    def pull(self, values: Array, weights: Array) -> tuple[Array, Array]:
        if 2 * self.windows.reach > WIDE_BAG:
            weights = weights * self.kernels.xp.maximum(1.0, 1.0 / self.windows.share - (WIDE_BAG - 1))
        return self.kernels.window_sums(self.windows, values, weights)


def _sums(H: Array, w_bar: Array | None, kernels: Kernels) -> Array:
    """Return s = H w̄, (m,) float64; 0 if w̄ is None."""
    s: Array = kernels.xp.zeros(H.shape[0])
    if w_bar is not None:
        s += H @ w_bar.astype(H.dtype)
    return s
