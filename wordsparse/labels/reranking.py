"""The log-odds of each row's best labels, computed anew from four opinions.

The regression and the head (:mod:`wordsparse.labels.classification`) find the labels of a row; a logistic regression
on the following features φ ranks the best of them again:

    z               the log-odds by the head, or by the regression for labels outside the head; h = 1 for the head
    log n_l         the (weighted) number of training rows with the label
    f, m            the output of the label's support vector machine; m = 1 for labels with a machine
    v               the logarithm of the votes of similar training rows

    logit P(label | row) = β_0 + Σ_j β_j φ_j

φ are these numbers, some products, and hinges max(x − t, 0), which make the sum piecewise linear in z, f and v. β is
fitted to held-out rows, which the head and the machines have not seen, and for which the regression and the votes
leave the row itself out. A smaller set of features, the *calibration*, only puts the head and the regression on one
scale. The better set is kept, and neither is kept unless it ranks held-out rows better (:func:`fitted`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.labels import state
from wordsparse.labels.neighbours import Neighbours
from wordsparse.labels.ranking import inverse_propensities, ranking_scores
from wordsparse.labels.specialists import Specialists, no_specialists
from wordsparse.labels.tuning import DEPTH_JUDGED, Ranked, RidgeProblem
from wordsparse.types import Array

_linear = optional.load("an estimator of wordsparse.labels", "sklearn.linear_model")

# The inverse of the strength of the L2 penalty on standardised features.
PENALTY = 0.3
LEAST_VOTES = 1e-3
KNOTS_Z, KNOTS_F, KNOTS_V = (-4, -2, -1, 0), (-1.0, -0.5, 0.0, 0.5), (-4, -2, 0)
DEPTHS = (1, 3, DEPTH_JUDGED)
# The number of standard errors by which nDCG@5 of held-out rows must rise: a one-sided test at 5 %.
SIGNIFICANT = 1.645
# How much the mean of PSP@1, 3 and 5 of held-out rows may fall.
LOST_PSP = 0.01


@dataclass(frozen=True)
class Opinions:
    """The models behind the features. ``counts`` (D,) holds the number of training rows with each label; ``in_head``
    (D,) says whether the label is in the head. There may be no machines, and no neighbours."""

    counts: Array
    in_head: Array
    specialists: Specialists
    neighbours: Neighbours | None

    @classmethod
    def of(cls, counts: Array, head: Array, specialists: Specialists, neighbours: Neighbours | None) -> "Opinions":
        """Take the labels of the head as their numbers."""
        in_head = np.zeros(counts.size, bool)
        in_head[head] = True
        return cls(counts, in_head, specialists, neighbours)

    @property
    def are_more(self) -> bool:
        """Whether there are machines or neighbours."""
        return self.specialists.labels.size > 0 or self.neighbours is not None

    def features(
        self, X: Any, labels: Array, z: Array, own: Array | None = None, counts: Array | None = None
    ) -> Iterator[Array]:
        """Yield the features of ``labels`` (n, k) for the rows X. Each feature is (n, k) float32. Without machines and
        neighbours, only the features of the calibration are yielded.

        ``z`` (n, k) holds the log-odds of the labels. If X are training rows, ``own`` (n,) has their numbers, so that
        no row votes for itself, and ``counts`` (n, k) holds the number of other rows with each label.
        """
        counts = self.counts[labels] if counts is None else counts
        z = np.where(np.isfinite(z), z, 0).astype(np.float32)
        n, h = np.log(np.maximum(counts, 1)).astype(np.float32), self.in_head[labels].astype(np.float32)
        yield from (z, h, h * z, n)
        if not self.are_more:
            return
        f = self.specialists.outputs(X, labels)
        m = (~np.isnan(f)).astype(np.float32)
        f, v = np.nan_to_num(f), self._votes(X, labels, own)
        yield from (n * z, m, f, m * z, f * z, f * n, v)
        yield from (np.maximum(z - knot, 0) for knot in KNOTS_Z)
        yield from (m * np.maximum(f - knot, 0) for knot in KNOTS_F)
        yield from (np.maximum(v - knot, 0) for knot in KNOTS_V)

    def _votes(self, X: Any, labels: Array, own: Array | None) -> Array:
        """Return the logarithms of the votes for the labels, (n, k)."""
        votes = np.zeros(labels.size, np.float32)
        if self.neighbours is not None:
            row = np.repeat(np.arange(labels.shape[0]), labels.shape[1])
            votes = np.asarray(self.neighbours.votes(X, own)[row, labels.ravel()], np.float32)
        return np.log(np.maximum(votes, np.float32(LEAST_VOTES))).reshape(labels.shape)


@dataclass(frozen=True)
class Reranker:
    """The weights β_1, β_2, … and the constant β_0 of the features of ``opinions``."""

    opinions: Opinions
    weights: Array
    constant: float

    def logits(self, X: Any, labels: Array, z: Array, own: Array | None = None, counts: Array | None = None) -> Array:
        """Return the new log-odds of the labels, (n, k) float32. They are −∞ where ``z`` is −∞. The arguments are
        those of :meth:`Opinions.features`."""
        total = np.full(labels.shape, np.float32(self.constant))
        for weight, feature in zip(self.weights, self.opinions.features(X, labels, z, own, counts), strict=True):
            total += np.float32(weight) * feature
        return np.where(np.isfinite(z), total, np.float32(-np.inf))

    def state(self) -> dict[str, Any]:
        """Return the arrays and numbers from which :meth:`restored` restores the model."""
        machines, neighbours = self.opinions.specialists, self.opinions.neighbours
        matrices = {"machines": machines.W}
        if neighbours is not None:
            matrices |= {"near_X": neighbours.X, "near_Y": neighbours.Y}
        return {
            "rerank": np.append(self.weights, self.constant),
            "machine_labels": machines.labels,
            **state.of_csr(**matrices),
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any], counts: Array, head: Array) -> "Reranker":
        """Restore a model from the :meth:`state` in a file."""
        features, weights = saved["scale"].size, saved["rerank"]
        machines = Specialists(saved["machine_labels"], state.csr_of(saved, "machines", saved["machine_labels"].size))
        neighbours = None
        if "near_X.data" in saved:
            neighbours = Neighbours(state.csr_of(saved, "near_X", features), state.csr_of(saved, "near_Y", counts.size))
        return cls(Opinions.of(counts, head, machines, neighbours), weights[:-1], float(weights[-1]))


def fitted(problem: RidgeProblem, held: Array, ranked: Ranked, opinions: Opinions, always: bool) -> Reranker | None:
    """Fit the log-odds of the best labels of the rows ``held``, which are in random order, and choose the features.

    ``ranked`` holds the ``DEPTH`` best labels, with log-odds computed without the rows. Return None if no set of
    features raises the mean nDCG@5 significantly, in two-fold cross-validation, without lowering PSP by more than
    ``LOST_PSP``. Otherwise return the better set; if ``always``, return all features. If all labels are true, or none
    is, there is nothing to learn, and the result is None too.
    """
    known = np.isfinite(ranked.logits)
    if np.unique(ranked.truth[known]).size < 2:
        return None
    X, weights = problem.X[held], problem.weights[held]
    calibration = replace(opinions, specialists=no_specialists(X.shape[1]), neighbours=None)
    best_gain, chosen = 0.0, None
    for contender in [opinions, calibration] if opinions.are_more and not always else [opinions]:
        features = contender.features(X, ranked.labels, ranked.logits, held, ranked.counts)
        pairs = _Pairs(np.stack([part[known] for part in features], 1).astype(np.float64), known, ranked.truth, weights)
        gain = 1.0 if always else _gain(ranked, pairs.cross_validated(ranked), problem, held)
        if gain > best_gain:
            best_gain, chosen = gain, Reranker(contender, *pairs.regression())
    return chosen


@dataclass(frozen=True)
class _Pairs:
    """The features (pairs, p) of the pairs of a row and a label that ``known`` (n, k) marks; ``truth`` (n, k), and the
    rows' weights (n,)."""

    features: Array
    known: Array
    truth: Array
    weights: Array

    def regression(self, row_weights: Array | None = None) -> tuple[Array, float]:
        """Fit a logistic regression, by default to all rows. Return β (p,) and β_0."""
        weights = self.weights if row_weights is None else row_weights
        mean, spread = self.features.mean(0), self.features.std(0) + 1e-9
        model = _linear.LogisticRegression(C=PENALTY, solver="newton-cholesky")
        model.fit((self.features - mean) / spread, self.truth[self.known], weights[np.nonzero(self.known)[0]])
        beta = model.coef_[0] / spread
        return beta, float(model.intercept_[0] - beta @ mean)

    def cross_validated(self, ranked: Ranked) -> Ranked:
        """Return the labels with log-odds from a regression on the other half of the rows."""
        half = np.arange(self.weights.size) % 2
        logits = np.full(self.known.shape, -np.inf)
        for part in (0, 1):
            beta, constant = self.regression(self.weights * (half != part))
            is_judged = self.known & (half == part)[:, None]
            logits[is_judged] = self.features[is_judged[self.known]] @ beta + constant
        return replace(ranked, logits=logits)


def _gain(before: Ranked, after: Ranked, problem: RidgeProblem, held: Array) -> float:
    """Return the gain of the mean nDCG@5, or −∞ if it may be chance or PSP falls too much."""
    Y, weights = problem.Y[held], problem.weights[held]
    gains = after.ndcg(Y) - before.ndcg(Y)
    mean = float(np.average(gains, weights=weights))
    error = np.sqrt(np.average((gains - mean) ** 2, weights=weights) / gains.size)
    propensities = inverse_propensities(problem.counts, problem.weights.sum())
    ranks = (part.best(DEPTH_JUDGED).labels for part in (before, after))
    psp = [np.mean(list(ranking_scores(labels, Y, propensities, DEPTHS)["psp"].values())) for labels in ranks]
    return mean if mean > SIGNIFICANT * error and psp[1] > psp[0] - LOST_PSP else -np.inf
