"""The exact layer: its state, and the phases of a step over all D outputs in O(d²) per example.

The state is V (D, d) and :class:`~wordsparse.layer.factors.Factors`: W = V U + p ωᵀ, Q = WᵀW, w̄ = Wᵀp. The equations
come from Vincent, de Brébisson & Bouthillier (NIPS 2015, arXiv 1412.7091; 1606.08061). The equations are given here for
minibatches, and extended by the positive vector p, the right preconditioner Π and unique target rows. Examples are
rows:

    H (m, d)    the inputs, H = C F: row j of C (m, n) averages features F (n, d) over bag j; C = I for plain rows
    T           the u unique target rows of the minibatch; y are the stored values of the targets
    η, λ, c     the step size, the weight decay, and c = 1 − ηλ

    forward     (1)   W_T = V_T U + p_T ωᵀ     a_jk = h_j · W_T[c_jk]
                (2)   Ĥ = H Q     q = rowsum(H ∘ Ĥ)     s = H w̄
                (3)   o = a / p_T;   from (o, q, s, y) the losses, α = ∂L/∂q, β = ∂L/∂s (m,), Γ = ∂L/∂a (m, u) sparse
    pull back   (4)   X = ΓᵀH     Z = Cᵀ diag(2α) H     G = CᵀΓ W_T
                (5)   K = Hᵀ diag(α) H = ½ FᵀZ
                (6)   ∇H = 2 diag(α) Ĥ + Γ W_T + β w̄ᵀ     ∂L/∂F = Cᵀ∇H = Z Q + G + (Cᵀβ) w̄ᵀ
    update      (7)   B = 2 K Π     A = c I − η B     b = Πᵀ Hᵀβ
                (8)   U' = U A     ω' = Aᵀω − η b
                (9)   w̄' = w̄_A − η ‖p‖² b + Δᵀp_T,   w̄_A = Aᵀw̄,   Δ = −η X Π
                (10)  Q_A = Aᵀ Q A − η (w̄_A bᵀ + b w̄_Aᵀ) + η² ‖p‖² b bᵀ
                (11)  V'_T = V_T + D,   D = Δ U'⁻¹
                (12)  Q' = Q_A + U'ᵀ (DᵀV_T + V_TᵀD + DᵀD) U' + Δᵀp_T ω'ᵀ + ω' (Δᵀp_T)ᵀ

so that W' = W A − η p bᵀ + Δ (rows T). A *fold* multiplies V by U', so that U becomes I. In a fold, or if there are
more target rows than examples, (12) is computed from W_T instead of V_T:

    Q' = Q_A + R + Rᵀ   with   R = ΔᵀW_T A − η Δᵀp_T bᵀ + ½ ΔᵀΔ

Each phase is a call: ``forward`` (1)–(3), ``sums.pull_back`` (4)–(6) and ``update`` (7)–(12) return data without
changing the state. Only ``apply`` changes the state. An update is either refused before anything changes, or applied
completely.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.kernels import Kernels
from wordsparse.layer import loss_pass, refusal
from wordsparse.layer import update as updates
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Clock, Division, Forward, Sums, TargetRows, Targets
from wordsparse.layer.losses import LinearLoss, Loss, is_regression
from wordsparse.types import Array

# The condition number of U up to which a fold computes V U in the precision of V, because the product adds smaller
# rounding errors than the errors already in V, which U amplifies. Above this condition number, a fold computes each row
# in float64 and rounds once.
PLAIN_FOLD = {np.dtype(np.float32): 1000.0, np.dtype(np.float64): np.inf}
# The number of rows that are computed at a time if all of W is needed.
BLOCK_ROWS = 4096
# If the loss does not depend on the scale of W, the mean square of W's entries is kept between 1/BAND and BAND, so that
# usual initial weights are not rescaled, and squares and products stay far from the limits of float32.
BAND = 2.0**40


class ExactLayer:
    """The state and the steps of the exact layer, on arrays of one device. Initially W = 0.

    This class does not check arguments; :class:`wordsparse.FactoredOutput` does. The inputs and the trainers of a layer
    also use its ``kernels``. ``measure`` is π (D,) float64, which sums to 1; None means that every πᵢ is 1. V is (D, d)
    in the working precision ``dtype``, ``p`` is √π (D,) float64 or None, ``total`` is Σ π_i = ‖p‖², and ``folds``
    counts folds of U into V. If several processes divide the rows, ``V`` and ``p`` have only the rows of this process,
    and ``division`` adds up sums over rows; all other numbers are equal in all processes.
    """

    def __init__(
        self,
        kernels: Kernels,
        n_outputs: int,
        n_features: int,
        loss: Loss,
        measure: Array | None,
        dtype: np.dtype[Any],
    ) -> None:
        xp = kernels.xp
        self.kernels, self.loss, self.dtype = kernels, loss, dtype
        self.n_outputs, self.n_features = n_outputs, n_features
        self.p = None if measure is None else kernels.to_device(np.sqrt(measure))
        self.total = float(n_outputs) if measure is None else 1.0
        self.V = xp.zeros((n_outputs, n_features), dtype)
        self.factors = Factors.identity(xp.zeros((n_features,) * 2), xp.zeros(n_features), xp)
        self.folds = 0
        self.clock = Clock()
        self.division = Division()
        self.stable_norm = 0.0  # the largest ‖W‖² after any stable step

    # ── the phases of a step ──────────────────────────────────────────────────────────────────────────────────────

    def forward(
        self, inputs: RowInputs, targets: Targets, *, per_example: bool = True, rows: TargetRows | None = None
    ) -> Forward:
        """Run the forward pass. For a LinearLoss without ``per_example``, equation (2) is skipped, and only the total
        loss is computed. ``rows`` are the target rows, if they do not come from this layer's V."""
        f, kernels = self.factors, self.kernels
        if rows is None:
            rows = TargetRows.of(self.V, targets, self.sqrt_measure(targets.rows), f, kernels)
        a = rows.outputs(inputs)  # (1)
        r = None if self.p is None else (1 / rows.p_T).astype(self.dtype)
        H_hat = None
        if not per_example and isinstance(self.loss, LinearLoss) and not is_regression(self.loss):
            terms = loss_pass.target_terms(self.loss, targets.csr, targets.y, a, r, self.total, kernels)
        else:
            o = loss_pass.times_columns(targets.csr, a, r, kernels)
            q, s, H_hat = inputs.moments(f.Q, f.w_bar if self.loss.sees_sum else None)  # (2)
            terms = loss_pass.per_example(self.loss, targets.csr, targets.y, o, q, s, self.total, kernels)  # (3)
            gamma = terms.gamma.astype(self.dtype, copy=False)
            terms = terms._replace(gamma=loss_pass.times_columns(targets.csr, gamma, r, kernels))
        return Forward(
            inputs=inputs,
            targets=targets,
            target_rows=rows,
            terms=terms,
            H_hat=H_hat,
            factors=f,
            clock=self.clock,
            at=self.clock.changes,
        )

    def loss_sum(self, sums: Sums) -> float:
        """Return the sum of the losses of a forward pass."""
        forward = sums.forward
        if forward.terms.losses is not None:
            return float(forward.terms.losses.sum())
        # The loss is linear in q and s: Σ_j α_j q_j = ⟨K, Q⟩ and Σ_j β_j s_j = (Hᵀβ)·w̄.
        by_q, by_s = np.vdot(sums.curvature(), forward.factors.Q), sums.total_beta() @ forward.factors.w_bar
        return forward.terms.of_targets + float(by_q) + float(by_s)

    def update(
        self,
        sums: Sums,
        lr: float,
        preconditioner: Array | None = None,
        *,
        weight_decay: float = 0.0,
    ) -> updates.Update:
        """Compute the state after a step of size ``lr``, without changing this layer. ``preconditioner`` is Π; None
        means I.

        Raise InputError if the layer has changed since the forward pass of ``sums``, and TrainingError if the step
        would explode or make A singular.
        """
        sums.forward.check_current()
        step = updates.Step(sums, self.total, lr, preconditioner, weight_decay, self.kernels, self.division)
        update = updates.compute(step)
        refusal.check(update, self.factors, self.stable_norm, self.kernels, self.division)
        return update

    def apply(self, update: updates.Update) -> None:
        """Apply an update. Raise InputError if the layer has changed since the forward pass of the update."""
        if update.at != self.clock.changes:
            raise InputError("this update is out of date: the layer has changed since the update was computed")
        self.clock.changes += 1
        if update.strength <= refusal.STABLE or self.stable_norm == 0:
            self.stable_norm = max(self.stable_norm, float(update.factors.Q.trace()))
        self.factors = update.factors
        if update.folds:
            self._take_in()
        self.kernels.add_rows(self.V, update.rows, update.rows_change)  # (11)
        if update.folds:
            self._recount()
            self.folds += 1

    def rescale(self) -> float:
        """Divide W by c if the loss does not depend on the scale of W and the mean square of W's entries is outside
        1/BAND to BAND.

        Return c: 1 if W does not change, otherwise a power of two, so that nothing is rounded. Without rescaling, steps
        whose size is in proportion to W, such as second-order steps, would let W grow without limit.
        """
        if not self.loss.scale_free:
            return 1.0
        f = self.factors
        size = float(np.trace(f.Q)) / self.total / self.n_features
        if size == 0 or 1 / BAND <= size <= BAND:
            return 1.0
        c = float(2.0 ** round(np.log2(size) / 2))
        self.clock.changes += 1
        self.V /= c  # V is divided, not U: with U below 1/FOLD_SCALE, squares of V would exceed float32
        self.factors = replace(f, omega=f.omega / c, Q=f.Q / c**2, w_bar=f.w_bar / c)
        self.stable_norm /= c**2
        return c

    def fold(self) -> None:
        """Set V ← V U + p ωᵀ, U ← I, ω ← 0, and recompute Q and w̄ from W. The cost is O(D d²). One block of rows is
        computed at a time."""
        self.clock.changes += 1
        self._take_in()
        self._recount()
        self.folds += 1

    # ── rows of W ─────────────────────────────────────────────────────────────────────────────────────────────────

    def blocks(self) -> Sequence[slice]:
        """Return slices over all outputs, ``BLOCK_ROWS`` at a time."""
        return [slice(i, min(i + BLOCK_ROWS, self.n_outputs)) for i in range(0, self.n_outputs, BLOCK_ROWS)]

    def rows(self, rows: Array | slice) -> Array:
        """Return W[rows] = diag(1/p) (V_rows U + p_rows ωᵀ), in the working precision."""
        f = self.factors
        V_rows = self.V[rows] if isinstance(rows, slice) else self.kernels.take(self.V, rows)
        W = self.kernels.matmul(V_rows, f.U)
        if f.omega.any():
            along = f.omega[None, :] if self.p is None else self.p[rows, None] * f.omega
            W += along.astype(self.dtype)
        if self.p is not None:
            W /= self.p[rows, None].astype(self.dtype)
        return W

    def outputs(self, H: Array, blocks: Iterable[Array | slice]) -> Iterator[Array]:
        """Yield the outputs H W[rows]ᵀ (m, n) for each block of rows, as V_rows (U h) / p + ω·h, without computing W.

        Rounding errors are as large as if W were computed in the working precision. Folds keep rounding errors small.
        """
        f, kernels = self.factors, self.kernels
        wide = H.astype(np.float64)
        by_U = H if f.is_identity else kernels.matmul(wide, f.U.T).astype(self.dtype)
        along = (wide @ f.omega)[:, None].astype(self.dtype) if f.omega.any() else None
        for rows in blocks:
            V_rows = self.V[rows] if isinstance(rows, slice) else kernels.take(self.V, rows)
            # For one example, BLAS is fastest: all the time goes into reading V, and BLAS reads at full memory
            # bandwidth.
            o = by_U @ V_rows.T if len(H) == 1 else kernels.matmul(by_U, V_rows.T)
            if self.p is not None:
                o /= self.p[rows].astype(self.dtype)
            if along is not None:
                o += along
            yield o

    def check_rows(self, rows: Array, change: Array, factors: Factors) -> None:
        """Raise TrainingError if ``W[rows] += change`` could make entries of W overflow the working precision.
        ``factors`` are the factors of W before this change."""
        refusal.check_rows(self.sqrt_measure(rows)[:, None] * change, factors, self.dtype)

    def add_to_rows(self, rows: Array, change: Array) -> None:
        """Add ``change`` (n, d) to W[rows], by equations (9), (11) and (12) with Δ = diag(p) change and A = I. The rows
        must be distinct. The caller must have checked the change with :meth:`check_rows`."""
        self.clock.changes += 1
        f, p = self.factors, self.sqrt_measure(rows)
        before, delta = (part.astype(np.float64) * p[:, None] for part in (self.rows(rows), change))
        half = before.T @ delta + 0.5 * (delta.T @ delta)
        self.factors = replace(f, Q=f.Q + half + half.T, w_bar=f.w_bar + p @ delta)
        self.kernels.add_rows(self.V, rows, (delta @ f.U_inverse).astype(self.dtype))
        self.stable_norm = max(self.stable_norm, float(np.trace(self.factors.Q)))

    def sqrt_measure(self, rows: Array | slice) -> Array:
        """Return the entries of p for these rows, (n,) float64; ones without a measure."""
        if self.p is not None:
            return self.p[rows]
        n = len(range(*rows.indices(self.n_outputs))) if isinstance(rows, slice) else rows.shape[0]
        ones: Array = self.kernels.xp.ones(n)
        return ones

    # ── the state as a whole ──────────────────────────────────────────────────────────────────────────────────────

    def weights(self) -> Array:
        """Return all of W (D, d) on the host, so that o = W h."""
        out = np.empty(self.V.shape, self.dtype)
        for block in self.blocks():
            out[block] = self.kernels.to_host(self.rows(block))
        return out

    def set_weights(self, weights: Array) -> None:
        """Set W from a host array."""
        self.clock.changes += 1
        for block in self.blocks():
            rows = self.kernels.to_device(np.ascontiguousarray(weights[block]))
            self.V[block] = rows if self.p is None else rows * self.p[block, None]
        self._start_from_V()

    def set_noise(self, seed: int, size: float) -> None:
        """Set diag(√π) W to random normal numbers with standard deviation ``size``."""
        self.clock.changes += 1
        random = np.random.default_rng(seed)
        for block in self.blocks():
            start = size * random.standard_normal(self.V[block].shape, self.dtype)
            self.V[block] = self.kernels.to_device(start)
        self._start_from_V()

    def set_common_output(self, value: float) -> None:
        """Make every output o = ``value``·h_d, where h_d is the last feature: W = p ωᵀ with V = 0."""
        self.clock.changes += 1
        d, xp = self.n_features, self.kernels.xp
        self.V.fill(0)
        omega = xp.zeros(d)
        omega[-1] = value
        self.factors = Factors(xp.eye(d), xp.eye(d), omega, self.total * np.outer(omega, omega), self.total * omega)
        self.stable_norm = float(np.trace(self.factors.Q))

    def state(self) -> dict[str, Any]:
        """Return a dict of all arrays and numbers that steps change.

        On the CPU, the arrays are the layer's own arrays, not copies. From a GPU, the arrays are copies.
        """
        to_host = self.kernels.to_host
        factors = {field.name: to_host(getattr(self.factors, field.name)) for field in fields(Factors)}
        return {"V": to_host(self.V), **factors, "folds": self.folds, "stable_norm": self.stable_norm}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a :meth:`state` saved from a layer with the same D and d. The d×d arrays are used directly, not
        copied."""
        self.clock.changes += 1
        to_device = self.kernels.to_device
        if state["V"] is not self.V:
            self.V[...] = to_device(state["V"])
        self.factors = Factors(**{field.name: to_device(state[field.name]) for field in fields(Factors)})
        self.folds, self.stable_norm = state["folds"], state["stable_norm"]

    def _start_from_V(self) -> None:
        self._recount()
        self.stable_norm = float(np.trace(self.factors.Q))

    def _take_in(self) -> None:
        """Set V ← V U + p ωᵀ."""
        f, kernels = self.factors, self.kernels
        has_omega, is_plain = bool(f.omega.any()), f.condition <= PLAIN_FOLD[self.dtype]
        for block in self.blocks():
            rows = self.V[block] if is_plain else self.V[block].astype(np.float64)
            kernels.matmul_in_place(rows, f.U)
            if has_omega:
                p = self.sqrt_measure(block)[:, None].astype(rows.dtype)
                kernels.matmul(p, f.omega[None, :], out=rows)
            if not is_plain:
                self.V[block] = rows

    def _recount(self) -> None:
        """Set U ← I and ω ← 0, and compute Q and w̄ from V, which now holds W after rounding."""
        d, xp = self.n_features, self.kernels.xp
        Q, w_bar = xp.zeros((d, d)), xp.zeros(d)
        for block in self.blocks():
            Q += self.kernels.gram(self.V[block])
            w_bar += self.kernels.column_sums(self.V[block], self.sqrt_measure(block))
        self.factors = Factors.identity(self.division.total(Q), self.division.total(w_bar), xp)
