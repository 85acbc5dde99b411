"""A trained classifier of sparse rows: a calibrated ridge regression, with a logistic head if a head is better.

The classifier has no settings to tune. The ridge penalty λ (:mod:`wordsparse.labels.tuning`) and the calibration of
outputs to probabilities (:mod:`wordsparse.labels.logistic`) are fitted to leave-one-out predictions for training rows.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Kernels
from wordsparse.labels import scoring
from wordsparse.labels.logistic import Calibration, logistic_head
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.labels.scoring import Scorer, best, blocks
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
# To evaluate the head, at most one of every HELD_OUT rows is held out.
HELD_OUT = 10
# The minimum number of rows for fitting a head; with fewer rows, the regression is better.
HEAD_ROWS = 1000
# The value of the constant (bias) column. All other columns are scaled: the root mean square norm of the rows is 1.
CONSTANT = 0.5


@dataclass(frozen=True)
class Head:
    """A logistic head: its labels in ascending order, and their weights (f, m)."""

    labels: Array
    W: Array

    def logits(self, rows: SparseRows) -> Array:
        """Return the log-odds of the labels, (n, m)."""
        return rows.times(self.W)


@dataclass(frozen=True)
class Classifier:
    """A model of the log-odds of labels, which divides rows by ``length``, the root mean square norm of training
    rows."""

    length: float
    scorer: Scorer
    calibration: Calibration
    head: Head

    @classmethod
    def fitted(cls, X: Any, Y: Any, dim: int, seed: int, kernels: Kernels) -> "Classifier":
        """Fit a classifier to the rows X (n, f) and their labels Y (n, D), a matrix of ones; both are SciPy CSR
        float32."""
        n = X.shape[0]
        length = float(np.linalg.norm(X.data.astype(np.float64)) / np.sqrt(n)) or 1.0
        problem, ridge = tuned(prepared(X, length), Y, dim, seed, kernels)
        scorer = problem.solve(ridge, scoring.FREQUENT)
        rows = np.random.default_rng(seed + 1).permutation(n)[:LEFT_OUT]
        logger.info("labels: calibrating on leave-one-out predictions")
        left = leave_out(scorer, problem, rows)
        parts = (part[left.known] for part in (left.outputs, left.counts, left.truth))
        calibration = Calibration.fitted(best_power(left, Y[rows])[0], *parts)
        return cls(length, scorer, calibration, _head(problem, scorer, rows, left, left.scores(calibration)))

    def top(self, X: Any, k: int) -> tuple[Array, Array]:
        """Return the k likeliest labels of each row, padded with −1, and their log-odds."""
        best_labels = np.full((X.shape[0], k), -1)
        best_logits = np.full(best_labels.shape, -np.inf, np.float32)
        for rows, (labels, logits) in zip(blocks(X), self._candidates(X), strict=True):
            first = best(logits, k)
            best_labels[rows, : first.shape[1]] = np.take_along_axis(labels, first, 1)
            best_logits[rows, : first.shape[1]] = np.take_along_axis(logits, first, 1)
        return best_labels, best_logits

    def likely(self, X: Any) -> Any:
        """Return, for each row, the labels with a probability of at least ½, as a CSR matrix of ones."""
        rows = []
        for labels, logits in self._candidates(X):
            row, place = np.nonzero(logits >= 0)
            shape = labels.shape[0], self.scorer.counts.size
            rows.append(sp.csr_array((np.ones(row.size, np.int64), (row, labels[row, place])), shape=shape))
        return sp.csr_array(sp.vstack(rows, format="csr"))

    def _candidates(self, X: Any) -> Iterator[tuple[Array, Array]]:
        """Yield candidates for the best labels of each row, with their log-odds, one block of rows at a time."""
        X, scorer, offsets = prepared(X, self.length), self.scorer, self.calibration.offsets(self.scorer.counts)
        in_head = np.searchsorted(scorer.frequent, self.head.labels)
        for rows in blocks(X):
            labels, outputs = scorer.candidates(X[rows])
            logits = self.calibration.logits(outputs, offsets[labels])
            logits[:, in_head] = self.head.logits(SparseRows(X[rows], scorer.kernels))
            yield labels, logits

    def logits(self, X: Any, columns: Array) -> Array:
        """Return the log-odds of the labels ``columns``, (n, columns)."""
        X = prepared(X, self.length)
        offsets = self.calibration.offsets(self.scorer.counts[columns])
        logits = self.calibration.logits(self.scorer.outputs(X, columns), offsets)
        in_head = np.isin(columns, self.head.labels)
        among = np.searchsorted(self.head.labels, columns[in_head])
        logits[:, in_head] = self.head.logits(SparseRows(X, self.scorer.kernels))[:, among]
        return logits

    def state(self) -> dict[str, Any]:
        """Return the arrays and numbers of the model, from which :meth:`restored` restores the model."""
        return {
            **vars(self.scorer.inverse),
            "counts": self.scorer.counts,
            **{f"B.{name}": getattr(self.scorer.B, name) for name in ("data", "indices", "indptr")},
            **vars(self.calibration),
            "head_labels": self.head.labels,
            "head_W": self.head.W,
            "length": self.length,
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], kernels: Kernels) -> "Classifier":
        """Restore a model from the :meth:`state` in a file."""
        inverse = Inverse(saved["scale"], saved["P"], saved["K_inverse"])
        shape = saved["scale"].size, saved["counts"].size
        B = sp.csr_array((saved["B.data"], saved["B.indices"], saved["B.indptr"]), shape=shape)
        scorer = Scorer(inverse, B, saved["counts"], kernels, scoring.FREQUENT)
        calibration = Calibration(saved["power"], saved["slope"], saved["shift"])
        return cls(saved["length"], scorer, calibration, Head(saved["head_labels"], saved["head_W"]))


def prepared(X: Any, length: float) -> Any:
    """Divide X by ``length``, and append a constant column."""
    column = sp.csr_array(np.full((X.shape[0], 1), CONSTANT, np.float32))
    return sp.csr_array(sp.hstack([(X / length).astype(np.float32), column], format="csr"))


def _head(problem: RidgeProblem, scorer: Scorer, rows: Array, left: LeftOut, scores: Array) -> Head:
    """Fit the logistic head. If the head does not improve the ranking for held-out rows, return a head without labels.

    ``left`` holds the top labels of each of the ``rows``, predicted by a regression without that row. ``scores`` holds
    the log-odds of these labels.
    """
    n, f = problem.X.shape
    none = Head(np.zeros(0, np.int64), np.zeros((f, 0), np.float32))
    if n < HEAD_ROWS:
        return none
    logger.info("labels: fitting the head of the most frequent labels")
    labels = np.sort(np.argsort(-problem.counts, kind="stable")[:HEAD_LABELS])
    start = scorer.inverse.times(problem.B[:, labels].toarray(), problem.kernels)
    held = rows[: n // HELD_OUT]
    fitted = np.setdiff1d(np.arange(n), held)
    X, truth = SparseRows(problem.X[fitted], problem.kernels), problem.Y[fitted][:, labels].toarray()
    head = Head(labels, logistic_head(X, truth, start, scorer.inverse))
    Y, without, truth = problem.Y[held], scores[: held.size], left.truth[: held.size]
    others = np.where(np.isin(left.labels[: held.size], labels), -np.inf, without)
    both = np.hstack([others, head.logits(SparseRows(problem.X[held], problem.kernels))])
    truth_of_both = np.hstack([truth, Y[:, labels].toarray()])
    return head if ranked_ndcg(both, truth_of_both, Y) > ranked_ndcg(without, truth, Y) else none
