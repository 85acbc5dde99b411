"""The data that the phases of a step hand over, and the interfaces of inputs, target rows and sums.

Shapes: m examples, u unique target rows, n features, d numbers a row. Arrays are in the working precision unless said
otherwise; the letters are those of the equations in :mod:`wordsparse.layer.core`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.kernels import Csr
from wordsparse.layer.factors import Factors

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


@dataclass
class Clock:
    """How often the state of a layer has changed."""

    changes: int = 0


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward pass of one minibatch, (1) to (3): its loss, and all that gradient and update need of it.

    ``losses`` (m,) float64 is None where only their sum was asked for; ``targets_loss`` is then the part of it that the
    targets' own terms add. ``alpha`` and ``beta`` (m,) float64; ``gamma`` (entries,). ``H_hat`` is Ĥ where it was
    formed. ``p_T`` (u,) float64. ``factors`` are those of the layer at the change number ``at`` of its ``clock``.
    """

    inputs: "Inputs"
    targets: Targets
    target_rows: "TargetRows"
    p_T: Array
    factors: Factors
    losses: Array | None
    targets_loss: float
    alpha: Array
    beta: Array
    gamma: Array
    H_hat: Array | None
    clock: Clock
    at: int

    def check_current(self) -> None:
        """Refuse to go on from a state that is gone.

        Raises
        ------
        InputError
            If the layer has changed since this forward pass.
        """
        if self.clock.changes != self.at:
            raise InputError("this forward pass is out of date: its layer was changed after it; run forward again")


class TargetRows(Protocol):
    """diag(√π) W on the target rows, W_T = V_T U + p_T ωᵀ (u, d)."""

    def outputs(self, inputs: "Inputs") -> Array:
        """a_jk = h_j · W_T[c_jk] of every stored target, (entries,)."""

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        """Γ W_T, (m, d), plus diag(scale) base where given."""

    def take(self) -> Array:
        """W_T itself, the caller's to overwrite."""

    def push(self, X: Array, sums: "Sums", M: Array | None, by: float) -> Array:
        """by · X M, (u, d), M = I where None. It may take the place of X."""

    def square(self, X: Array, forward: Forward) -> Array:
        """XᵀX, (d, d) float64."""

    def measure_sums(self, X: Array) -> Array:
        """Xᵀp_T, (d,) float64."""


class Sums(Protocol):
    """The sums over a minibatch that flow back from it, (4) to (6).

    Each is computed when it is first asked for and kept until it is taken; the caller of a ``take_`` method may
    overwrite the array.
    """

    @property
    def forward(self) -> Forward:
        """The forward pass that they belong to."""

    def transposed(self) -> Csr:
        """The structure of Γᵀ."""

    def take_X(self) -> Array:
        """X = ΓᵀH, (u, d)."""

    def take_Z(self) -> Array:
        """Z = Cᵀ diag(2α) H, (n, d)."""

    def G(self) -> Array:
        """G = CᵀΓ W_T, (n, d)."""

    def take_G(self) -> Array:
        """G, the caller's to overwrite."""

    def weights_gram(self) -> Array:
        """XᵀW_T = FᵀG, (d, d) float64."""

    def curvature(self) -> Array:
        """K = Hᵀ diag(α) H, (d, d) float64, symmetric."""

    def pulled_beta(self) -> Array:
        """Cᵀβ, (n,) float64."""

    def total_beta(self) -> Array:
        """Hᵀβ, (d,) float64."""

    def H_hat(self) -> Array:
        """Ĥ = H Q, (m, d)."""

    def gradient(self) -> Array:
        """∇H, (m, d)."""


class Inputs(Protocol):
    """H (m, d) = C F: bags C (m, n) of features F (n, d)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The working precision."""

    @property
    def features(self) -> Array:
        """F, (n, d)."""

    def rows(self) -> Array:
        """H, (m, d)."""

    def times(self, matrix: Array) -> Array:
        """H M, (m, k)."""

    def moments(self, Q: Array, w_bar: Array | None) -> tuple[Array, Array, Array | None]:
        """q = rowsum(H ∘ H Q) and s = H w̄ (0 where w̄ is None), (m,) float64; and Ĥ = H Q where it was formed."""

    def gram(self, weights: Array) -> Array:
        """Hᵀ diag(weights) H, (d, d) float64, symmetric."""

    def dots(self, targets: Csr, W_T: Array) -> Array:
        """h_j · W_T[c] of every stored target (j, c), (entries,)."""

    def total(self, pulled: Array) -> Array:
        """Fᵀ pulled, (d,) float64: Hᵀ x for pulled = Cᵀ x."""

    def pull(self, values: Array) -> Array:
        """Cᵀ values, (n,) float64, for one number an example."""

    def mass(self, weights: Array) -> Array:
        """Σ_j C_jw² weights_j of each feature w, (n,) float64; repeats inside a bag count one by one, and bags of more
        than ``WIDE_BAG`` features more than once."""

    def pull_back(self, forward: Forward) -> Sums:
        """The sums that flow back from a forward pass of these inputs."""
