"""Training of an embedding of sparse rows and of the exact layer on it, by bounded negative sampling.

π_l ∝ n_l^½; a label that no row has weighs next to nothing. Per minibatch of N rows, with α_j the curvature of row j's
loss along any output:

    output    C̄, κ ← running means of Hᵀ diag(2α) H / N, Σ 2α / N        Π = (C̄ + RIDGE mean-eig(C̄) I)⁻¹
              W ← W − η/N (∂L/∂W) Π,   η = max(1/(t + T0), r N/MEMORY),  at most 1/tr(Π C) of the minibatch
    input     M_w ← M_w + Σ_j 2α_j/κ x_jw²
              E_w ← E_w − g_w (Q_E + RHO mean-eig(Q_E) I)⁻¹ / (κ (M_w + M0)),   g_w = ∂L/∂E_w along z alone

r is the share of the run that is left. No row of E takes more than ``TRUST`` of the Newton step of the minibatch
alone, and in the first epoch only W moves. Hidden units learn by Adam; E does not see their gradient, along which its
Newton steps diverged in trials.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.kernels import CpuKernels
from wordsparse.labels.hidden import HiddenUnits, NoUnits
from wordsparse.labels.progress import Report
from wordsparse.labels.rows import SparseRows
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput

Array = NDArray[Any]

EPOCHS = 5
# Rows of a minibatch: a fiftieth of all, at most 1,000; on few rows at least 200, or a twentieth.
MOST, FEWEST = (1000, 50), (200, 20)
LOSS = BoundedNS(negatives=30.0, touching=6.0)
MEASURE_POWER = 0.5
# The count of a label that no row has: such labels, however many, must not take the negatives from those that occur.
UNSEEN = 1e-12
T0, MEMORY, RIDGE = 60.0, 20_000, 2.0
RHO, M0, TRUST = 0.01, 30.0, 0.5
TINY = float(np.finfo(np.float32).tiny)


def trained(
    X: Any, Y: Any, counts: Array, dim: int, hidden: int, seed: int, kernels: CpuKernels, report: Report
) -> tuple[Array, tuple[Array, Array], Array]:
    """E (f, dim), the hidden units' (A, b), and W (D, dim + hidden + 1).

    Raises
    ------
    TrainingError
        If training diverges.
    """
    training = _Training(X, Y, counts, dim, hidden, seed, kernels)
    with training.units.on_threads(kernels.threads):
        training.run(report)
    return training.E, training.units.weights(), training.layer.weights()


class _Training:
    """E, the hidden units, the layer, and the running means of the two steps."""

    def __init__(self, X: Any, Y: Any, counts: Array, dim: int, hidden: int, seed: int, kernels: CpuKernels) -> None:
        self.X, self.Y, self.dim, self.kernels = X, Y, dim, kernels
        self.random = np.random.default_rng(seed)
        self.E = ((self.random.random((X.shape[1], dim)) - 0.5) / dim).astype(np.float32)
        self.units = HiddenUnits(dim, hidden, seed) if hidden else NoUnits(dim)
        width = dim + hidden + 1
        measure = np.where(counts > 0, counts, UNSEEN) ** MEASURE_POWER
        self.layer = FactoredOutput(counts.shape[0], width, LOSS, measure, kernels=kernels)
        self.mass = np.zeros(X.shape[1])
        self.curvature, self.row_curvature, self.steps = np.zeros((width, width)), 0.0, 0

    def run(self, report: Report) -> None:
        """All epochs."""
        n = self.X.shape[0]
        size, done = max(1, min(MOST[0], n // MOST[1]), min(FEWEST[0], n // FEWEST[1])), 0
        for epoch in range(EPOCHS):
            order = self.random.permutation(n)
            for start in range(0, n, size):
                rows = np.sort(order[start : start + size])
                loss = self._step(self.X[rows], self.Y[rows], 1 - done / (EPOCHS * n), moves=epoch > 0)
                done += rows.size
                report("epochs", done, EPOCHS * n, loss)

    def _step(self, X: Any, Y: Any, remaining: float, *, moves: bool) -> float:
        """One minibatch; returns its mean loss beforehand."""
        core, n = self.layer.core, X.shape[0]
        features, local = np.unique(X.indices, return_inverse=True)
        rows = SparseRows(sp.csr_array((X.data, local, X.indptr), shape=(n, features.size)), self.kernels)
        Z = rows.times(self.E[features])
        forward = self.layer.forward(np.column_stack([Z, self.units.forward(Z), np.ones(n, Z.dtype)]), Y)
        assert forward.losses is not None
        loss = float(forward.losses.mean())
        if not forward.alpha.any():  # no row has a label: nothing is learnt, and the curvature is 0
            return loss
        self.layer.watch.check(forward, LOSS, core.total)
        sums = forward.inputs.pull_back(forward)
        gradient, curvature, Q_E = sums.gradient(), 2 * sums.curvature() / n, forward.factors.Q[: self.dim, : self.dim]
        new_mass = self._remember(rows, curvature, forward.alpha)
        self.mass[features] += new_mass
        Pi = self.kernels.inverse(_ridged(self.curvature, RIDGE))
        eta = max(1 / (self.steps + T0), remaining * n / MEMORY)
        eta = min(eta, 1 / max(float(np.vdot(Pi, curvature)), TINY))
        core.apply(core.update(sums, eta / n, Pi))
        if moves and np.trace(Q_E) > 0:
            self.units.step(gradient[:, self.dim : -1] / np.float32(n))
            G = rows.transposed_times(np.ascontiguousarray(gradient[:, : self.dim]))
            P = self.kernels.inverse(_ridged(Q_E, RHO))
            rates = np.minimum(1 / (self.mass[features] + M0), TRUST / np.maximum(new_mass, TINY)) / self.row_curvature
            self.E[features] -= self.kernels.scale_rows(self.kernels.matmul(G, P), rates.astype(np.float32))
        self.steps += 1
        return loss

    def _remember(self, rows: SparseRows, curvature: Array, alpha: Array) -> Array:
        """Take a minibatch into C̄ and κ; returns its part of M for its features."""
        n = alpha.shape[0]
        rate = max(1 / (self.steps + 1), n / MEMORY)
        self.curvature += rate * (curvature - self.curvature)
        self.row_curvature += rate * (2 * float(alpha.sum()) / n - self.row_curvature)
        weights = np.repeat(2 * alpha / max(self.row_curvature, TINY), np.diff(rows.csr.indptr))
        return np.bincount(rows.csr.indices, weights * rows.values.astype(np.float64) ** 2, rows.shape[1])


def _ridged(matrix: Array, ridge: float) -> Array:
    ridged: Array = matrix + np.eye(matrix.shape[0]) * (ridge * np.trace(matrix) / matrix.shape[0])
    return ridged
