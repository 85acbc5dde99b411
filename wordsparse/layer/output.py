"""The exact output layer: loss, gradient and update over all D outputs in O(d²) per example.

State: V (D, d) and :class:`~wordsparse.layer.factors.Factors`, W = V U + p ωᵀ, Q = WᵀW, w̄ = Wᵀp. Notation, order and
equations are those of Vincent, de Brébisson & Bouthillier (NIPS 2015, arXiv 1412.7091; 1606.08061) in minibatch form,
extended by the positive vector p, the right preconditioner Π and unique target rows:

    H (m, d) inputs; T the u unique target rows of the minibatch; Γ (m, u) = ∂L/∂a sparse; α = ∂L/∂q, β = ∂L/∂s (m,)
    forward    Ĥ = H Q    q = rowsum(H ∘ Ĥ)    s = H w̄    W_T = V_T U + p_T ωᵀ    a_jk = h_j · W_T[c_jk]
    backward   ∇H = 2 diag(α) Ĥ + Γ W_T + β w̄ᵀ
    update     G = 2 Hᵀ diag(α) H Π    A = (1 − ηλ) I − η G    b = Πᵀ Hᵀ β    Δ = −η Γᵀ H Π    (η: lr, λ: weight decay)
               W' = W A − η p bᵀ + Δ (rows T), by
               U' = U A    ω' = Aᵀω − η b    V'_T = V_T + Δ U'⁻¹
               w̄_A = Aᵀ w̄    w̄' = w̄_A − η ‖p‖² b + Δᵀ p_T
               Q' = Aᵀ Q A − η (w̄_A bᵀ + b w̄_Aᵀ) + η² ‖p‖² b bᵀ + R + Rᵀ
               R  = Δᵀ W_T A − η (Δᵀ p_T) bᵀ + ½ Δᵀ Δ
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wordsparse import validation
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import Csr, Kernels, at_work, kernels_on
from wordsparse.layer import losses as _losses
from wordsparse.layer import update as _update
from wordsparse.layer.factors import Factors, condition_number, scale
from wordsparse.layer.inputs import Inputs, RowInputs
from wordsparse.layer.targets import Forward, TargetRows, Targets

Array = NDArray[Any]

# Past this condition number inputs of this precision cannot tell a step's A from a singular matrix.
STEP_CONDITION = {np.dtype(np.float32): 1e7, np.dtype(np.float64): 1e12}
# An unstable step may not take ‖W‖² past this multiple of the largest value that it had after a stable one.
MAX_GROWTH = 1e8
# Rows of W formed at a time when all of W passes by.
BLOCK_ROWS = 4096


class FactoredOutput:
    """A linear layer o = W h with D outputs whose exact step costs O(d²) per example, whatever D.

    Parameters
    ----------
    n_outputs : int
        D.
    n_features : int
        d, the size of h.
    loss : str or wordsparse.layer.losses.Loss
        One of ``squared``, ``bounded-ns``, ``spherical``, ``taylor``, ``zloss``, or a loss object.
    base_measure : (D,) array of positive numbers, optional
        π, normalised to sum 1: every sum over outputs is weighted by it, and :meth:`step` is the gradient step on
        diag(√π) W. Without it sums are plain sums and the step is on W.
    dtype : float32 or float64
        Working precision of V, H and the rows; the d×d state is float64 always.
    seed : int
        For initial weights where the loss cannot start at zero: normal with standard deviation 0.01/√π_i.
    weights : (D, d) array, optional
        Initial W; taken as given.
    threads : int, optional
        Threads of the compiled kernels; None: every CPU available.
    device : str
        ``cpu``, ``cuda`` (an NVIDIA GPU through CuPy) or ``auto``; there the state stays. Inputs may be CuPy arrays
        then, and what is returned for them is too; NumPy arrays give NumPy arrays.

    Raises
    ------
    InputError
        If a size, the dtype, the base measure or the weights do not fit, or the device cannot be used.
    """

    @at_work(starting=True)
    def __init__(
        self,
        n_outputs: int,
        n_features: int,
        loss: str | _losses.Loss = "squared",
        base_measure: ArrayLike | None = None,
        dtype: Any = np.float32,
        seed: int = 0,
        weights: ArrayLike | None = None,
        threads: int | None = None,
        device: str = "cpu",
        kernels: Kernels | None = None,
    ) -> None:
        self.n_outputs = validation.positive_int("n_outputs", n_outputs)
        self.n_features = validation.positive_int("n_features", n_features)
        self.loss = _losses.resolve(loss)
        self.dtype = validation.working_dtype(dtype)
        if self.n_outputs < self.loss.min_outputs:
            raise InputError(f"loss {self.loss.name} needs at least {self.loss.min_outputs} outputs, not {n_outputs}")
        seed = validation.whole("seed", seed)
        self.kernels: Kernels = kernels if kernels is not None else kernels_on(device, threads)
        xp = self.kernels.xp
        # p = √π (D,) float64; None stands for all ones, at no cost in memory.
        self.p = None
        if base_measure is not None:
            roots = np.sqrt(validation.base_measure(base_measure, self.n_outputs, self.dtype))
            self.p = self.kernels.to_device(roots)
        self.total = float(self.n_outputs) if self.p is None else 1.0  # Σ π_i = ‖p‖²
        self.V = xp.zeros((self.n_outputs, self.n_features), self.dtype)
        self.folds = 0
        if weights is not None:
            self.set_weights(weights)
        elif self.loss.starts_at_zero:
            self.factors = Factors.identity(xp.zeros((n_features,) * 2), xp.zeros(n_features), xp)
            self._calm_norm = 0.0
        else:
            random = np.random.default_rng(seed)
            for block in self._blocks():
                start = 0.01 * random.standard_normal(self.V[block].shape, self.dtype)
                self.V[block] = self.kernels.to_device(start)
            self._recount()
            self._calm_norm = float(np.trace(self.factors.Q))

    # ── the public face: examples as rows, targets as a SciPy matrix ──────────────────────────────────────────────

    def loss_and_grad(self, H: ArrayLike, Y: Any) -> tuple[Array, Array]:
        """Losses and ∂(their sum)/∂H, without an update.

        Parameters
        ----------
        H : (m, d) array
        Y : (m, D) SciPy CSR matrix or array
            Its stored values weight the targets' losses; for squared error they are the regression targets.

        Returns
        -------
        losses : (m,) float64
        grad_h : (m, d) in the working precision

        Raises
        ------
        InputError
            If shapes do not agree, a value is not finite, or a target's index is out of range.
        """
        with at_work():
            forward = self._evaluate_rows(H, Y)
            return self._like(H, self._losses_of(forward)), self._like(H, forward.gradient)

    def step(self, H: ArrayLike, Y: Any, lr: float, *, weight_decay: float = 0.0) -> tuple[Array, Array]:
        """One exact gradient step of size ``lr`` on the sum of the losses; returns as :meth:`loss_and_grad`, from
        before.

        ``weight_decay`` λ adds λ/2 ‖W‖² (with a base measure: of diag(√π) W) to that sum.

        Raises
        ------
        InputError
            As :meth:`loss_and_grad`; or if lr or weight_decay is negative or not finite.
        TrainingError
            If the step would explode or make A singular. Nothing has changed then.
        """
        lr = validation.non_negative("lr", lr)
        weight_decay = validation.non_negative("weight_decay", weight_decay)
        with at_work():
            forward = self._evaluate_rows(H, Y)
            gradient = forward.gradient  # of the state before the step
            self.update(forward, lr, weight_decay=weight_decay)
            return self._like(H, self._losses_of(forward)), self._like(H, gradient)

    @at_work()
    def weights(self, rows: ArrayLike | None = None) -> Array:
        """W[rows] (all rows when None), so that o = W h; in the working precision."""
        if rows is None:
            out = np.empty(self.V.shape, self.dtype)
            for block in self._blocks():
                out[block] = self.kernels.to_host(self._plain_rows(block))
            return out
        return self.kernels.to_host(self._plain_rows(self._chosen(rows)))

    @at_work()
    def set_weights(self, weights: ArrayLike) -> None:
        """Set W (D, d), so that o = W h."""
        weights = np.asarray(weights)
        if weights.shape != self.V.shape:
            raise InputError(f"weights must have shape {self.V.shape}, not {weights.shape}")
        for block in self._blocks():  # all of them before the first is set
            validation.matrix("weights", weights[block], self.n_features, self.dtype, first_row=block.start)
        for block in self._blocks():
            rows = self.kernels.to_device(np.ascontiguousarray(weights[block]))
            self.V[block] = rows if self.p is None else rows * self.p[block, None]
        self._recount()
        self._calm_norm = float(np.trace(self.factors.Q))

    @at_work()
    def set_common_output(self, value: float) -> None:
        """Start from o = ``value``·h_d for every output alike, h_d the last feature: W = p ωᵀ with V = 0."""
        d, xp = self.n_features, self.kernels.xp
        self.V.fill(0)
        omega = xp.zeros(d)
        omega[-1] = value
        self.factors = Factors(xp.eye(d), xp.eye(d), omega, self.total * np.outer(omega, omega), self.total * omega)
        self._calm_norm = float(np.trace(self.factors.Q))

    @at_work()
    def outputs(self, H: ArrayLike, rows: ArrayLike) -> Array:
        """o[:, rows] for inputs H (m, d): (m, len(rows))."""
        there = self._checked(H)
        return self._like(H, there @ self._plain_rows(self._chosen(rows)).T)

    @at_work()
    def top(self, H: ArrayLike, k: int) -> tuple[Array, Array]:
        """The k largest outputs of each example over all D, W formed a block of rows at a time.

        Returns
        -------
        indices : (m, k) int64, outputs : (m, k)
            Largest first; k is cut to D.
        """
        there, xp = self._checked(H), self.kernels.xp
        k = min(validation.positive_int("k", k), self.n_outputs)
        best = xp.empty((there.shape[0], 0), self.dtype)
        where = xp.empty((there.shape[0], 0), np.int64)
        for block in self._blocks():
            scores = there @ self._plain_rows(block).T
            columns = np.broadcast_to(xp.arange(block.start, block.start + scores.shape[1]), scores.shape)
            best, where = np.hstack([best, scores]), np.hstack([where, columns])
            chosen = np.argsort(-best, axis=1, kind="stable")[:, :k]
            best, where = np.take_along_axis(best, chosen, 1), np.take_along_axis(where, chosen, 1)
        return self._like(H, where), self._like(H, best)

    # ── all of the state, for checkpoints ─────────────────────────────────────────────────────────────────────────

    @at_work()
    def state(self) -> dict[str, Any]:
        """All that steps change, by name: arrays and numbers.

        On the CPU the arrays are this layer's own, from a GPU they are copies.
        """
        to_host = self.kernels.to_host
        factors = {field.name: to_host(getattr(self.factors, field.name)) for field in fields(Factors)}
        return {"V": to_host(self.V), **factors, "folds": self.folds, "calm_norm": self._calm_norm}

    @at_work()
    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave, with the same sizes. The d×d arrays are taken over, not copied."""
        to_device = self.kernels.to_device
        if state["V"] is not self.V:
            self.V[...] = to_device(state["V"])
        self.factors = Factors(**{field.name: to_device(state[field.name]) for field in fields(Factors)})
        self.folds, self._calm_norm = state["folds"], state["calm_norm"]

    # ── forward and backward ──────────────────────────────────────────────────────────────────────────────────────

    def evaluate(self, inputs: Inputs, targets: Targets, *, per_example: bool = True) -> Forward:
        """The forward pass. Without ``per_example`` a linear loss skips Ĥ: only the sum of the losses is known."""
        f = self.factors
        p_T = self._measure_roots(targets.rows)
        target_rows = TargetRows(self.V, targets.rows, p_T, f, inputs, targets.csr, self.kernels)
        a = target_rows.outputs()
        # o = a/√π_c, ∂ℓ/∂a = ∂ℓ/∂o / √π_c
        r = None if self.p is None else (1 / p_T).astype(self.dtype)
        o = a if r is None else self.kernels.scale_columns(targets.csr, a, r)
        H_hat = losses = None
        targets_loss = 0.0
        if not per_example and isinstance(self.loss, _losses.LinearLoss) and self.loss.weighted:
            targets_loss, terms = self.loss.minibatch_of_targets(targets.csr, targets.y, o, self.total, self.kernels)
        else:
            H_hat = inputs.times(f.Q)
            q = self.kernels.row_dots(inputs.rows, H_hat)
            s = self.kernels.xp.zeros(q.shape)
            if self.loss.sees_sum:
                s += inputs.rows @ f.w_bar.astype(self.dtype)
            terms = self.loss.minibatch(targets.csr, targets.y, o, q, s, self.total, self.kernels)
            losses = terms.losses
        gamma = terms.gamma.astype(self.dtype, copy=False)
        if r is not None:
            gamma = self.kernels.scale_columns(targets.csr, gamma, r)
        return Forward(
            inputs,
            targets,
            target_rows,
            f,
            self.kernels,
            losses,
            targets_loss,
            terms.alpha,
            terms.beta,
            gamma,
            H_hat,
        )

    # ── update ────────────────────────────────────────────────────────────────────────────────────────────────────

    def update(
        self, forward: Forward, lr: float, preconditioner: Array | None = None, *, weight_decay: float = 0.0
    ) -> None:
        """W ← W A − η p bᵀ + Δ, through the factors; Π = I without a preconditioner (d, d).

        Raises
        ------
        TrainingError
            If the step would explode or make A singular. Nothing has changed then.
        """
        if forward.inputs.shape[0] == 0 and weight_decay == 0:
            return
        rows = forward.targets.rows
        problem = _update.Problem(
            self.factors, forward, self._measure_roots(rows), self.total, lr, preconditioner, weight_decay
        )
        update = _update.compute(problem, self.kernels)
        self._refuse_bad(update)
        if update.strength <= 2 or self._calm_norm == 0:
            self._calm_norm = max(self._calm_norm, float(np.trace(update.factors.Q)))
        self.factors = update.factors
        if update.folds:
            self._take_in()
        self.kernels.add_rows(self.V, rows, update.rows_change)
        if update.folds:
            self._recount()
            self.folds += 1

    def _refuse_bad(self, update: _update.Update) -> None:
        """Raise if an update may not be applied; it has changed nothing yet."""
        new = update.factors
        norm = float(np.trace(new.Q))
        # From W = 0 there is no norm to compare with: there the step's own amplification counts.
        growth = norm / self._calm_norm if self._calm_norm > 0 else update.strength * update.strength
        if update.strength > 2 and np.isfinite(norm) and growth > MAX_GROWTH:
            raise TrainingError(
                f"the step would explode: the squared norm of the weights would reach {norm:.3g}, from "
                f"{self._calm_norm:.3g} while steps were stable{_advice(update)}"
            )
        if new.condition > STEP_CONDITION[self.dtype]:
            with np.errstate(all="ignore"):
                A, A_inverse = self.factors.U_inverse @ new.U, new.U_inverse @ self.factors.U
                condition = condition_number(scale(A), scale(A_inverse))
            if condition > STEP_CONDITION[self.dtype]:
                raise TrainingError(
                    f"the step would make A = I - lr G singular (condition number {condition:.3g}): the learning "
                    f"rate is the inverse of an eigenvalue of the curvature G, or not finite{_advice(update)}"
                )
        change = update.rows_change
        with np.errstate(all="ignore"):
            finite = np.isfinite(self.kernels.row_dots(change, change).sum()) or validation.all_finite(change)
        if not (new.is_finite() and finite):
            raise TrainingError(f"the step would give values that are not finite numbers{_advice(update)}")

    @at_work()
    def fold(self) -> None:
        """V ← V U + p ωᵀ, U ← I, ω ← 0, and Q, w̄ anew from W: O(D d²), a block of rows at a time."""
        self._take_in()
        self._recount()
        self.folds += 1

    def _take_in(self) -> None:
        """V ← V U + p ωᵀ."""
        f = self.factors
        if not f.omega.any():
            self.kernels.transform(self.V, f.U)
            return
        p = self._measure_roots(slice(None))
        self.kernels.transform(self.V, np.vstack([f.U, f.omega]), p)

    def _recount(self) -> None:
        """U ← I, ω ← 0, and Q, w̄ of the W that V holds, as rounded."""
        d = self.n_features
        xp = self.kernels.xp
        Q, w_bar = xp.zeros((d, d)), xp.zeros(d)
        for block in self._blocks():
            Q += self.kernels.gram(self.V[block])
            w_bar += self.kernels.column_sums(self.V[block], self._measure_roots(block))
        self.factors = Factors.identity(Q, w_bar, xp)

    # ── rows of W ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _blocks(self) -> Sequence[slice]:
        return [slice(i, i + BLOCK_ROWS) for i in range(0, self.n_outputs, BLOCK_ROWS)]

    def _measure_roots(self, rows: Array | slice) -> Array:
        """p on the given rows, (n,) float64."""
        if self.p is not None:
            return self.p[rows]
        n = len(range(*rows.indices(self.n_outputs))) if isinstance(rows, slice) else rows.shape[0]
        ones: Array = self.kernels.xp.ones(n)
        return ones

    def _outer(self, rows: Array | slice, omega: Array) -> Array:
        """p_rows ωᵀ, broadcastable to (rows, d)."""
        return omega[None, :] if self.p is None else self.p[rows, None] * omega

    def _factored_rows(self, rows: Array | slice) -> Array:
        """(diag(√π) W)[rows] = V_rows U + p_rows ωᵀ."""
        f = self.factors
        V_T = self.V[rows] if isinstance(rows, slice) else self.kernels.take(self.V, rows)
        W_T = self.kernels.matmul(V_T, f.U)
        if f.omega.any():
            W_T += self._outer(rows, f.omega).astype(self.dtype)
        return W_T

    def _plain_rows(self, rows: Array | slice) -> Array:
        W = self._factored_rows(rows)
        if self.p is not None:
            W /= self.p[rows, None].astype(self.dtype)
        return W

    def _evaluate_rows(self, H: ArrayLike, Y: Any) -> Forward:
        there = self._checked(H)
        indptr, columns, y = validation.sparse_targets(
            Y, there.shape[0], self.n_outputs, self.dtype, add_up=isinstance(self.loss, _losses.Squared)
        )
        rows, local = np.unique(columns, return_inverse=True)
        csr = Csr(indptr, local.astype(np.int32), rows.shape[0])
        targets = Targets(rows, csr, y).moved(self.kernels.to_device)
        return self.evaluate(RowInputs(there, self.kernels), targets)

    # ── what users hand over and get back ─────────────────────────────────────────────────────────────────────────

    def _checked(self, H: Any) -> Array:
        """H, validated and on the device."""
        if self._is_there(H):
            return validation.device_matrix("H", H, self.n_features, self.dtype)
        return self.kernels.to_device(validation.matrix("H", H, self.n_features, self.dtype))

    def _chosen(self, rows: ArrayLike) -> Array:
        """Indices of outputs, validated and on the device."""
        return self.kernels.to_device(validation.output_rows(rows, self.n_outputs))

    def _like(self, given: Any, result: Array) -> Array:
        """A result where the input was: on the device for an array of the device."""
        return result if self._is_there(given) else self.kernels.to_host(result)

    def _is_there(self, array: Any) -> bool:
        return self.kernels.device != "cpu" and isinstance(array, self.kernels.xp.ndarray)

    @staticmethod
    def _losses_of(forward: Forward) -> Array:
        if forward.losses is None:
            raise TrainingError("this forward pass holds the sum of the losses only")
        return forward.losses


def _advice(update: _update.Update) -> str:
    return f"; lower the learning rate (stable up to {2 / max(update.strength, 1e-300):.3g} times this one)"
