"""One minibatch as the layer sees it: the targets, the forward pass, and what gradient and update share of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import Backward, Inputs

Array = NDArray[Any]


@dataclass(frozen=True)
class Targets:
    """The sparse targets of a minibatch over its unique rows T.

    ``rows`` (u,) int64 distinct outputs; ``csr`` (m, u) which of them are each example's targets; ``y`` (entries,)
    weights (or regression targets) of the stored entries, in the working precision; ``transposed`` the structure of
    the transpose where it is known already.
    """

    rows: Array
    csr: Csr
    y: Array
    transposed: Csr | None = None

    def moved(self, move: Callable[[Array], Array]) -> "Targets":
        """The same with its arrays elsewhere."""
        transposed = None if self.transposed is None else self.transposed.moved(move)
        return Targets(move(self.rows), self.csr.moved(move), move(self.y), transposed)


class TargetRows:
    """diag(√π) W on the target rows, W_T = V_T U + p_T ωᵀ (u, d), seen through the narrower side of the targets.

    With no more target rows than examples W_T itself is formed, one u×d×d product. With more of them it never is: both
    that is asked of it goes through V_T, at two m×d×d products and O(d) per target, so that an example costs
    O(d² + K d) whatever its number K of targets.
    """

    def __init__(self, V: Array, rows: Array, p_T: Array, factors: Factors, inputs: Inputs, csr: Csr, kernels: Kernels):
        self._V, self._rows, self.p_T = V, rows, p_T
        self._factors, self._inputs, self._csr, self._kernels = factors, inputs, csr, kernels
        self.wide = csr.columns > csr.rows

    @cached_property
    def V_T(self) -> Array:
        """The rows of V, (u, d)."""
        return self._kernels.take(self._V, self._rows)

    @cached_property
    def W_T(self) -> Array:
        """W_T itself, (u, d)."""
        f = self._factors
        if not f.omega.any():
            return self._kernels.matmul_rows(self._V, self._rows, f.U)
        # p_T stands beside V_T as one more column: with ω as one more row of U, W_T is one product.
        U_omega = np.vstack([f.U, f.omega])
        return self._kernels.matmul_rows(self._V, self._rows, U_omega, self.p_T.astype(self._V.dtype))

    def given_up(self) -> Array:
        """W_T, the caller's to overwrite: who asks for it again has it computed again."""
        W_T = self.W_T
        del self.W_T
        return W_T

    def gram_change(self, change: Array) -> Array:
        """DᵀV_T + V_TᵀD + DᵀD, by how much VᵀV grows with a ``change`` D (u, d) of V's target rows; (d, d) float64."""
        return self._kernels.gram_change(self._V, self._rows, change)

    def outputs(self) -> Array:
        """a_jk = h_j · W_T[c_jk] for every stored target, (entries,)."""
        if not self.wide:
            return self._inputs.dots(self._csr, self.W_T)
        a = self._kernels.pair_dots(self._csr, self._inputs.times(self._factors.U.T), self.V_T)
        if self._factors.omega.any():
            along = self._inputs.rows @ self._factors.omega.astype(a.dtype)
            a += along[self._kernels.row_of_entry(self._csr)] * self.p_T.astype(a.dtype)[self._csr.indices]
        return a

    def combined(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        """Γ W_T, (m, d), plus diag(scale) base where given."""
        if not self.wide:
            return self._kernels.combine(self._csr, gamma, self.W_T, base, scale)
        onto = None if base is None or scale is None else scale[:, None] * base
        combined = self._kernels.matmul(self._kernels.combine(self._csr, gamma, self.V_T), self._factors.U, out=onto)
        if self._factors.omega.any():
            along = self._kernels.combine(self._csr, gamma, self.p_T.astype(gamma.dtype)[:, None])
            self._kernels.matmul(along, self._factors.omega[None, :], out=combined)
        return combined


@dataclass(frozen=True)
class Forward:
    """One minibatch seen by the layer: its loss and all that the gradient and the update need.

    ``losses`` (m,) float64 is None where only the sum of the losses was asked for, and ``targets_loss`` then what the
    targets' own terms add to it; ``alpha`` = ∂L/∂q and ``beta`` = ∂L/∂s (m,) float64; ``gamma`` (entries,) = ∂L/∂a.
    What is computed from these is kept once it was asked for.
    """

    inputs: Inputs
    targets: Targets
    target_rows: TargetRows
    factors: Factors
    kernels: Kernels
    losses: Array | None
    targets_loss: float
    alpha: Array
    beta: Array
    gamma: Array
    known_H_hat: Array | None = None

    @cached_property
    def loss_sum(self) -> float:
        """Σ_j of the losses."""
        if self.losses is not None:
            return float(self.losses.sum())
        # Linear in q and s: Σ_j α_j q_j = ⟨Hᵀ diag(α) H, Q⟩ and Σ_j β_j s_j = (Hᵀβ)·w̄.
        by_q, by_s = np.vdot(self.curvature, self.factors.Q), self.b @ self.factors.w_bar
        return float(self.targets_loss + by_q + by_s)

    @cached_property
    def backward(self) -> Backward:
        """The sums that flow back."""
        return self.inputs.backward(self)

    @cached_property
    def H_hat(self) -> Array:
        """Ĥ = H Q, (m, d)."""
        return self.inputs.times(self.factors.Q) if self.known_H_hat is None else self.known_H_hat

    @property
    def curvature(self) -> Array:
        """Hᵀ diag(α) H, (d, d) float64."""
        return self.backward.curvature

    @cached_property
    def b(self) -> Array:
        """Hᵀβ, (d,) float64."""
        return self.inputs.total(self.beta) if self.beta.any() else self.kernels.xp.zeros(self.inputs.shape[1])

    @cached_property
    def transposed(self) -> Csr:
        """The structure of Γᵀ."""
        return self.targets.transposed or self.kernels.transpose(self.targets.csr)

    @property
    def pushed(self) -> Array:
        """X = ΓᵀH, (u, d)."""
        return self.backward.X

    def weighted(self, p_T: Array) -> Array:
        """Γ p_T, (m,)."""
        return self.kernels.combine(self.targets.csr, self.gamma, p_T.astype(self.gamma.dtype)[:, None])[:, 0]

    @cached_property
    def gradient(self) -> Array:
        """∇H = 2 diag(α) Ĥ + Γ W_T + β w̄ᵀ, (m, d)."""
        gradient = self.target_rows.combined(self.gamma, self.H_hat, (2 * self.alpha).astype(self.H_hat.dtype))
        if self.beta.any():
            beta = self.beta.astype(gradient.dtype)[:, None]
            self.kernels.matmul(beta, self.factors.w_bar[None, :], out=gradient)
        return gradient
