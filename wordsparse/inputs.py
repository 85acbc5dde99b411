"""How a minibatch's inputs H (m, d) are given: as rows, or as bags of features H = C F with C sparse.

Both answer the same four questions, so the layer's formulas are written once. With bags every d² product runs over the
n unique features F (n, d), never over the m examples (design: "linear bag inputs").
"""

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels

Array = NDArray[Any]


class Inputs(Protocol):
    """What the layer asks of its inputs; arrays in the working precision unless said otherwise."""

    @property
    def rows(self) -> Array:
        """H, (m, d)."""

    @property
    def features(self) -> Array:
        """F, (n, d); H itself where the inputs are rows."""

    def times(self, matrix: Array) -> Array:
        """H M, (m, k)."""

    def gram(self, weights: Array) -> Array:
        """Hᵀ diag(weights) H, (d, d) float64."""

    def pull(self, rows: Array) -> Array:
        """Cᵀ Z, (n, k): what a gradient Z with respect to H is with respect to F."""

    def pull_scaled(self, weights: Array) -> Array:
        """Cᵀ diag(weights) H, (n, d)."""

    def pull_squared(self, weights: Array) -> Array:
        """Σ C_jw² weights_j over the stored entries of each feature w, (n,) float64."""


class RowInputs:
    """H given row by row."""

    def __init__(self, rows: Array, kernels: Kernels) -> None:
        self.rows = rows
        self._kernels = kernels

    @property
    def features(self) -> Array:
        return self.rows

    def times(self, matrix: Array) -> Array:
        return self._kernels.matmul(self.rows, matrix)

    def gram(self, weights: Array) -> Array:
        if weights.size and weights.min() == weights.max():
            return float(weights[0]) * self._kernels.gram(self.rows)
        if np.all(weights >= 0):
            # A Gram matrix proper: half the work, and symmetric to the last bit.
            return self._kernels.gram(self.pull_scaled(np.sqrt(weights)))
        gram = self._kernels.gram(self.rows, self.pull_scaled(weights))
        return (gram + gram.T) / 2

    def pull(self, rows: Array) -> Array:
        return rows

    def pull_scaled(self, weights: Array) -> Array:
        return np.asarray(self.rows * weights.astype(self.rows.dtype)[:, None])

    def pull_squared(self, weights: Array) -> Array:
        return weights


class BagInputs:
    """H = C F: example j is the weighted sum of the features in row j of C.

    Parameters
    ----------
    features : (n, d)
    bag : Csr
        Structure of C, (m, n).
    weights : (entries,)
        Values of C.
    """

    def __init__(self, features: Array, bag: Csr, weights: Array, kernels: Kernels) -> None:
        self.features = features
        self._bag, self._weights, self._kernels = bag, weights, kernels

    @cached_property
    def rows(self) -> Array:
        return self._kernels.combine(self._bag, self._weights, self.features)

    @cached_property
    def _transposed(self) -> Csr:
        return self._kernels.transpose(self._bag)

    def times(self, matrix: Array) -> Array:
        return self._kernels.combine(self._bag, self._weights, self._kernels.matmul(self.features, matrix))

    def gram(self, weights: Array) -> Array:
        gram = self._kernels.gram(self.features, self.pull_scaled(weights))
        return (gram + gram.T) / 2

    def pull(self, rows: Array) -> Array:
        return self._kernels.combine(self._transposed, self._weights, rows)

    def pull_scaled(self, weights: Array) -> Array:
        scaled = self._weights * np.repeat(weights.astype(self._weights.dtype), np.diff(self._bag.indptr))
        return self._kernels.combine(self._transposed, scaled, self.rows)

    def pull_squared(self, weights: Array) -> Array:
        spread = np.repeat(weights, np.diff(self._bag.indptr)) * np.square(self._weights, dtype=np.float64)
        return np.bincount(self._bag.indices, weights=spread, minlength=self._bag.columns)
