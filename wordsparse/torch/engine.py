"""The forward pass, backward pass and update of the module on NumPy arrays, for the operators that autograd calls.

Training minimises L = Σ_j g_j ℓ_j. Autograd passes in g_j, the derivative of the network's total loss with respect to
ℓ_j. g_j includes the reduction, the weights of losses in a sum, and the factor of a gradient scaler. Equations (6) to
(12) of :mod:`wordsparse.layer.core` hold for L if α_j, β_j and the rows Γ_j are multiplied by g_j.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError, TrainingError
from wordsparse.layer.curvature import running_mean, size_of_curvature
from wordsparse.layer.factors import Factors
from wordsparse.layer.interface import Forward, Sums
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.refusal import STABLE
from wordsparse.layer.sums import pull_back
from wordsparse.layer.update import Update
from wordsparse.types import Array

# These constants were chosen with networks that predict the next item (on a validation set) or the next word; see
# docs/torch.md. RIDGE is added to the mean curvature, as a fraction of its mean eigenvalue.
RIDGE = 0.05
# The size of the first update of a row that ``embed`` returned, as a fraction of the root mean square of W's entries.
# SCALE_FREE_ROW_MOVE is for losses that are ``scale_free``.
ROW_MOVE, SCALE_FREE_ROW_MOVE = 0.2, 0.4
# The number of examples of a target in a minibatch above which each example moves the target's row less.
CROWD = 8.0
# After t minibatches, the next minibatch weighs 1/(t + 1) in the mean curvature, and the step size is 1/(t + START).
# For m examples, neither the weight nor the step size falls below min(m / FORGET, 1/AVERAGED). The mean must reach back
# further than the previous example of a class. Otherwise, the row of the class is mostly noise, and the gradient with
# respect to h, computed from this row, shrinks h.
FORGET = 200_000.0
AVERAGED = 50.0
START = 20.0
# The maximum of a row's sum of squares. A larger sum would be infinite in float32, and the row would never move again.
MOST_SQUARES = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class StepOptions:
    """The options of a step: the learning rate, λ and whether the step is of second order.

    A ``second_order`` step chooses its own size, which is multiplied by ``lr``.
    """

    lr: float
    weight_decay: float = 0.0
    second_order: bool = False


@dataclass(frozen=True)
class Minibatch:
    """A minibatch of inputs H (m, d) in the working precision and targets Y (m, D)."""

    H: Array
    Y: sp.csr_array

    def equals(self, other: "Minibatch") -> bool:
        """Return whether the other minibatch has the same numbers."""
        parts = (self.H, self.Y.indptr, self.Y.indices, self.Y.data)
        others = (other.H, other.Y.indptr, other.Y.indices, other.Y.data)
        return all(map(np.array_equal, parts, others))


@dataclass
class Gradients:
    """Gradients that one step applies together.

    ``minibatches`` holds pairs (minibatch, g). ``rows`` holds pairs of ids given to ``embed`` and the
    gradients of their rows. ``versions`` are the versions of W in the forward passes. If there is a single minibatch,
    ``sums`` are the sums of this minibatch.
    """

    minibatches: list[tuple[Minibatch, Array]] = field(default_factory=list)
    rows: list[tuple[Array, Array]] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    sums: Sums | None = None

    def add(self, minibatch: Minibatch, g: Array, sums: Sums) -> None:
        """Add a minibatch with its g and its sums."""
        self.sums = None if self.minibatches else sums
        self.minibatches.append((minibatch, g))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "sums": None}  # the sums refer to this layer, not to a copy


class Engine:
    """An output layer with separate forward and backward passes. With ``bias``, a constant 1 is appended to every h,
    and the last column of W is the bias.

    A second-order step multiplies the gradient by Π = (C̄ + r I)⁻¹, where C̄ (``curvature``) is the running mean of
    2 Hᵀ diag(g α) H. Rows of W that ``embed`` returned as inputs take steps of Adagrad (Duchi et al., JMLR 2011) with
    one rate per row; ``row_squares`` (D,) sums the mean squares of their gradients so far.
    """

    def __init__(self, output: FactoredOutput, *, bias: bool) -> None:
        self.output, self.bias = output, bias
        self.curvature, self.steps = np.zeros((output.n_features,) * 2), 0
        self.row_squares = np.zeros(output.n_outputs, np.float32)
        self.pending = Gradients()
        self._kept: tuple[Minibatch, Forward] | None = None

    @property
    def version(self) -> int:
        """The number of changes of W so far."""
        return self.output.core.clock.changes

    def minibatch(self, h: Array, rows: Array, ids: Array, weights: Array) -> Minibatch:
        """Return a minibatch of inputs (m, in_features), and of targets. Target i is the output ids[i] in row rows[i]
        of Y, with the weight weights[i]; targets may be in any order."""
        H = h.astype(self.output.dtype, copy=False)
        if self.bias:
            H = np.column_stack([H, np.ones(H.shape[0], H.dtype)])
        m = H.shape[0]
        if rows.size and not 0 <= rows.min() <= rows.max() < m:
            raise InputError(f"rows of the targets must be from 0 to {m - 1}, not {rows.min()} to {rows.max()}")
        if ids.size and not 0 <= ids.min() <= ids.max() < self.output.n_outputs:
            at = ids.argmin() if ids.min() < 0 else ids.argmax()
            raise InputError(
                f"Y has a target out of range: {ids[at]} in row {rows[at]}, but targets go from 0 to "
                f"{self.output.n_outputs - 1}; if it stands for padding, give ignore_index={ids[at]}"
            )
        rows, ids, weights = (part[weights != 0] for part in (rows, ids, weights))  # a weight of 0 changes no loss
        order = np.argsort(rows, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=m))])
        return Minibatch(H, sp.csr_array((weights[order], ids[order], indptr), (m, self.output.n_outputs)))

    def losses(self, minibatch: Minibatch, *, keep: bool) -> tuple[Array, int]:
        """Return the losses (m,) float64 and the version of W. ``keep`` stores the pass for a backward pass of the same
        minibatch."""
        with self.output.guard.held("forward"):
            forward = self.output.forward(minibatch.H, minibatch.Y)
            self._kept = (minibatch, forward) if keep else None
            return forward.losses, forward.at

    def gradient(self, minibatch: Minibatch, g: Array, version: int, onto: Gradients | None) -> Array:
        """Return g_j ∇h_j for every example, (m, in_features). Add the minibatch to ``onto``, the gradients of a step.

        ``version`` is the version of W that gave the losses. Raise InputError if W has changed since that version.
        """
        with self.output.guard.held("backward"):
            self._check(version)
            forward = self._again(minibatch)
            sums = pull_back(_weighted(forward, g))
            gradient = sums.gradient()
            if onto is not None:
                onto.add(minibatch, g, sums)
                onto.versions.add(version)
            return gradient[:, :-1] if self.bias else gradient

    def rows(self, ids: Array) -> tuple[Array, int]:
        """Return W[ids] (n, in_features), without the biases, and the version of W."""
        core = self.output.core
        with self.output.guard.held("embed"):
            rows = core.rows(validation.output_rows(ids, core.n_outputs))
            return rows[:, :-1] if self.bias else rows, self.version

    def collect_rows(self, ids: Array, gradient: Array, version: int, onto: Gradients) -> None:
        """Add to ``onto`` the gradients (n, in_features) of rows that were inputs; ``ids`` may repeat. Raise InputError
        as :meth:`gradient` does."""
        with self.output.guard.held("backward"):
            self._check(version)
            onto.rows.append((ids, gradient))
            onto.versions.add(version)

    def apply(self, gradients: Gradients, step: StepOptions) -> None:
        """Take one step with the sum of the gradients. The caller holds the guard of the layer.

        Raise InputError if W has changed since the forward passes of the gradients, and TrainingError if the step is
        refused. After an error, nothing has changed.
        """
        for version in gradients.versions:
            self._check(version)
        self._kept, core = None, self.output.core
        update, curvature = self._update(gradients, step) if gradients.minibatches else (None, self.curvature)
        moves = self._row_moves(gradients.rows, update.factors if update else core.factors, step)
        if update is not None:
            core.apply(update)
            self.curvature, self.steps = curvature, self.steps + 1
        if moves is not None:
            rows, change, squares = moves
            core.add_to_rows(rows, change)
            self.row_squares[rows] = squares
        if step.second_order:
            self._rescale()

    def _rescale(self) -> None:
        """Rescale the layer. If W is divided by c, gradients grow by the factor c, so the curvature and the squares of
        rows grow by c²."""
        c = self.output.core.rescale()
        if c != 1:
            self.curvature = self.curvature * c**2
            self.row_squares = np.minimum(self.row_squares * np.float64(c**2), MOST_SQUARES).astype(np.float32)

    def _check(self, version: int) -> None:
        """Raise InputError if the weights have changed since the forward pass."""
        if version != self.version:
            raise InputError(
                "the weights of FactoredOutput have changed since this forward pass, so its gradient would be wrong: "
                "a second backward pass (retain_graph), or two forward passes before two backward passes, need "
                "fused=False with layer.apply_() after them; one backward pass of the sum of all losses does not"
            )

    def _row_moves(
        self, parts: list[tuple[Array, Array]], factors: Factors, step: StepOptions
    ) -> tuple[Array, Array, Array] | None:
        """Return the distinct rows that ``embed`` returned, their changes and their new ``row_squares``; None without
        rows. ``factors`` are the factors of the W to which the changes will be added."""
        if not parts:
            return None
        core, columns = self.output.core, parts[0][1].shape[1]
        ids, gradients = map(np.concatenate, zip(*parts, strict=True))
        rows, places = np.unique(ids, return_inverse=True)
        total = np.zeros((rows.size, core.n_features))
        np.add.at(total[:, :columns], places, gradients)
        squares: Array = self.row_squares[rows]
        rate: Any = step.lr
        if step.second_order:
            with np.errstate(over="ignore"):
                own = np.square(total[:, :columns]).mean(1)
            if not own.max() <= MOST_SQUARES:
                raise TrainingError(
                    f"the gradient of row {rows[own.argmax()]}, which was an input, is too large: scale down the losses"
                )
            squares = np.minimum(squares + own, MOST_SQUARES)
            size = math.sqrt(float(np.trace(factors.Q)) / core.total / core.n_features)
            move = SCALE_FREE_ROW_MOVE if self.output.loss.scale_free else ROW_MOVE
            rate = (step.lr * move * size / np.sqrt(np.where(squares > 0, squares, 1)))[:, None]
        change = -rate * total
        core.check_rows(rows, change, factors)
        return rows, change, squares

    def _update(self, gradients: Gradients, step: StepOptions) -> tuple[Update, Array]:
        """Compute the new C̄, and the update by all minibatches as if they were one. The state does not change."""
        sums, g = self._together(gradients)
        core, lr = self.output.core, step.lr
        self.output.watch.check(sums.forward, self.output.loss)
        Pi, curvature = None, self.curvature
        if step.second_order:
            share = min(1 / AVERAGED, np.count_nonzero(g) / FORGET)
            curvature = running_mean(self.curvature, 2 * size_of_curvature(sums), self.steps, share)
            Pi = self._inverse(curvature)
            lr *= self._size(sums, g, Pi, share)
        return core.update(sums, self._stable(sums, lr, Pi), Pi, weight_decay=step.weight_decay), curvature

    def _together(self, gradients: Gradients) -> tuple[Sums, Array]:
        """Return the sums and g of all minibatches, combined into one minibatch."""
        minibatches, weights = zip(*gradients.minibatches, strict=True)
        g, sums = np.concatenate(weights), gradients.sums
        gradients.sums = None  # a refused update may have consumed parts of the sums
        if sums is None:
            H = np.concatenate([minibatch.H for minibatch in minibatches])
            forward = self.output.forward(H, sp.vstack([minibatch.Y for minibatch in minibatches], format="csr"))
            sums = pull_back(_weighted(forward, g))
        return sums, g

    def _inverse(self, curvature: Array) -> Array | None:
        """Return Π, or None if there is no curvature yet."""
        ridge = RIDGE * float(np.trace(curvature)) / len(curvature)
        return self.output.core.kernels.inverse(curvature + ridge * np.eye(len(curvature))) if ridge > 0 else None

    def _size(self, sums: Sums, g: Array, Pi: Array | None, share: float) -> float:
        """Return the step size, reduced if it would change a target's output by more than ``loss.move`` times the
        derivative.

        Example j changes the output of its target c by η g_j h_jᵀΠh_j / π_c times the derivative (without a base
        measure, π_c = 1). The mean of these factors is limited to ``loss.move``, and their sum for one target to
        ``CROWD`` times as much. If the loss is scale-free, these factors are first divided by the variance of the
        outputs of the example.
        """
        core, targets = self.output.core, sums.forward.targets
        sizes = np.diff(targets.csr.indptr)
        p = 1.0 if core.p is None else core.p[targets.rows[targets.csr.indices]]
        by_example = np.abs(g) * self._norms(sums, Pi)
        if self.output.loss.scale_free:
            by_example /= self._variances(sums)
        moves = np.repeat(by_example, sizes) / p**2
        mean = moves.sum() / max(1, np.count_nonzero(moves))
        most = max(mean, np.bincount(targets.csr.indices, moves).max(initial=0) / CROWD)
        size = max(1 / (self.steps + START), share)
        return min(size, float(self.output.loss.move / most)) if most > 0 else size

    def _variances(self, sums: Sums) -> Array:
        """Return the variance of the outputs of each example, (m,): hᵀQh / Σπ − (hᵀw̄ / Σπ)²; 1 if outputs are
        equal."""
        core, f, H = self.output.core, sums.forward.factors, sums.forward.inputs.rows()
        squares = core.kernels.row_dots(core.kernels.matmul(H, f.Q.astype(H.dtype)), H) / core.total
        variances = squares - (H @ f.w_bar.astype(H.dtype) / core.total) ** 2
        return np.where(variances > 0, variances, 1)

    def _norms(self, sums: Sums, Pi: Array | None) -> Array:
        """Return hᵀΠh for each example, (m,)."""
        kernels, H = self.output.core.kernels, sums.forward.inputs.rows()
        return kernels.row_dots(H if Pi is None else kernels.matmul(H, Pi.astype(H.dtype)), H)

    def _stable(self, sums: Sums, lr: float, Pi: Array | None) -> float:
        """Return the learning rate. If a step with this learning rate would overshoot, reduce the rate so that W just
        reaches the minimum in the steepest direction."""
        # The trace of the curvature bounds ``strength`` from above, and is cheaper to compute.
        if 2 * lr * float(np.abs(sums.forward.terms.alpha) @ self._norms(sums, Pi)) <= STABLE:
            return lr
        B = sums.curvature() if Pi is None else sums.curvature() @ Pi
        strength = 2 * lr * math.sqrt(abs(float(np.vdot(B, B.T))))
        return lr if strength <= STABLE else lr / strength

    def _again(self, minibatch: Minibatch) -> Forward:
        """Return the forward pass of a minibatch: the stored pass if it fits, otherwise a new pass."""
        if self._kept is not None and self._kept[1].at == self.version and self._kept[0].equals(minibatch):
            return self._kept[1]
        return self.output.forward(minibatch.H, minibatch.Y)


def _weighted(forward: Forward, g: Array) -> Forward:
    """Return the forward pass of Σ_j g_j ℓ_j."""
    terms = forward.terms
    by_entry = np.repeat(g, np.diff(forward.targets.csr.indptr)).astype(terms.gamma.dtype)
    weighted = terms._replace(alpha=g * terms.alpha, beta=g * terms.beta, gamma=by_entry * terms.gamma)
    return replace(forward, terms=weighted)
