"""A trained classifier of sparse rows: ridge regression, calibrated, with a logistic head where that is better.

Nothing has to be set: λ (:mod:`wordsparse.labels.tuning`), the scoring power and the probabilities
(:mod:`wordsparse.labels.logistic`) come from training rows that were left out.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Kernels
from wordsparse.labels import scoring
from wordsparse.labels.logistic import Calibration, logistic_head
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.labels.scoring import Candidates, Scorer
from wordsparse.labels.tuning import (
    LEFT_OUT,
    LeftOut,
    RidgeProblem,
    best_power,
    leave_out,
    ranked_ndcg,
    tuned,
)
from wordsparse.types import Array

logger = logging.getLogger(__name__)

HEAD_LABELS = 128
# One of so many rows is held out of the head at most, to judge it.
HELD_OUT = 10
# The fewest rows for which a head is fitted; on fewer the regression is better.
HEAD_ROWS = 1000
# The constant column beside rows of length 1.
CONSTANT = 0.5
# The arrays of M⁻¹, and of B.
_INVERSE, _CSR = ("scale", "P", "K_inverse"), ("data", "indices", "indptr")


@dataclass(frozen=True)
class Head:
    """The labels of the logistic head, ascending, and their weights (f, m)."""

    labels: Array
    W: Array

    @classmethod
    def none(cls, features: int) -> "Head":
        """Of no labels."""
        return cls(np.zeros(0, np.int64), np.zeros((features, 0), np.float32))

    def logits(self, rows: SparseRows) -> Array:
        """Their log-odds, (n, m)."""
        return rows.times(self.W)


@dataclass(frozen=True)
class Classifier:
    """Log-odds of labels for new rows, which are divided by ``length``, the training rows' root mean square."""

    length: float
    scorer: Scorer
    calibration: Calibration
    head: Head

    @classmethod
    def fitted(cls, X: Any, Y: Any, dim: int, seed: int, kernels: Kernels) -> "Classifier":
        """From X (n, f) and Y (n, D) of ones, SciPy CSR float32."""
        n = X.shape[0]
        length = float(np.linalg.norm(X.data.astype(np.float64)) / np.sqrt(n)) or 1.0
        problem, ridge = tuned(prepared(X, length), Y, dim, seed, kernels)
        scorer = problem.solve(ridge, scoring.FREQUENT)
        rows = np.random.default_rng(seed + 1).permutation(n)[:LEFT_OUT]
        logger.info("labels: calibrating on rows left out")
        left = leave_out(scorer, problem, rows, Calibration())
        known = (part[left.known] for part in (left.outputs, left.counts, left.truth))
        calibration = Calibration.fitted(best_power(left, Y[rows]), *known)
        held = min(rows.size, n // HELD_OUT)
        return cls(length, scorer, calibration, _head(problem, scorer, calibration, rows[:held], left.first(held)))

    def top(self, X: Any, k: int) -> Candidates:
        """The k likeliest labels of each row with their log-odds as scores."""
        X, kernels = prepared(X, self.length), self.scorer.kernels
        among = np.searchsorted(self.scorer.frequent, self.head.labels)

        def rank(outputs: Array, counts: Array, rows: slice) -> Array:
            logits = self.calibration.logits(outputs, counts)
            if outputs.ndim == 2:  # of the frequent labels
                logits[:, among] = self.head.logits(SparseRows(X[rows], kernels))
            return logits

        return self.scorer.candidates(X, k, rank)

    def logits(self, X: Any, columns: Array) -> Array:
        """The log-odds of chosen labels, (n, columns)."""
        X = prepared(X, self.length)
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
            "head_labels": self.head.labels,
            "head_W": self.head.W,
            "length": self.length,
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], kernels: Kernels) -> "Classifier":
        """From the :meth:`state` of a file."""
        inverse = Inverse(*(saved[name] for name in _INVERSE))
        shape = saved["scale"].size, saved["counts"].size
        B = sp.csr_array(tuple(saved[f"B.{name}"] for name in _CSR), shape=shape)
        scorer = Scorer.of(inverse, B, saved["counts"], kernels, scoring.FREQUENT)
        calibration = Calibration(saved["power"], saved["slope"], saved["shift"])
        return cls(saved["length"], scorer, calibration, Head(saved["head_labels"], saved["head_W"]))


def prepared(X: Any, length: float) -> Any:
    """X divided by a length, with one more column of a constant."""
    column = sp.csr_array(np.full((X.shape[0], 1), CONSTANT, np.float32))
    return sp.csr_array(sp.hstack([(X / length).astype(np.float32), column], format="csr"))


def _head(problem: RidgeProblem, scorer: Scorer, calibration: Calibration, held: Array, left: LeftOut) -> Head:
    """The logistic head, fitted without the rows held out; of no labels unless it ranks theirs better.

    ``left`` are the labels of the rows held out by the regression.
    """
    n, f = problem.X.shape
    if n < HEAD_ROWS:
        return Head.none(f)
    logger.info("labels: fitting the head of the most frequent labels")
    labels = np.sort(np.argsort(-problem.counts, kind="stable")[:HEAD_LABELS])
    start = scorer.inverse.times(problem.B[:, labels].toarray(), problem.kernels)
    fitted = np.setdiff1d(np.arange(n), held)
    rows, truth = SparseRows(problem.X[fitted], problem.kernels), problem.Y[fitted][:, labels].toarray()
    head = Head(labels, logistic_head(rows, truth, start, scorer.inverse))
    Y = problem.Y[held]
    without = np.where(left.known, calibration.logits(left.outputs, left.counts), -np.inf)
    others = np.where(np.isin(left.labels, labels), -np.inf, without)
    both = np.hstack([others, head.logits(SparseRows(problem.X[held], problem.kernels))])
    truth = np.hstack([left.truth, Y[:, labels].toarray()])
    return head if ranked_ndcg(both, truth, Y) > ranked_ndcg(without, left.truth, Y) else Head.none(f)
