"""The data that the phases of a step hand over, target rows among them.

Shapes: m examples, u unique target rows, n features, d numbers a row. Arrays are in the working precision unless said
otherwise; the letters are those of the equations in :mod:`wordsparse.layer.core`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

import numpy as np

from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.loss_pass import LossSums
from wordsparse.types import Array

T = TypeVar("T")


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


class TargetRows:
    """diag(√π) W on the target rows of a minibatch, W_T = V_T U + p_T ωᵀ (u, d), formed when it is first used and kept
    until it is taken: one u×d×d product.

    It reads V when it is asked: before the update of its minibatch. ``p_T`` is p on the rows T, (u,) float64.
    """

    is_formed: ClassVar[bool] = True
    _formed: Array | None = None

    def __init__(self, V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> None:
        self.p_T = p_T
        self._V, self._rows, self._csr = V, targets.rows, targets.csr
        self._factors, self._kernels = factors, kernels

    @classmethod
    def of(cls, V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> "TargetRows":
        """Seen through their narrower side: formed where there are no more of them than examples."""
        kind = FactoredRows if targets.csr.columns > targets.csr.rows else TargetRows
        return kind(V, targets, p_T, factors, kernels)

    def outputs(self, inputs: RowInputs) -> Array:
        """a_jk = h_j · W_T[c_jk] of every stored target, (entries,)."""
        return inputs.dots(self._csr, self._W_T)

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        """Γ W_T, (m, d), plus diag(scale) base where given."""
        return self._kernels.combine(self._csr, gamma, self._W_T, base, scale)

    def take(self) -> Array:
        """W_T itself, the caller's to overwrite."""
        W_T, self._formed = self._W_T, None
        return W_T

    def push(self, sums: "Sums", M: Array | None, by: float) -> Array:
        """by · X M, (u, d), M = I where None; X may be taken for it."""
        X = sums.X.take()
        return self._kernels.matmul_in_place(X, by * (self._kernels.xp.eye(X.shape[1]) if M is None else M))

    def square(self, sums: "Sums") -> Array:
        """XᵀX, (d, d) float64."""
        return self._kernels.gram(sums.X())

    def gram_change(self, D: Array) -> Array:
        """DᵀV_T + V_TᵀD + DᵀD, the change of VᵀV with a change D (u, d) of V's target rows; (d, d) float64."""
        return self._kernels.gram_change(self._V, self._rows, D)

    @property
    def _W_T(self) -> Array:
        if self._formed is None:
            self._formed = self._form()
        return self._formed

    def _form(self) -> Array:
        f = self._factors
        if not f.omega.any():
            return self._kernels.matmul_rows(self._V, self._rows, f.U)
        # p_T is appended to V_T as one more column: with ω as one more row of U, W_T is one product.
        U_omega = np.vstack([f.U, f.omega])
        return self._kernels.matmul_rows(self._V, self._rows, U_omega, self.p_T.astype(self._V.dtype))


class FactoredRows(TargetRows):
    """Target rows that are more than the examples: W_T stays the product that it is. What needs it goes through V_T, at
    m×d×d products and O(d) per target, so that an example costs O(d² + k d) whatever its number k of targets."""

    is_formed: ClassVar[bool] = False

    @cached_property
    def _V_T(self) -> Array:
        return self._kernels.take(self._V, self._rows)

    def take(self) -> Array:
        return self._form()

    def outputs(self, inputs: RowInputs) -> Array:
        U, omega = self._factors.U, self._factors.omega
        a = self._kernels.pair_dots(self._csr, inputs.times(U.T), self._V_T)
        if omega.any():
            along = inputs.rows() @ omega.astype(a.dtype)
            a += along[self._kernels.row_of_entry(self._csr)] * self.p_T.astype(a.dtype)[self._csr.indices]
        return a

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        U, omega = self._factors.U, self._factors.omega
        onto = None if base is None or scale is None else scale[:, None] * base
        combined = self._kernels.matmul(self._kernels.combine(self._csr, gamma, self._V_T), U, out=onto)
        if omega.any():
            along = self._kernels.combine(self._csr, gamma, self.p_T.astype(gamma.dtype)[:, None])
            self._kernels.matmul(along, omega[None, :], out=combined)
        return combined

    def push(self, sums: "Sums", M: Array | None, by: float) -> Array:
        H, gamma = sums.forward.inputs.rows(), sums.forward.terms.gamma
        HM = H if M is None else self._kernels.matmul(H, M)
        return self._kernels.combine(sums.transposed(), (by * gamma).astype(gamma.dtype), HM)

    def square(self, sums: "Sums") -> Array:
        forward = sums.forward
        return self._kernels.gram(
            forward.inputs.rows(), self._kernels.combine(self._csr, forward.terms.gamma, sums.X())
        )


@dataclass
class Clock:
    """How often the state of a layer has changed."""

    changes: int = 0


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward pass of one minibatch, (1) to (3): its loss, and all that gradient and update need of it.

    ``terms`` are the losses, α, β and Γ; ``H_hat`` is Ĥ where it was formed. ``factors`` are those of the layer at the
    change number ``at`` of its ``clock``.
    """

    inputs: RowInputs
    targets: Targets
    target_rows: TargetRows
    terms: LossSums
    H_hat: Array | None
    factors: Factors
    clock: Clock
    at: int

    @property
    def losses(self) -> Array:
        """(m,) float64; only of a pass ``per_example``."""
        assert self.terms.losses is not None
        return self.terms.losses

    @cached_property
    def bends(self) -> Array:
        """|α|, (m,): half the size of the curvature along a row of W."""
        alpha = self.terms.alpha
        bends_down = alpha.shape[0] > 0 and bool(alpha.min() < 0)
        return np.abs(alpha) if bends_down else alpha

    def check_current(self) -> None:
        """Refuse to go on from a state that is gone (InputError), because the layer has changed since this forward
        pass."""
        if self.clock.changes != self.at:
            raise InputError("this forward pass is out of date: its layer was changed after it; run forward again")


class Value(Generic[T]):
    """A value that is computed when it is first asked for and kept; it is taken once, for its taker may overwrite it.

    ``name`` is for the error. ``compute`` must not refer to what holds this value: such a circle would keep large
    arrays until Python searches for it.
    """

    def __init__(self, name: str, compute: Callable[[], T]) -> None:
        self._name = name
        self._compute: Callable[[], T] | None = compute
        self._kept: list[T] = []

    @classmethod
    def of(cls, name: str, value: T) -> "Value[T]":
        """A value that is there already."""
        made = cls(name, lambda: value)
        made()
        return made

    def __call__(self) -> T:
        if self._compute is not None:
            self._kept.append(self._compute())
            self._compute = None
        if not self._kept:
            raise InputError(f"{self._name} of this minibatch was taken before, and may be overwritten")
        return self._kept[0]

    def take(self) -> T:
        """The value, which is the caller's from now on."""
        self()
        return self._kept.pop()


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums over a minibatch that flow back from it, (4) to (6): ``sums.X()`` is X, ``sums.X.take()`` too, once.

    ``transposed`` is the structure of Γᵀ; ``X`` = ΓᵀH, (u, d); ``Z`` = Cᵀ diag(2α) H and ``G`` = CᵀΓ W_T, (n, d);
    ``curvature`` K = Hᵀ diag(α) H, symmetric, and ``weights_gram`` XᵀW_T = FᵀG, (d, d) float64; ``pulled_beta`` Cᵀβ
    and ``mass`` (C ∘ C)ᵀ|α|, (n,), and ``total_beta`` Hᵀβ, (d,), float64; ``H_hat`` Ĥ = H Q and ``gradient`` ∇H,
    (m, d). Of sums that are not ``whole`` some examples are elsewhere: the forward pass is that of the others.
    """

    forward: Forward
    transposed: Value[Csr]
    X: Value[Array]
    Z: Value[Array]
    G: Value[Array]
    curvature: Value[Array]
    weights_gram: Value[Array]
    pulled_beta: Value[Array]
    mass: Value[Array]
    total_beta: Value[Array]
    H_hat: Value[Array]
    gradient: Value[Array]
    whole: bool = True
