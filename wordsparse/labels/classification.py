"""A trained classifier of sparse rows: a calibrated ridge regression, with a logistic head if a head is better.

The classifier has no settings to tune. The ridge penalty λ (:mod:`wordsparse.labels.tuning`) and the calibration of
outputs to probabilities (:mod:`wordsparse.labels.logistic`) are fitted to leave-one-out predictions for training rows.
If that ranks held-out rows better, each row's best labels are ranked again (:mod:`wordsparse.labels.reranking`).
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Kernels
from wordsparse.labels import reranking, scoring, specialists, state
from wordsparse.labels.logistic import Calibration, logistic_head
from wordsparse.labels.neighbours import Neighbours
from wordsparse.labels.reranking import Opinions, Reranker
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.labels.scoring import Scorer, best, blocks
from wordsparse.labels.thresholds import thresholds
from wordsparse.labels.tuning import DEPTH, LEFT_OUT, Ranked, RidgeProblem, best_power, leave_out, tuned
from wordsparse.types import Array

logger = logging.getLogger(__name__)

HEAD_LABELS = 128
# To evaluate the head, at most one of every HELD_OUT rows is held out.
HELD_OUT = 10
# The minimum number of rows for holding out some of them, to fit a head and a re-ranking.
HEAD_ROWS = 1000
# The mean number of labels of a row up to which a re-ranking is tried: its time grows with this number.
FEW_LABELS = 10
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
    rows. ``odds`` (D,) is added to the log-odds: the logarithms of the labels' weights. ``thresholds``
    (D,) are explained in :mod:`wordsparse.labels.thresholds`; classifiers of older versions have none."""

    length: float
    scorer: Scorer
    calibration: Calibration
    head: Head
    reranker: Reranker | None = None
    odds: Array | None = None
    thresholds: Array | None = None

    @classmethod
    def fitted(
        cls, X: Any, Y: Any, weights: Array, dim: int, seed: int, kernels: Kernels, rerank: bool | None, votes: bool
    ) -> "Classifier":
        """Fit a classifier to the rows X (n, f), their labels Y (n, D), a matrix of ones, both SciPy CSR float32, and
        their weights (n,). ``rerank`` is None for a re-ranking if it is cheap and helps;
        ``votes`` says whether it may store training rows."""
        scaled = np.repeat(np.sqrt(weights), np.diff(X.indptr)) * X.data.astype(np.float64)
        length = float(np.linalg.norm(scaled) / np.sqrt(weights.sum())) or 1.0
        problem, ridge = tuned(prepared(X, length), Y, weights, dim, seed, kernels)
        scorer = problem.solve(ridge, scoring.FREQUENT)
        rows = np.random.default_rng(seed + 1).permutation(X.shape[0])[:LEFT_OUT]
        logger.info("labels: calibrating on leave-one-out predictions")
        left = leave_out(scorer, problem, rows)
        known = left.known
        power = best_power(left, Y[rows], weights[rows])[0]
        weight = weights[rows[np.nonzero(known)[0]]]
        calibration = Calibration.fitted(power, left.outputs[known], left.counts[known], left.truth[known], weight)
        ranked = left.ranked(calibration)
        plain = cls(length, scorer, calibration, no_head(problem.X.shape[1]))
        if X.shape[0] < HEAD_ROWS:
            return replace(plain, thresholds=thresholds(ranked, Y[rows]))
        held = rows[: X.shape[0] // HELD_OUT]
        ranked = Ranked(*(part[: held.size] for part in vars(ranked).values()))
        head, ranked = _head(problem, scorer, held, ranked)
        with_head = replace(plain, head=head)
        if rerank is not False:
            with_head, ranked = _reranked(with_head, problem, held, ranked.best(DEPTH), rerank is True, votes)
        return replace(with_head, thresholds=thresholds(ranked, Y[held]))

    def top(self, X: Any, k: int) -> tuple[Array, Array]:
        """Return the k likeliest labels of each row, padded with −1, and their log-odds."""
        best_labels = np.full((X.shape[0], k), -1)
        best_logits = np.full(best_labels.shape, -np.inf, np.float32)
        for rows, (labels, logits) in zip(blocks(X), self._candidates(X, k), strict=True):
            first = best(logits, k)
            best_labels[rows, : first.shape[1]] = np.take_along_axis(labels, first, 1)
            best_logits[rows, : first.shape[1]] = np.take_along_axis(logits, first, 1)
        return best_labels, best_logits

    def likely(self, X: Any) -> Any:
        """Return, for each row, the labels with a probability of at least ½, as a CSR matrix of ones."""
        rows = []
        for labels, logits in self._candidates(X, 1):
            row, place = np.nonzero(logits >= 0)
            shape = labels.shape[0], self.scorer.counts.size
            rows.append(sp.csr_array((np.ones(row.size, np.int64), (row, labels[row, place])), shape=shape))
        return sp.csr_array(sp.vstack(rows, format="csr"))

    def _candidates(self, X: Any, k: int) -> Iterator[tuple[Array, Array]]:
        """Yield candidates for the best labels of each row, with their log-odds, one block of rows at a time. A
        re-ranking yields as many candidates as a row may have likely labels, and at least k."""
        X, scorer, offsets = prepared(X, self.length), self.scorer, self.calibration.offsets(self.scorer.counts)
        in_head = np.searchsorted(scorer.frequent, self.head.labels)
        for rows in blocks(X):
            labels, outputs = scorer.candidates(X[rows])
            logits = self.calibration.logits(outputs, offsets[labels])
            logits[:, in_head] = self.head.logits(SparseRows(X[rows], scorer.kernels))
            if self.reranker is not None:
                first = best(logits, max(k, DEPTH, int((logits >= 0).sum(1).max(initial=0))))
                labels, logits = (np.take_along_axis(part, first, 1) for part in (labels, logits))
                logits = self.reranker.logits(X[rows], labels, logits)
            yield labels, logits if self.odds is None else logits + self.odds[labels]

    def logits(self, X: Any, columns: Array) -> Array:
        """Return the log-odds of the labels ``columns``, (n, columns)."""
        X = prepared(X, self.length)
        offsets = self.calibration.offsets(self.scorer.counts[columns])
        logits = self.calibration.logits(self.scorer.outputs(X, columns), offsets)
        in_head = np.isin(columns, self.head.labels)
        among = np.searchsorted(self.head.labels, columns[in_head])
        logits[:, in_head] = self.head.logits(SparseRows(X, self.scorer.kernels))[:, among]
        if self.reranker is not None:
            for rows in blocks(X):
                labels = np.broadcast_to(columns, logits[rows].shape)
                logits[rows] = self.reranker.logits(X[rows], labels, logits[rows])
        return logits if self.odds is None else logits + self.odds[columns]

    def state(self) -> dict[str, Any]:
        """Return the arrays and numbers of the model, from which :meth:`restored` restores the model."""
        return {
            **vars(self.scorer.inverse),
            "counts": self.scorer.counts,
            **state.of_csr(B=self.scorer.B),
            **vars(self.calibration),
            "head_labels": self.head.labels,
            "head_W": self.head.W,
            "length": self.length,
            **{name: part for name in ("odds", "thresholds") if (part := getattr(self, name)) is not None},
            **({} if self.reranker is None else self.reranker.state()),
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], kernels: Kernels) -> "Classifier":
        """Restore a model from the :meth:`state` in a file."""
        inverse = Inverse(saved["scale"], saved["P"], saved["K_inverse"])
        scorer = Scorer(
            inverse, state.csr_of(saved, "B", saved["counts"].size), saved["counts"], kernels, scoring.FREQUENT
        )
        calibration = Calibration(saved["power"], saved["slope"], saved["shift"])
        head = Head(saved["head_labels"], saved["head_W"])
        reranker = Reranker.restored(saved, saved["counts"], head.labels) if "rerank" in saved else None
        optional = saved.get("odds"), saved.get("thresholds")
        return cls(saved["length"], scorer, calibration, head, reranker, *optional)


def prepared(X: Any, length: float) -> Any:
    """Divide X by ``length``, and append a constant column."""
    column = sp.csr_array(np.full((X.shape[0], 1), CONSTANT, np.float32))
    return sp.csr_array(sp.hstack([(X / length).astype(np.float32), column], format="csr"))


def no_head(features: int) -> Head:
    """Return a head without labels."""
    return Head(np.zeros(0, np.int64), np.zeros((features, 0), np.float32))


def _head(problem: RidgeProblem, scorer: Scorer, held: Array, ranked: Ranked) -> tuple[Head, Ranked]:
    """Fit the logistic head without the rows ``held``. If the head does not improve the ranking for these rows, return
    a head without labels.

    ``ranked`` holds the top labels of each of these rows, predicted by a regression without that row. It is returned
    with the log-odds of the head.
    """
    logger.info("labels: fitting the head of the most frequent labels")
    labels = np.sort(np.argsort(-problem.counts, kind="stable")[:HEAD_LABELS])
    start = scorer.inverse.times(problem.B[:, labels].toarray(), problem.kernels)
    is_fitted = np.setdiff1d(np.arange(problem.X.shape[0]), held)
    X, truth = SparseRows(problem.X[is_fitted], problem.kernels), problem.Y[is_fitted][:, labels].toarray()
    head = Head(labels, logistic_head(X, truth, problem.weights[is_fitted], start, scorer.inverse))
    Y, weights = problem.Y[held], problem.weights[held]
    of_head = Y[:, labels].toarray()
    both = Ranked(
        np.hstack([ranked.labels, np.broadcast_to(labels, of_head.shape)]),
        np.hstack(
            [
                np.where(np.isin(ranked.labels, labels), -np.inf, ranked.logits),
                head.logits(SparseRows(problem.X[held], problem.kernels)),
            ]
        ),
        np.hstack([ranked.counts, problem.counts[labels] - weights[:, None] * of_head]),
        np.hstack([ranked.truth, of_head]),
    )
    is_better = np.average(both.ndcg(Y), weights=weights) > np.average(ranked.ndcg(Y), weights=weights)
    return (head, both) if is_better else (no_head(problem.X.shape[1]), ranked)


def _reranked(
    plain: Classifier, problem: RidgeProblem, held: Array, ranked: Ranked, always: bool, votes: bool
) -> tuple[Classifier, Ranked]:
    """Return the classifier with a re-ranking, if one is better. ``ranked`` holds the ``DEPTH`` top labels of the rows
    ``held``, predicted without them. It is returned with the new log-odds."""
    opinions = Opinions.of(problem.counts, plain.head.labels, specialists.no_specialists(problem.X.shape[1]), None)
    if always or problem.Y.nnz <= FEW_LABELS * problem.Y.shape[0]:
        logger.info("labels: fitting machines for labels of middling frequency")
        power = plain.calibration.power
        machines = specialists.fitted(problem, plain.scorer, power, plain.head.labels, held)
        near = Neighbours.of(problem.X, problem.Y, problem.weights) if votes else None
        opinions = replace(opinions, specialists=machines, neighbours=near)
    reranker = reranking.fitted(problem, held, ranked, opinions, always)
    if reranker is None:
        return plain, ranked
    logits = reranker.logits(problem.X[held], ranked.labels, ranked.logits, held, ranked.counts)
    return replace(plain, reranker=reranker), replace(ranked, logits=logits)
