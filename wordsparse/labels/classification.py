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
from wordsparse.labels.logistic import Calibration, logistic_head, of_one_class
from wordsparse.labels.neighbours import Neighbours
from wordsparse.labels.reranking import Reranker
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.labels.scoring import Scorer, best, blocks, most
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
    rows. ``odds`` (D,) is added to the log-odds: the logarithms of the labels' weights. If ``one_class``, one label of
    a row is true, and probabilities are divided by their sum. ``thresholds`` (D,) are explained in
    :mod:`wordsparse.labels.thresholds`."""

    length: float
    scorer: Scorer
    calibration: Calibration
    head: Head
    one_class: bool
    reranker: Reranker | None = None
    odds: Array | None = None
    thresholds: Array | None = None

    @classmethod
    def fitted(
        cls,
        training: tuple[Any, Any, Array],
        dim: int,
        seed: int,
        kernels: Kernels,
        *,
        rerank: bool,
        votes: bool,
        one_class: bool,
        odds: Array | None,
    ) -> "Classifier":
        """Fit a classifier to training rows X (n, f), their labels Y (n, D), a matrix of ones, both SciPy CSR float32,
        and their weights (n,). With ``rerank``, labels are ranked again if that is cheap and helps; ``votes`` says
        whether the model may store training rows."""
        X, Y, weights = training
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
        plain = cls(length, scorer, calibration, no_head(problem.X.shape[1]), one_class, odds=odds)
        if X.shape[0] < HEAD_ROWS:
            return plain._completed(ranked, Y[rows])
        held = rows[: X.shape[0] // HELD_OUT]
        head, ranked = _head(problem, scorer, held, ranked.rows(slice(held.size)))
        with_head = replace(plain, head=head)
        if rerank and Y.nnz <= FEW_LABELS * Y.shape[0]:
            with_head, ranked = _reranked(with_head, problem, held, ranked.best(DEPTH), votes)
        return with_head._completed(ranked, Y[held])

    def _completed(self, ranked: Ranked, Y: Any) -> "Classifier":
        """Return the classifier with what depends on the weights of labels: the thresholds, and the labels whose
        outputs are all computed. ``ranked`` holds candidate labels of the rows of Y, predicted without the rows."""
        weighted = ranked.logits if self.odds is None else ranked.logits + self.odds[ranked.labels]
        ranked = replace(ranked, logits=of_one_class(weighted) if self.one_class else weighted)
        scorer = self.scorer
        if self.odds is not None:
            frequent = _frequent(scorer.counts, self.odds, self.head)
            scorer = Scorer(scorer.inverse, scorer.B, scorer.counts, scorer.kernels, frequent)
        return replace(self, scorer=scorer, thresholds=thresholds(ranked, Y))

    def top(self, X: Any, k: int) -> tuple[Array, Array]:
        """Return the k likeliest labels of each row, padded with −1, and their log-odds."""
        best_labels = np.full((X.shape[0], k), -1)
        best_logits = np.full(best_labels.shape, -np.inf, np.float32)
        for rows, (labels, logits) in zip(blocks(X), self._candidates(X), strict=True):
            logits = of_one_class(logits) if self.one_class else logits
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
            if self.odds is not None:
                logits += self.odds[labels]
            if self.reranker is not None:  # labels beyond the DEPTH best keep their log-odds
                first = best(logits, DEPTH)
                chosen, z = (np.take_along_axis(part, first, 1) for part in (labels, logits))
                odds = np.float32(0) if self.odds is None else self.odds[chosen]
                np.put_along_axis(logits, first, self.reranker.logits(X[rows], chosen, z - odds) + odds, 1)
            yield labels, logits

    def logits(self, X: Any, columns: Array) -> Array:
        """Return the log-odds of the labels ``columns``, ascending, (n, columns). If rows have one class, ``columns``
        are all classes."""
        rows, counts = prepared(X, self.length), self.scorer.counts[columns]
        logits = self.calibration.logits(self.scorer.outputs(rows, columns), self.calibration.offsets(counts))
        in_head = np.isin(columns, self.head.labels)
        among = np.searchsorted(self.head.labels, columns[in_head])
        logits[:, in_head] = self.head.logits(SparseRows(rows, self.scorer.kernels))[:, among]
        if self.odds is not None:
            logits += self.odds[columns]
        if self.reranker is not None:
            place = np.full(self.scorer.counts.size + 1, -1)  # the last is for −1, which is no label
            place[columns] = np.arange(columns.size)
            for block, (labels, of_candidates) in zip(blocks(X), self._candidates(X), strict=True):
                row, candidate = np.nonzero(place[labels] >= 0)
                logits[block][row, place[labels[row, candidate]]] = of_candidates[row, candidate]
        return of_one_class(logits) if self.one_class else logits

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
            "thresholds": self.thresholds,
            **({} if self.odds is None else {"odds": self.odds}),
            **({} if self.reranker is None else self.reranker.state()),
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], kernels: Kernels, *, one_class: bool) -> "Classifier":
        """Restore a model from the :meth:`state` in a file."""
        counts, odds = saved["counts"], saved.get("odds")
        inverse, B = Inverse(saved["scale"], saved["P"], saved["K_inverse"]), state.csr_of(saved, "B", counts.size)
        head = Head(saved["head_labels"], saved["head_W"])
        scorer = Scorer(inverse, B, counts, kernels, _frequent(counts, odds, head))
        calibration = Calibration(saved["power"], saved["slope"], saved["shift"])
        reranker = Reranker.restored(saved, counts, head.labels) if "rerank" in saved else None
        return cls(saved["length"], scorer, calibration, head, one_class, reranker, odds, saved["thresholds"])


def prepared(X: Any, length: float) -> Any:
    """Divide X by ``length``, and append a constant column."""
    column = sp.csr_array(np.full((X.shape[0], 1), CONSTANT, np.float32))
    return sp.csr_array(sp.hstack([(X / length).astype(np.float32), column], format="csr"))


def _frequent(counts: Array, odds: Array | None, head: Head) -> Array:
    """Return the labels whose outputs are computed for every row: those of the head, and labels of many rows, where a
    weight above 1 counts as more rows."""
    # As logarithms, because the product of a count and a weight may exceed float64.
    rows = np.log(np.maximum(counts, np.finfo(np.float64).tiny))
    if odds is not None:
        rows += np.maximum(odds, 0)
    rows[head.labels] = np.inf
    return most(rows, scoring.FREQUENT)


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
    labels = most(problem.counts, HEAD_LABELS)
    is_fitted = np.setdiff1d(np.arange(problem.X.shape[0]), held)
    X, truth = SparseRows(problem.X[is_fitted], problem.kernels), problem.Y[is_fitted][:, labels].toarray()
    head = Head(labels, logistic_head(X, truth, problem.weights[is_fitted], scorer.inverse))
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
    plain: Classifier, problem: RidgeProblem, held: Array, ranked: Ranked, votes: bool
) -> tuple[Classifier, Ranked]:
    """Return the classifier with a re-ranking, if one is better. ``ranked`` holds the ``DEPTH`` top labels of the rows
    ``held``, predicted without them. It is returned with the new log-odds."""
    logger.info("labels: fitting machines for labels of middling frequency")
    head = plain.head.labels
    machines = specialists.fitted(problem, plain.scorer.inverse, plain.calibration.power, head, held)
    near = Neighbours.of(problem.X, problem.Y, problem.weights) if votes else None
    reranker = reranking.fitted(problem, held, ranked, head, machines, near)
    if reranker is None:
        return plain, ranked
    logits = reranker.logits(problem.X[held], ranked.labels, ranked.logits, held, ranked.counts)
    return replace(plain, reranker=reranker), replace(ranked, logits=logits)
