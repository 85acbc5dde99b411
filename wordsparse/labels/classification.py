"""A trained classifier of sparse rows: ridge regression, calibrated, with a logistic head where that is better.

Nothing has to be set: λ (:mod:`wordsparse.labels.tuning`), the scoring power and the probabilities
(:mod:`wordsparse.labels.logistic`) come from training rows that were left out.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.kernels import Kernels
from wordsparse.labels.logistic import Calibration, logistic_head, logistic_line
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.labels.scoring import Candidates, Scorer
from wordsparse.labels.tuning import (
    Constants,
    LeftOut,
    RidgeProblem,
    best_power,
    leave_out,
    left_out,
    ranked_ndcg,
    tuned,
)
from wordsparse.types import Array

logger = logging.getLogger(__name__)

# Training rows that calibrate: all other rows fit the head.
HELD_OUT = 1500
HELD_OUT_SHARE = 0.1
HEAD_LABELS = 128
HEAD_STRENGTH = 5.0
# The rank of the regression's M⁻¹ that preconditions it.
HEAD_RANK = 64
# The fewest rows for which a head is fitted; on fewer the regression is better.
HEAD_ROWS = 1000
# The constant column beside unit rows.
CONSTANT = 0.5
# Root mean square of the rows' lengths: fourth powers are summed over rows in float32.
MIN_LENGTH, MAX_LENGTH = 1e-6, 1e6
# The arrays of M⁻¹, and of B.
_INVERSE, _CSR = ("scale", "P", "K_inverse"), ("data", "indices", "indptr")


@dataclass(frozen=True)
class Head:
    """The labels of the logistic head, ascending, their weights (f, m), and slope and shift of their log-odds."""

    labels: Array
    W: Array
    slope: float = 1.0
    shift: float = 0.0

    def logits(self, rows: SparseRows) -> Array:
        """Their log-odds, (n, m)."""
        return rows.times(self.W) * np.float32(self.slope) + np.float32(self.shift)


@dataclass(frozen=True)
class Classifier:
    """Log-odds of labels for new rows.

    ``constant`` is the value of the column that is put after the features.
    """

    constant: float
    constants: Constants
    scorer: Scorer
    calibration: Calibration
    head: Head

    @classmethod
    def fitted(cls, X: Any, Y: Any, dim: int, seed: int, kernels: Kernels) -> "Classifier":
        """From X (n, f) and Y (n, D) of ones, SciPy CSR float32.

        Raises
        ------
        InputError
            If the rows of X are so long or short that float32 does not hold their products.
        """
        length = float(np.linalg.norm(X.data.astype(np.float64)) / np.sqrt(X.shape[0])) or 1.0
        if not MIN_LENGTH <= length <= MAX_LENGTH:
            raise InputError(
                f"the rows of X have a length of {length:.3g} (root mean square), and products of them leave the "
                "range of float32: scale X, for instance to rows of length 1"
            )
        constant = CONSTANT * length
        X = with_constant(X, constant)
        problem, constants = tuned(X, Y, dim, seed, kernels)
        scorer = problem.solve(constants)
        held = min(HELD_OUT, max(1, int(HELD_OUT_SHARE * X.shape[0])))
        some = np.random.default_rng(seed + 1).permutation(X.shape[0])
        rows = some[: max(held, left_out(X.shape[0], Y.shape[1]))]
        logger.info("labels: calibrating on rows left out")
        found = leave_out(scorer, problem, rows, Calibration())
        known = (part[found.known] for part in (found.outputs, found.counts, found.truth))
        calibration = Calibration.fitted(best_power(found, Y[rows]), *known)
        head = _head(problem, constants, scorer, calibration, rows[:held], found.first(held))
        return cls(constant, constants, scorer, calibration, head)

    def top(self, X: Any, k: int) -> Candidates:
        """The k likeliest labels of each row with their log-odds as scores; X without the constant."""
        X, kernels = with_constant(X, self.constant), self.scorer.kernels
        among = np.searchsorted(self.scorer.frequent, self.head.labels)

        def rank(outputs: Array, counts: Array, rows: slice) -> Array:
            logits = self.calibration.logits(outputs, counts)
            if outputs.ndim == 2:  # of the frequent labels
                logits[:, among] = self.head.logits(SparseRows(X[rows], kernels))
            return logits

        return self.scorer.candidates(X, k, rank)

    def logits(self, X: Any, columns: Array) -> Array:
        """The log-odds of chosen labels, (n, columns); X without the constant."""
        X = with_constant(X, self.constant)
        logits = self.calibration.logits(self.scorer.outputs(X, columns), self.scorer.counts[columns])
        in_head = np.isin(columns, self.head.labels)
        among = np.searchsorted(self.head.labels, columns[in_head])
        logits[:, in_head] = self.head.logits(SparseRows(X, self.scorer.kernels))[:, among]
        return logits

    def state(self) -> dict[str, Any]:
        """Its arrays and numbers."""
        return {
            **{name: getattr(self.scorer.inverse, name) for name in _INVERSE},
            "counts": self.scorer.counts,
            **{f"B.{name}": getattr(self.scorer.B, name) for name in _CSR},
            **{name: getattr(self.calibration, name) for name in ("power", "slope", "shift")},
            "ridge": self.constants.ridge,
            **{f"head_{name}": getattr(self.head, name) for name in ("labels", "W", "slope", "shift")},
            "constant": self.constant,
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], kernels: Kernels) -> "Classifier":
        """From the :meth:`state` of a file."""
        inverse = Inverse(*(saved[name] for name in _INVERSE))
        shape = saved["scale"].size, saved["counts"].size
        B = sp.csr_array(tuple(saved[f"B.{name}"] for name in _CSR), shape=shape)
        scorer = Scorer.of(inverse, B, saved["counts"], kernels)
        head = Head(*(saved[f"head_{name}"] for name in ("labels", "W", "slope", "shift")))
        constants = Constants(saved["ridge"], inverse.P.shape[1])
        calibration = Calibration(saved["power"], saved["slope"], saved["shift"])
        return cls(saved["constant"], constants, scorer, calibration, head)


def with_constant(X: Any, constant: float) -> Any:
    """X with one more column of a constant."""
    column = sp.csr_array(np.full((X.shape[0], 1), constant, np.float32))
    return sp.csr_array(sp.hstack([X, column], format="csr"))


def _head(
    problem: RidgeProblem,
    constants: Constants,
    scorer: Scorer,
    calibration: Calibration,
    held: Array,
    found: LeftOut,
) -> Head:
    """The logistic head, fitted without the rows held out; of no labels unless it ranks theirs better.

    ``found`` are the labels of the rows held out by the regression.
    """
    n, f = problem.X.shape
    none = Head(np.zeros(0, np.int64), np.zeros((f, 0), np.float32))
    if n < HEAD_ROWS:
        return none
    logger.info("labels: fitting the head of the most frequent labels")
    labels = np.sort(np.argsort(-problem.counts, kind="stable")[:HEAD_LABELS])
    fitted = np.setdiff1d(np.arange(n), held)
    start = scorer.inverse.times(problem.B[:, labels].toarray(), problem.kernels)
    rows = SparseRows(problem.X[fitted], problem.kernels)
    preconditioner = problem.inverse(replace(constants, rank=min(constants.rank, HEAD_RANK)))
    W = logistic_head(rows, problem.Y[fitted][:, labels].toarray(), start, preconditioner, HEAD_STRENGTH)
    logits = SparseRows(problem.X[held], problem.kernels).times(W).astype(np.float64)
    Y, truth = problem.Y[held], problem.Y[held][:, labels].toarray()
    head = Head(labels, W, *logistic_line(logits.ravel(), truth.ravel()))
    without = np.where(found.known, calibration.logits(found.outputs, found.counts), -np.inf)
    others = np.where(np.isin(found.labels, labels), -np.inf, without)
    both = np.hstack([others, head.slope * logits + head.shift])
    better = ranked_ndcg(both, np.hstack([found.truth, truth]), Y).mean() > ranked_ndcg(without, found.truth, Y).mean()
    return head if better else none
