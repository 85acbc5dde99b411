"""The engine of the exact layer: its forward pass, backward pass and update.

Equations (6) to (12) of :mod:`wordsparse.layer.core` hold for L = Σ_j g_j ℓ_j if α_j, β_j and the rows Γ_j are
multiplied by g_j.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.kernels import at_work
from wordsparse.layer.curvature import running_mean, size_of_curvature
from wordsparse.layer.factors import Factors
from wordsparse.layer.guard import one_at_a_time
from wordsparse.layer.interface import Forward, Sums
from wordsparse.layer.losses import Loss
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.refusal import STABLE
from wordsparse.layer.sums import pull_back
from wordsparse.layer.update import Update
from wordsparse.torch.engine import MOST_SQUARES, Engine, Gradients, Minibatch, Pass, StepOptions, summed
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
FACTORS = ("U", "U_inverse", "omega", "Q", "w_bar")
# The largest accepted error of Q = WᵀW and w̄ = Wᵀp in a stored state, relative to the largest entry. Rounding errors
# are far smaller than this limit.
AGREEMENT = 1e-3


class ExactEngine(Engine):
    """The engine of an exact layer. With ``bias``, a constant 1 is appended to every h, and the last column of W is the
    bias.

    A second-order step multiplies the gradient by Π = (C̄ + r I)⁻¹, where C̄ (``curvature``) is the running mean of
    2 Hᵀ diag(g α) H. Rows of W that ``embed`` returned as inputs take steps of Adagrad.
    """

    def __init__(self, output: FactoredOutput, *, bias: bool) -> None:
        d = output.n_features
        super().__init__(output.n_outputs, d - bias, output.dtype, output.guard, bias=bias)
        self.output, self.curvature, self.steps = output, np.zeros((d, d)), 0
        self._loss_text = np.frombuffer(text_of(output.loss).encode(), np.uint8).copy()

    def _inputs(self, h: Array) -> Array:
        H = super()._inputs(h)
        return np.column_stack([H, np.ones(H.shape[0], H.dtype)]) if self.bias else H

    @one_at_a_time
    def forward(self, minibatch: Minibatch) -> Pass:
        forward = self.output.forward(minibatch.H, self._targets(minibatch))
        return Pass(minibatch, forward.losses, self.version, forward)

    @one_at_a_time
    def gradient(self, forward: Pass, g: Array, version: int, onto: Gradients | None) -> Array:
        self._check(version)
        sums = pull_back(_weighted(forward.results, g))
        gradient = sums.gradient()
        if onto is not None:
            onto.add(forward.minibatch, g, sums)
            onto.versions.add(version)
        return gradient[:, : self.in_features]

    @at_work()
    def _take_step(self, gradients: Gradients, step: StepOptions) -> None:
        core = self.output.core
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

    def _row_moves(
        self, parts: list[tuple[Array, Array]], factors: Factors, step: StepOptions
    ) -> tuple[Array, Array, Array] | None:
        """Return the distinct rows that ``embed`` returned, their changes and their new ``row_squares``; None without
        rows. ``factors`` are the factors of the W to which the changes will be added."""
        if not parts:
            return None
        core = self.output.core
        rows, total = summed(parts, core.n_features)
        squares, rate = self.row_squares[rows], np.full((1, 1), step.lr)
        if step.second_order:
            squares = self._squares_with(rows, total[:, : self.in_features])
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
            forward = self.output.forward(H, sp.vstack(list(map(self._targets, minibatches)), format="csr"))
            sums = pull_back(_weighted(forward, g))
        return sums, g

    def _targets(self, minibatch: Minibatch) -> sp.csr_array:
        """Return the targets Y (m, D) of a minibatch."""
        m, order = len(minibatch.H), np.argsort(minibatch.rows, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(minibatch.rows, minlength=m))])
        return sp.csr_array((minibatch.weights[order], minibatch.ids[order], indptr), (m, self.n_outputs))

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

    # ── outputs and state ─────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, ids: Any) -> Array:
        return self.output.core.rows(ids)

    def _outputs(self, H: Array, blocks: Iterable[Any]) -> Iterator[Array]:
        return self.output.core.outputs(H, blocks)

    def state(self) -> dict[str, Any]:
        core = self.output.core
        measure = {} if core.p is None else {"measure_roots": core.p}
        own = {"curvature": self.curvature, "row_squares": self.row_squares, "steps": self.steps}
        return {**core.state(), **own, "loss_text": self._loss_text, **measure}

    def check_state(self, state: Mapping[str, Array], prefix: str) -> None:
        core = self.output.core
        U, omega = state["U"].astype(np.float64), state["omega"].astype(np.float64)
        V, p = state["V"], state.get("measure_roots", np.ones(core.n_outputs))
        Q, w_bar, total = np.zeros_like(U), np.zeros_like(omega), float(np.square(p, dtype=np.float64).sum())
        for block in core.blocks():  # W' = V U + p ωᵀ needs float64, because its terms may cancel
            W = V[block].astype(np.float64) @ U + np.outer(p[block], omega)
            Q += W.T @ W
            w_bar += p[block] @ W
        largest, rounding = float(np.abs(omega).max(initial=0)), 100 * np.finfo(np.float32).eps
        for name, expected, terms in (("Q", Q, largest**2), ("w_bar", w_bar, largest)):
            # If the terms V U and p ωᵀ cancel, their rounding errors remain, and are tolerated.
            tolerance = AGREEMENT * np.abs(expected).max(initial=0) + rounding * total * terms + 1e-33
            if np.abs(state[name] - expected).max(initial=0) > tolerance:
                raise InputError(
                    f"{prefix}{name} does not belong to the weights in the same state: load a complete state"
                )

    def check_loss(self, text: Array, prefix: str) -> None:
        """Raise InputError if the ``loss_text`` of a state is not that of this layer."""
        if not np.array_equal(text, self._loss_text):
            stored, own = (bytes(each).decode(errors="replace") for each in (text, self._loss_text))
            raise InputError(
                f"{prefix}loss_text: the state has the loss {stored}, but this layer has {own}: make the layer with "
                "the loss of the state; to train its weights with another loss, give weights=old.weights()"
            )

    def restore(self, state: Mapping[str, Array]) -> None:
        core = self.output.core
        if core.p is not None:
            core.p[...] = state["measure_roots"]
        factors = {name: state[name].copy() for name in FACTORS}
        core.restore(
            {"V": state["V"], "folds": int(state["folds"]), "stable_norm": float(state["stable_norm"]), **factors}
        )
        self.curvature, self.row_squares = state["curvature"].copy(), state["row_squares"].copy()
        self.steps, self.version = int(state["steps"]), self.version + 1


def text_of(loss: Loss) -> str:
    """Return the name and the constants of a loss, such as ``zloss(a=1.0, b=7.0)``."""
    plain = {name: value for name, value in vars(loss).items() if isinstance(value, (int, float, str, np.number))}
    constants = (f"{name}={value if isinstance(value, str) else float(value)}" for name, value in plain.items())
    return f"{loss.name}({', '.join(constants)})"


def _weighted(forward: Forward, g: Array) -> Forward:
    """Return the forward pass of Σ_j g_j ℓ_j."""
    terms = forward.terms
    by_entry = np.repeat(g, np.diff(forward.targets.csr.indptr)).astype(terms.gamma.dtype)
    weighted = terms._replace(alpha=g * terms.alpha, beta=g * terms.beta, gamma=by_entry * terms.gamma)
    return replace(forward, terms=weighted)
