"""How a minibatch's inputs H (m, d) are given: as rows, or as windows of a text, H = C F with C their bags of tokens.

Both answer the same questions, so the layer's formulas are written once. With windows every d² product runs over the n
unique features F (n, d), never over the m examples (design: "linear bag inputs"), and H is not formed.
"""

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels, Windows

Array = NDArray[Any]


class Backward(Protocol):
    """The sums over a minibatch that the gradient and the update are made of; C = I where inputs are rows.

    With Q and w̄ of the layer, ∂L/∂F = Cᵀ ∇H = Z Q + G + (Cᵀβ) w̄ᵀ. Arrays in the working precision unless said
    otherwise.
    """

    @property
    def curvature(self) -> Array:
        """Hᵀ diag(α) H, (d, d) float64, symmetric."""

    @property
    def b(self) -> Array:
        """Hᵀ β, (d,) float64."""

    @property
    def X(self) -> Array:
        """Γᵀ H, (u, d)."""

    @property
    def Z(self) -> Array:
        """Cᵀ diag(2α) H, (n, d)."""

    @property
    def G(self) -> Array:
        """Cᵀ Γ W_T, (n, d)."""

    @property
    def beta(self) -> Array:
        """Cᵀ β, (n,) float64."""


class Inputs(Protocol):
    """What the layer asks of its inputs; arrays in the working precision unless said otherwise."""

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""

    @property
    def rows(self) -> Array:
        """H, (m, d)."""

    def times(self, matrix: Array) -> Array:
        """H M, (m, k)."""

    def dots(self, targets: Csr, W_T: Array) -> Array:
        """h_j · W_T[c] for every stored target (j, c), (entries,)."""

    def backward(self, targets: Csr, gamma: Array, W_T: Array, alpha: Array, beta: Array) -> Backward:
        """What flows back, for Γ (m, u) of structure ``targets`` and values ``gamma``; α and β (m,) float64."""

    def mass(self, weights: Array) -> Array:
        """Σ_j C_jw² weights_j of each feature w, (n,) float64; repeats inside a bag count one by one."""


class RowInputs:
    """H given row by row."""

    def __init__(self, rows: Array, kernels: Kernels) -> None:
        self.rows, self.kernels = rows, kernels

    @property
    def shape(self) -> tuple[int, int]:
        m, d = self.rows.shape
        return m, d

    def times(self, matrix: Array) -> Array:
        return self.kernels.matmul(self.rows, matrix)

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self.kernels.pair_dots(targets, self.rows, W_T)

    def backward(self, targets: Csr, gamma: Array, W_T: Array, alpha: Array, beta: Array) -> Backward:
        return _RowBackward(self, targets, gamma, W_T, alpha, beta)

    def mass(self, weights: Array) -> Array:
        return weights


class _RowBackward:
    """Each sum when it is asked for."""

    def __init__(self, inputs: RowInputs, targets: Csr, gamma: Array, W_T: Array, alpha: Array, beta: Array) -> None:
        self._H, self._kernels = inputs.rows, inputs.kernels
        self._targets, self._gamma, self._W_T, self._alpha, self.beta = targets, gamma, W_T, alpha, beta

    @cached_property
    def curvature(self) -> Array:
        if np.all(self._alpha >= 0):
            return self._kernels.weighted_gram(self._H, self._alpha)
        gram = self._kernels.gram(self._H, self._scaled(self._alpha))
        return (gram + gram.T) / 2

    @cached_property
    def b(self) -> Array:
        return np.asarray((self._H.T @ self.beta.astype(self._H.dtype)).astype(np.float64))

    @cached_property
    def X(self) -> Array:
        return self._kernels.combine(self._kernels.transpose(self._targets), self._gamma, self._H)

    @cached_property
    def Z(self) -> Array:
        return self._scaled(2 * self._alpha)

    @cached_property
    def G(self) -> Array:
        return self._kernels.combine(self._targets, self._gamma, self._W_T)

    def _scaled(self, weights: Array) -> Array:
        return np.asarray(self._H * weights.astype(self._H.dtype)[:, None])


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

    @property
    def shape(self) -> tuple[int, int]:
        return self.windows.rows, int(self.features.shape[1])

    @cached_property
    def rows(self) -> Array:
        return self.kernels.window_means(self.windows, self.features)

    def times(self, matrix: Array) -> Array:
        return self.kernels.window_means(self.windows, self.kernels.matmul(self.features, matrix))

    def dots(self, targets: Csr, W_T: Array) -> Array:
        return self.kernels.window_dots(self.windows, self.features, targets.indices, W_T)

    def backward(self, targets: Csr, gamma: Array, W_T: Array, alpha: Array, beta: Array) -> Backward:
        return _WindowBackward(self, targets, gamma, W_T, alpha, beta)

    def mass(self, weights: Array) -> Array:
        return self.windows.pull(weights * self.windows.share**2)


class _WindowBackward:
    """The three sums over examples in one pass over the text, the rest from them."""

    def __init__(self, inputs: WindowInputs, targets: Csr, gamma: Array, W_T: Array, alpha: Array, beta: Array) -> None:
        self._F, self._kernels = inputs.features, inputs.kernels
        zeta = (2 * alpha).astype(self._F.dtype)
        self.X, self.Z, self.G = self._kernels.window_pull(inputs.windows, self._F, targets.indices, W_T, zeta, gamma)
        self.beta = inputs.windows.pull(beta * inputs.windows.share)

    @cached_property
    def curvature(self) -> Array:
        gram = self._kernels.gram(self._F, self.Z)
        return (gram + gram.T) / 4

    @cached_property
    def b(self) -> Array:
        return np.asarray((self._F.T @ self.beta.astype(self._F.dtype)).astype(np.float64))
