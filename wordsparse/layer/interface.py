"""The data that one phase of a step passes to the next phase, and the target rows.

There are m examples, u unique target rows, n features, and d numbers per row. Arrays are in the working precision
unless stated otherwise. The names of arrays come from the equations in :mod:`wordsparse.layer.core`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.loss_pass import LossSums
from wordsparse.types import Array

Result = TypeVar("Result")


@dataclass(frozen=True)
class Targets:
    """The sparse targets of a minibatch: a matrix with one column for each of the unique target rows T.

    ``rows`` (u,) int64 are the distinct outputs that are targets. ``csr`` (m, u) says which of ``rows`` are targets of
    each example. ``y`` (entries,) holds the weights (or regression targets) of the stored entries, in the working
    precision. ``transposed`` is the structure of the transpose of ``csr``, if it is already known.
    """

    rows: Array
    csr: Csr
    y: Array
    transposed: Csr | None = None


class TargetRows:
    """The target rows of diag(√π) W, W_T = V_T U + p_T ωᵀ (u, d), for one minibatch.

    W_T is computed on first use, with one u×d×d product, and kept until ``take``. The computation reads V, so W_T must
    be computed before the update of the minibatch. ``p_T`` (u,) float64 holds the entries of p for the rows T.
    """

    is_formed: ClassVar[bool] = True

    def __init__(self, V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> None:
        self.p_T = p_T
        self._V, self._rows, self._csr = V, targets.rows, targets.csr
        self._factors, self._kernels = factors, kernels

    @classmethod
    def of(cls, V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> "TargetRows":
        """Return the cheaper kind: FactoredRows if there are more target rows than examples, otherwise
        TargetRows."""
        kind = FactoredRows if targets.csr.columns > targets.csr.rows else TargetRows
        return kind(V, targets, p_T, factors, kernels)

    def outputs(self, inputs: RowInputs) -> Array:
        """Return a_jk = h_j · W_T[c_jk] for every stored target, (entries,)."""
        return inputs.dots(self._csr, self._W_T)

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        """Return Γ W_T, (m, d). If ``base`` is given, add diag(scale) base."""
        return self._kernels.combine(self._csr, gamma, self._W_T, base, scale)

    def take(self) -> Array:
        """Return the array W_T itself, which the caller may overwrite."""
        W_T = self._W_T
        del self._W_T
        return W_T

    def push(self, sums: "Sums", M: Array | None, by: float) -> Array:
        """Return ``by`` · X M, (u, d), with the X of ``sums``. M = None means the identity matrix. The result may
        overwrite X."""
        X = sums.X.take()
        return self._kernels.matmul_in_place(X, by * (self._kernels.xp.eye(X.shape[1]) if M is None else M))

    def square(self, sums: "Sums") -> Array:
        """Return XᵀX, (d, d) float64, with the X of ``sums``."""
        return self._kernels.gram(sums.X())

    def gram_change(self, D: Array) -> Array:
        """Return DᵀV_T + V_TᵀD + DᵀD, (d, d) float64, which is the change of VᵀV if the target rows of V change by D
        (u, d)."""
        return self._kernels.gram_change(self._V, self._rows, D)

    @cached_property
    def _W_T(self) -> Array:
        f = self._factors
        if not f.omega.any():
            return self._kernels.matmul_rows(self._V, self._rows, f.U)
        # W_T is a single product if p_T is appended to V_T as a column, and ω is appended to U as a row.
        U_omega = np.vstack([f.U, f.omega])
        return self._kernels.matmul_rows(self._V, self._rows, U_omega, self.p_T.astype(self._V.dtype))


class FactoredRows(TargetRows):
    """Target rows for minibatches with more target rows than examples. W_T is not computed. Methods use V_T instead of
    W_T, with m×d×d products and O(d) per target, so that an example with k targets costs O(d² + k d)."""

    is_formed: ClassVar[bool] = False

    @cached_property
    def _V_T(self) -> Array:
        return self._kernels.take(self._V, self._rows)

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


class Once(Generic[Result]):
    """A function whose result is computed at the first call and then kept, until it is taken."""

    __slots__ = ("_compute", "_result")

    def __init__(self, compute: Callable[[], Result]) -> None:
        self._compute = compute
        self._result: Result | None = None

    def __call__(self) -> Result:
        if self._result is None:
            self._result = self._compute()
        return self._result

    def take(self) -> Result:
        """Return the result, and no longer keep it. The caller may then overwrite the array, and the memory of the
        array is freed as soon as the caller drops the array."""
        result, self._result = self(), None
        return result


@dataclass
class Clock:
    """A count of the changes of a layer's state."""

    changes: int = 0


@dataclass(frozen=True, eq=False)
class Forward:
    """The results of the forward pass of a minibatch, (1) to (3): the loss, and everything that the gradient and the
    update need.

    ``terms`` holds the losses, α, β and Γ. ``H_hat`` is Ĥ, or None if Ĥ was not computed. ``factors`` are the factors
    of the layer at the time of this pass, when the layer's ``clock`` had counted ``at`` changes.
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
        """The loss of each example, (m,) float64. Only a pass with ``per_example`` computes these losses."""
        assert self.terms.losses is not None
        return self.terms.losses

    @cached_property
    def bends(self) -> Array:
        """The absolute values |α|, (m,). Along a row of W, the curvature of example j's loss is 2 α_j h_j h_jᵀ."""
        alpha = self.terms.alpha
        bends_down = alpha.shape[0] > 0 and bool(alpha.min() < 0)
        return np.abs(alpha) if bends_down else alpha

    def check_current(self) -> None:
        """Raise InputError if the layer has changed after this forward pass, because the state that the pass used is
        gone."""
        if self.clock.changes != self.at:
            raise InputError("this forward pass is out of date: the layer has changed since then; run forward again")


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums over a minibatch that the backward pass needs, (4) to (6). Each sum is a function that computes the sum
    at the first call and then keeps it.

    ``transposed`` is the structure of Γᵀ. ``X`` = ΓᵀH is (u, d). ``Z`` = Cᵀ diag(2α) H and ``G`` = CᵀΓ W_T are (n, d).
    The arrays X, Z and G can be taken out with :meth:`Once.take`. ``curvature`` = K = Hᵀ diag(α) H, symmetric, and
    ``weights_gram`` = XᵀW_T = FᵀG are (d, d) float64. ``pulled_beta`` = Cᵀβ and ``mass`` = (C ∘ C)ᵀ|α| (n,), and
    ``total_beta`` = Hᵀβ and ``X_p`` = Xᵀp_T (d,) are float64. ``H_hat`` = Ĥ and ``gradient`` = ∇H are (m, d).
    """

    forward: Forward
    transposed: Callable[[], Csr]
    X: Once[Array]
    Z: Once[Array]
    G: Once[Array]
    curvature: Callable[[], Array]
    weights_gram: Callable[[], Array]
    pulled_beta: Callable[[], Array]
    mass: Callable[[], Array]
    total_beta: Callable[[], Array]
    X_p: Callable[[], Array]
    H_hat: Callable[[], Array]
    gradient: Callable[[], Array]


class Division:
    """The division of a layer's rows among the processes that take each step together. In this class, one process holds
    all rows."""

    is_divided: ClassVar[bool] = False

    def total(self, part: Array) -> Array:
        """Return the sum over all processes of ``part``, which is a sum over the rows of this process."""
        return part

    def by_one(self, compute: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Return the arrays and numbers that ``compute`` returns. The computation needs only data that are equal in all
        processes, such as d×d matrices, so one process computes for all."""
        return compute()
