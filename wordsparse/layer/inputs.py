"""How a minibatch's inputs H (m, d) are given: as rows, or as windows of a text, H = C F with C their bags of tokens.

Both answer the same questions, so the layer's formulas are written once. With windows every d² product runs over the n
unique features F (n, d), never over the m examples (design: "linear bag inputs"), and H is not formed.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels, Windows

if TYPE_CHECKING:
    from wordsparse.layer.targets import Forward

Array = NDArray[Any]


class Backward(Protocol):
    """The sums over a minibatch that gradient and update are made of; C = I where inputs are rows.

    With Q and w̄ of the layer, ∂L/∂F = Cᵀ ∇H = Z Q + G + (Cᵀβ) w̄ᵀ. Arrays in the working precision unless said
    otherwise.
    """

    @property
    def curvature(self) -> Array:
        """Hᵀ diag(α) H, (d, d) float64, symmetric."""

    @property
    def X(self) -> Array:
        """Γᵀ H, (u, d)."""

    def given_up_X(self) -> Array:
        """X, the caller's to overwrite: these sums no longer hold it."""

    @property
    def Z(self) -> Array:
        """Cᵀ diag(2α) H, (n, d)."""

    @property
    def G(self) -> Array:
        """Cᵀ Γ W_T, (n, d)."""


class Inputs(Protocol):
    """What the layer asks of its inputs; arrays in the working precision unless said otherwise."""

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The working precision."""

    @property
    def rows(self) -> Array:
        """H, (m, d)."""

    @property
    def features(self) -> Array:
        """F, (n, d)."""

    def times(self, matrix: Array) -> Array:
        """H M, (m, k)."""

    def total(self, weights: Array) -> Array:
        """Hᵀ weights, (d,) float64, for one number an example."""

    def gram(self, weights: Array) -> Array:
        """Hᵀ diag(weights) H, (d, d) float64, symmetric."""

    def dots(self, targets: Csr, W_T: Array) -> Array:
        """h_j · W_T[c] for every stored target (j, c), (entries,)."""

    def backward(self, forward: "Forward") -> Backward:
        """What flows back from a minibatch."""

    def pull(self, values: Array) -> Array:
        """Cᵀ values, (n,) float64, for one number an example."""

    def mass(self, weights: Array) -> Array:
        """Σ_j C_jw² weights_j of each feature w, (n,) float64; repeats inside a bag count one by one."""


class RowInputs:
    """H given row by row."""

    def __init__(self, rows: Array, kernels: Kernels) -> None:
        self.rows = self.features = rows
        self._kernels = kernels

    @property
    def shape(self) -> tuple[int, int]:
        m, d = self.rows.shape
        return m, d

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype

    def times(self, matrix: Array) -> Array:
        return self._kernels.matmul(self.rows, matrix)

    def total(self, weights: Array) -> Array:
        return self._kernels.column_sums(self.rows, weights)

    def gram(self, weights: Array) -> Array:
        if weights.size and weights.min() == weights.max():
            return float(weights[0]) * self._kernels.gram(self.rows)
        if np.all(weights >= 0):
            return self._kernels.weighted_gram(self.rows, weights)
        return self._kernels.gram(self.rows, self.scaled(weights), symmetric=True)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self._kernels.pair_dots(targets, self.rows, W_T)

    def backward(self, forward: "Forward") -> Backward:
        return _RowBackward(self, forward)

    def pull(self, values: Array) -> Array:
        return values

    def mass(self, weights: Array) -> Array:
        return weights

    def scaled(self, weights: Array) -> Array:
        """diag(weights) H, (m, d)."""
        return self._kernels.scale_rows(self.rows, weights.astype(self.dtype))


class _RowBackward:
    """Each sum when it is asked for.

    It holds on to parts of the forward pass, not to that itself: a cycle would keep a step's arrays into the next one.
    """

    def __init__(self, inputs: RowInputs, forward: "Forward") -> None:
        self._inputs, self._kernels = inputs, forward.kernels
        self._alpha, self._gamma = forward.alpha, forward.gamma
        self._target_rows, self._transposed = forward.target_rows, forward.transposed

    @cached_property
    def curvature(self) -> Array:
        return self._inputs.gram(self._alpha)

    @cached_property
    def X(self) -> Array:
        return self._kernels.combine(self._transposed, self._gamma, self._inputs.rows)

    def given_up_X(self) -> Array:
        X = self.X
        del self.X
        return X

    @cached_property
    def Z(self) -> Array:
        return self._inputs.scaled(2 * self._alpha)

    @cached_property
    def G(self) -> Array:
        return self._target_rows.combined(self._gamma)


class WindowInputs:
    """h_j is the mean of the features in window j of a text, its centre left out; example j has exactly one target.

    Parameters
    ----------
    features : (n, d)
        F.
    windows : Windows
        C, (m, n).
    """

    def __init__(self, features: Array, windows: Windows, kernels: Kernels) -> None:
        self.features, self.windows, self.kernels = features, windows, kernels
        self._pulled = np.empty(0), np.empty(0)  # what was pulled last, and what came of it

    @property
    def shape(self) -> tuple[int, int]:
        return self.windows.rows, int(self.features.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.features.dtype

    @cached_property
    def rows(self) -> Array:
        return self.kernels.window_means(self.windows, self.features)

    def times(self, matrix: Array) -> Array:
        return self.kernels.window_means(self.windows, self.kernels.matmul(self.features, matrix))

    def total(self, weights: Array) -> Array:
        return self.kernels.column_sums(self.features, self.pull(weights))

    def gram(self, weights: Array) -> Array:
        return RowInputs(self.rows, self.kernels).gram(weights)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self.kernels.window_dots(self.windows, self.features, targets.indices, W_T)

    def backward(self, forward: "Forward") -> Backward:
        return _WindowBackward(self, forward)

    def pull(self, values: Array) -> Array:
        of, pulled = self._pulled
        if values is not of:  # gradient and update ask for the same
            pulled = self.kernels.window_sums(self.windows, values)
            self._pulled = values, pulled
        return pulled

    def mass(self, weights: Array) -> Array:
        return self.kernels.window_sums(self.windows, weights, squared=True)


class _WindowBackward:
    """The three sums over examples in one pass over the text, the curvature from one of them."""

    def __init__(self, inputs: WindowInputs, forward: "Forward") -> None:
        self._inputs, e = inputs, forward
        zeta = (2 * e.alpha).astype(inputs.dtype)
        self.X, self.Z, self.G = inputs.kernels.window_pull(
            inputs.windows, inputs.features, e.targets.csr.indices, e.target_rows.given_up(), zeta, e.gamma
        )

    def given_up_X(self) -> Array:
        X = self.X
        del self.X
        return X

    @cached_property
    def curvature(self) -> Array:
        return self._inputs.kernels.gram(self._inputs.features, self.Z, symmetric=True) / 2
