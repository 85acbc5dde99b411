"""A learnt embedding of sparse rows under the exact layer, as a classifier of new rows.

    z = x E      h = [z, 1], or with hidden units [z, max(z A + b, 0), 1]      o = W h

:mod:`wordsparse.labels.bag` trains E (f, d), A (d, u), b and W. Labels are ranked by o + a log n_l, n_l the training
rows that have the label; the power a, and slope and shift of the log-odds, come from training rows that were held out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import CpuKernels, Kernels
from wordsparse.labels import bag
from wordsparse.labels.calibration import logistic_line
from wordsparse.labels.progress import Report
from wordsparse.labels.rows import SparseRows
from wordsparse.labels.scoring import Candidates, best
from wordsparse.labels.state import State
from wordsparse.labels.tuning import DEPTH, is_true, ndcg

Array = NDArray[Any]

POWERS = (0.0, 0.125, 0.25, 0.375, 0.5)
# Rows that are held out, so that no more than so many outputs are computed for them; and labels of each that compete.
HELD_OUT, HELD_OUT_SHARE, HELD_OUT_OUTPUTS, COMPETING = 1500, 0.1, 2**28, 4 * DEPTH
# Outputs, and rows, that are dense at a time.
BLOCK_OUTPUTS, BLOCK_ROWS = 2**24, 512


@dataclass(frozen=True)
class Network:
    """Log-odds of labels for new rows: slope (o + power log n_l) + shift.

    ``scale`` multiplies the rows; E (f, d), A (d, u) and b (u,), W (D, d + u + 1), ``counts`` (D,).
    """

    scale: float
    E: Array
    A: Array
    b: Array
    W: Array
    counts: Array
    kernels: Kernels
    power: float = 0.0
    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def fitted(cls, X: Any, Y: Any, dim: int, hidden: int, seed: int, kernels: CpuKernels, report: Report) -> "Network":
        """From X (n, f) and Y (n, D) of ones, SciPy CSR float32; d = ``dim``, u = ``hidden``.

        Raises
        ------
        TrainingError
            If training diverges.
        """
        n = X.shape[0]
        order = np.random.default_rng(seed).permutation(n)
        most = min(HELD_OUT, int(HELD_OUT_SHARE * n), HELD_OUT_OUTPUTS // Y.shape[1])
        held = np.sort(order[: max(1, most)])
        others = np.setdiff1d(order, held) if n > held.size else held
        square = float(X.data @ X.data) / n
        scale = 1 / np.sqrt(square) if square > 0 else 1.0
        counts = np.bincount(Y.indices, minlength=Y.shape[1])
        E, (A, b), W = bag.trained(X[others] * np.float32(scale), Y[others], counts, dim, hidden, seed, kernels, report)
        report("calibration", 0, 1)
        return cls(scale, E, A, b, W, counts, kernels)._calibrated(X[held], Y[held])

    @property
    def described(self) -> dict[str, Any]:
        """The attributes of an estimator that tell what was fitted."""
        return {"power_": self.power, "label_counts_": self.counts, "head_labels_": np.arange(0)}

    @property
    def n_features(self) -> int:
        """f."""
        return int(self.E.shape[0])

    def top(self, X: Any, k: int) -> Candidates:
        """The k likeliest labels of each row with their log-odds as scores; all D outputs are computed."""
        W, by_count, found = np.ascontiguousarray(self.W.T), self._by_count(slice(None)), []
        for H in self._inputs(X):
            outputs = self.kernels.matmul(H, W)
            columns = best(outputs + by_count, k)
            chosen = np.take_along_axis(outputs, columns, 1)
            found.append((columns, chosen, self._log_odds(chosen, columns)))
        return Candidates(*map(np.vstack, zip(*found, strict=True)))

    def logits(self, X: Any, columns: Array) -> Array:
        """The log-odds of chosen labels, (n, columns)."""
        W = np.ascontiguousarray(self.W[columns].T)
        return np.vstack([self._log_odds(self.kernels.matmul(H, W), columns) for H in self._inputs(X)])

    def state(self) -> dict[str, Any]:
        """All of it by name: arrays and numbers."""
        names = ("scale", "power", "slope", "shift", "E", "A", "b", "W", "counts")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def restored(cls, state: State, kernels: Kernels) -> "Network":
        """From the :meth:`state` of a file, whose arrays must fit each other."""
        E, b, counts = (
            state.array(*each) for each in (("E", "f", None, None), ("b", "f", None), ("counts", "i", None))
        )
        d, u = E.shape[1], b.shape[0]
        A, W = state.array("A", "f", d, u), state.array("W", "f", counts.shape[0], d + u + 1)
        numbers = (state.number(name) for name in ("power", "slope", "shift"))
        return cls(state.number("scale"), E, A, b, W, counts, kernels, *numbers)

    def _inputs(self, X: Any) -> Iterator[Array]:
        """H of the rows, a block at a time."""
        size = max(1, min(BLOCK_ROWS, BLOCK_OUTPUTS // self.counts.shape[0]))
        for start in range(0, max(1, X.shape[0]), size):
            block = X[start : start + size] * np.float32(self.scale)
            Z = SparseRows(block, self.kernels).times(self.E)
            parts = [Z, np.maximum(Z @ self.A + self.b, 0)] if self.b.size else [Z]
            yield np.column_stack([*parts, np.ones(Z.shape[0], Z.dtype)])

    def _by_count(self, columns: Array | slice) -> Array:
        logs: Array = (self.power * np.log(np.maximum(self.counts[columns], 1))).astype(np.float32)
        return logs

    def _log_odds(self, outputs: Array, columns: Array) -> Array:
        logits: Array = np.float32(self.slope) * (outputs + self._by_count(columns)) + np.float32(self.shift)
        return logits

    def _calibrated(self, X: Any, Y: Any) -> "Network":
        """With the power that ranks the labels of rows held out best, and their slope and shift."""
        found = replace(self, power=POWERS[len(POWERS) // 2]).top(X, COMPETING)
        truth = is_true(Y, found.labels)

        def ranked(power: float) -> Array:
            network = replace(self, power=power)
            return network._log_odds(found.outputs, found.labels).astype(np.float64)

        power = max(POWERS, key=lambda power: float(ndcg(ranked(power), truth, Y).mean()))
        scores = ranked(power)
        likeliest = best(scores, DEPTH)
        slope, shift = logistic_line(*(np.take_along_axis(part, likeliest, 1).ravel() for part in (scores, truth)))
        return replace(self, power=power, slope=slope, shift=shift)
