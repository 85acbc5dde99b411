"""The data that the phases of a step hand over, and the interface of target rows.

Shapes: m examples, u unique target rows, n features, d numbers a row. Arrays are in the working precision unless said
otherwise; the letters are those of the equations in :mod:`wordsparse.layer.core`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from wordsparse.errors import InputError
from wordsparse.kernels import Csr
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
    target_rows: "TargetRows"
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
    ``curvature`` K = Hᵀ diag(α) H, symmetric, and ``weights_gram`` XᵀW_T = FᵀG, (d, d) float64; ``pulled_beta`` Cᵀβ,
    (n,), and ``total_beta`` Hᵀβ, (d,), float64; ``H_hat`` Ĥ = H Q and ``gradient`` ∇H, (m, d). Of sums that are not
    ``whole`` some examples are elsewhere: the forward pass is that of the others.
    """

    forward: Forward
    transposed: Value[Csr]
    X: Value[Array]
    Z: Value[Array]
    G: Value[Array]
    curvature: Value[Array]
    weights_gram: Value[Array]
    pulled_beta: Value[Array]
    total_beta: Value[Array]
    H_hat: Value[Array]
    gradient: Value[Array]
    whole: bool = True


class TargetRows(Protocol):
    """diag(√π) W on the target rows, W_T = V_T U + p_T ωᵀ (u, d)."""

    @property
    def is_formed(self) -> bool:
        """Whether W_T is formed, because it has no more rows than there are examples."""

    @property
    def p_T(self) -> Array:
        """p on the rows T, (u,) float64."""

    def outputs(self, inputs: RowInputs) -> Array:
        """a_jk = h_j · W_T[c_jk] of every stored target, (entries,)."""

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        """Γ W_T, (m, d), plus diag(scale) base where given."""

    def take(self) -> Array:
        """W_T itself, the caller's to overwrite."""

    def push(self, sums: Sums, M: Array | None, by: float) -> Array:
        """by · X M, (u, d), M = I where None; X may be taken for it."""

    def square(self, sums: Sums) -> Array:
        """XᵀX, (d, d) float64."""

    def gram_change(self, D: Array) -> Array:
        """DᵀV_T + V_TᵀD + DᵀD, the change of VᵀV with a change D (u, d) of V's target rows; (d, d) float64."""
