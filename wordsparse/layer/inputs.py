"""How a minibatch's inputs H (m, d) are given: as rows, or as windows of a text, H = C F with C their bags of tokens.

Both answer the same questions (:class:`wordsparse.layer.interface.Inputs`), so the layer's equations are written once.
With windows every d² product runs over the n unique features F (n, d), never over the m examples, and a training step
does not form H.
"""

from typing import Any

import numpy as np

from wordsparse.kernels import Csr, Kernels, Windows
from wordsparse.layer.interface import Forward, Sums
from wordsparse.layer.sums import row_sums, window_sums
from wordsparse.types import Array

# Examples whose H and Ĥ are in memory at a time, where windows need q of each of them.
MOMENT_ROWS = 2**14
# Words of one larger bag co-occur in later bags, as those of a basket do, and move together: in bags of more words than
# this each also counts for the others. Windows of a text up to 10 words wide have no larger bags.
WIDE_BAG = 20


class RowInputs:
    """H given row by row: C = I, F = H."""

    def __init__(self, rows: Array, kernels: Kernels) -> None:
        self.features, self.kernels = rows, kernels

    @property
    def shape(self) -> tuple[int, int]:
        m, d = self.features.shape
        return m, d

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.features.dtype

    def rows(self) -> Array:
        return self.features

    def times(self, matrix: Array) -> Array:
        return self.kernels.matmul(self.features, matrix)

    def moments(self, Q: Array, w_bar: Array | None) -> tuple[Array, Array, Array]:
        H_hat = self.times(Q)
        q = self.kernels.row_dots(self.features, H_hat)
        return q, _sums(self.features, w_bar, self.kernels), H_hat

    def gram(self, weights: Array) -> Array:
        if weights.size and weights.min() == weights.max():
            return float(weights[0]) * self.kernels.gram(self.features)
        if np.all(weights >= 0):
            return self.kernels.weighted_gram(self.features, weights)
        scaled = self.kernels.scale_rows(self.features, weights.astype(self.dtype))
        return self.kernels.gram(self.features, scaled, symmetric=True)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self.kernels.pair_dots(targets, self.features, W_T)

    def total(self, pulled: Array) -> Array:
        return self.kernels.column_sums(self.features, pulled)

    def pull(self, values: Array) -> Array:
        return values

    def mass(self, weights: Array) -> Array:
        return weights

    def pull_back(self, forward: Forward) -> Sums:
        return row_sums(forward, self.kernels)


class WindowInputs:
    """h_j is the mean of the features in window j of a text, its centre left out; example j has exactly one target. C
    (m, n) are the windows, F (n, d) the features."""

    def __init__(self, features: Array, windows: Windows, kernels: Kernels) -> None:
        self.features, self.windows, self.kernels = features, windows, kernels

    @property
    def shape(self) -> tuple[int, int]:
        return self.windows.rows, int(self.features.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.features.dtype

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

    def total(self, pulled: Array) -> Array:
        return self.kernels.column_sums(self.features, pulled)

    def pull(self, values: Array) -> Array:
        return self.kernels.window_sums(self.windows, values)

    def mass(self, weights: Array) -> Array:
        if 2 * self.windows.reach <= WIDE_BAG:
            return self.kernels.window_sums(self.windows, weights, squared=True)
        together = self.kernels.xp.maximum(1.0, 1.0 / self.windows.share - (WIDE_BAG - 1))
        return self.kernels.window_sums(self.windows, weights * together, squared=True)

    def pull_back(self, forward: Forward) -> Sums:
        return window_sums(forward, self.windows, self.kernels)


def _sums(H: Array, w_bar: Array | None, kernels: Kernels) -> Array:
    """s = H w̄, (m,) float64; 0 where w̄ is None."""
    s: Array = kernels.xp.zeros(H.shape[0])
    if w_bar is not None:
        s += H @ w_bar.astype(H.dtype)
    return s
