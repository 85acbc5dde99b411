"""The log-odds of each row's best labels, computed anew from four opinions.

The regression and the head (:mod:`wordsparse.labels.classification`) find the labels of a row; a logistic regression
on the following features φ ranks the ``DEPTH`` best of them again:

    z               the log-odds by the head, or by the regression for labels outside the head; h = 1 for the head
    log n_l         the (weighted) number of training rows with the label
    f, m            the output of the label's support vector machine; m = 1 for labels with a machine
    v               the logarithm of the votes of similar training rows

    logit P(label | row) = β_0 + Σ_j β_j φ_j

The other features are m z, n z and max(z − KNOT, 0).

β is fitted to held-out rows. Nothing that a feature measures may have seen the labels of these rows: the head, the
machines and the choice of the machines' training rows do without the rows, and the regression and the votes leave out
the row itself. The new log-odds are used only if they rank held-out rows better (:func:`fitted`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.labels import state
from wordsparse.labels.neighbours import Neighbours
from wordsparse.labels.specialists import Specialists
from wordsparse.labels.tuning import Ranked, RidgeProblem
from wordsparse.types import Array

_linear, _pipeline, _preprocessing, _selection = (
    optional.load("an estimator of wordsparse.labels", f"sklearn.{name}")
    for name in ("linear_model", "pipeline", "preprocessing", "model_selection")
)

# The inverse of the strength of the L2 penalty on standardised features.
PENALTY = 0.3
FEW_VOTES = 0.05  # is added to votes, so that their logarithm is finite and small votes count little
KNOT = -2.0  # the log-odds from which z has a slope of its own
# The number of standard errors by which nDCG@5 of held-out rows must rise: a one-sided test at 5 %.
SIGNIFICANT = 1.645


@dataclass(frozen=True)
class Reranker:
    """The weights β_1, β_2, … and the constant β_0 of the features, and the models behind the features. ``counts`` (D,)
    holds the number of training rows with each label, and ``head`` the labels of the head. There may be no
    neighbours."""

    counts: Array
    head: Array
    specialists: Specialists
    neighbours: Neighbours | None
    weights: Array
    constant: float

    def features(
        self, X: Any, labels: Array, z: Array, own: Array | None = None, counts: Array | None = None
    ) -> Iterator[Array]:
        """Yield the features of ``labels`` (n, k) for the rows X. Each feature is (n, k) float32.

        ``z`` (n, k) holds the log-odds of the labels. If X are training rows, ``own`` (n,) has their numbers, so that
        no row votes for itself, and ``counts`` (n, k) holds the number of other rows with each label.
        """
        counts = self.counts[labels] if counts is None else counts
        z = np.where(np.isfinite(z), z, 0).astype(np.float32)
        n, f = np.log(np.maximum(counts, 1)).astype(np.float32), self.specialists.outputs(X, labels)
        m, f = (~np.isnan(f)).astype(np.float32), np.nan_to_num(f)
        yield from (z, np.isin(labels, self.head).astype(np.float32), n, m, f, self._votes(X, labels, own))
        yield from (m * z, n * z, np.maximum(z - KNOT, 0))

    def _votes(self, X: Any, labels: Array, own: Array | None) -> Array:
        """Return the logarithms of the votes for the labels, (n, k)."""
        votes = np.zeros(labels.shape, np.float32)
        if self.neighbours is not None:
            row = np.repeat(np.arange(labels.shape[0]), labels.shape[1])
            votes += self.neighbours.votes(X, own)[row, labels.ravel()].reshape(labels.shape)
        result: Array = np.log(votes + np.float32(FEW_VOTES))
        return result

    def logits(self, X: Any, labels: Array, z: Array, own: Array | None = None, counts: Array | None = None) -> Array:
        """Return the new log-odds of the labels, (n, k) float32. They are −∞ where ``z`` is −∞. The arguments are
        those of :meth:`features`."""
        total = np.full(labels.shape, np.float32(self.constant))
        for weight, feature in zip(self.weights, self.features(X, labels, z, own, counts), strict=True):
            total += np.float32(weight) * feature
        return np.where(np.isfinite(z), total, np.float32(-np.inf))

    def state(self) -> dict[str, Any]:
        """Return the arrays and numbers from which :meth:`restored` restores the model."""
        matrices = {"machines": self.specialists.W}
        if self.neighbours is not None:
            matrices |= {"near_X": self.neighbours.X, "near_Y": self.neighbours.Y}
        return {
            "rerank": np.append(self.weights, self.constant),
            "machine_labels": self.specialists.labels,
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
        return cls(counts, head, machines, neighbours, weights[:-1], float(weights[-1]))


def fitted(
    problem: RidgeProblem,
    held: Array,
    ranked: Ranked,
    head: Array,
    specialists: Specialists,
    neighbours: Neighbours | None,
) -> Reranker | None:
    """Fit the log-odds of the best labels of the rows ``held``, which are in random order.

    ``ranked`` holds the ``DEPTH`` best labels, with log-odds computed without the rows. Return None if the new
    log-odds do not raise the mean nDCG@5 significantly, in two-fold cross-validation. If all labels of half
    of the rows are true, or none is, there is nothing to learn, and the result is None too.
    """
    known, weights = np.isfinite(ranked.logits), problem.weights[held]
    row, truth = np.nonzero(known)[0], ranked.truth[known]
    if any(np.unique(truth[row % 2 == half]).size < 2 for half in (0, 1)):
        return None
    reranker = Reranker(problem.counts, head, specialists, neighbours, np.zeros(0), 0.0)
    features = reranker.features(problem.X[held], ranked.labels, ranked.logits, held, ranked.counts)
    pairs = np.stack([part[known] for part in features], 1).astype(np.float64)
    regression = _linear.LogisticRegression(C=PENALTY, solver="newton-cholesky")
    model = _pipeline.make_pipeline(_preprocessing.StandardScaler(), regression)
    options = {"logisticregression__sample_weight": weights[row]}
    halves = _selection.PredefinedSplit(row % 2)
    logits = np.full(known.shape, -np.inf)
    logits[known] = _selection.cross_val_predict(
        model, pairs, truth, cv=halves, params=options, method="decision_function"
    )
    if not _is_better(replace(ranked, logits=logits), ranked, problem.Y[held], weights):
        return None
    scaler, regression = (step for _, step in model.fit(pairs, truth, **options).steps)
    beta = regression.coef_[0] / scaler.scale_
    return replace(reranker, weights=beta, constant=float(regression.intercept_[0] - beta @ scaler.mean_))


def _is_better(after: Ranked, before: Ranked, Y: Any, weights: Array) -> bool:
    """Return whether the gain of the mean nDCG@5 is larger than chance explains."""
    gains = after.ndcg(Y) - before.ndcg(Y)
    mean = float(np.average(gains, weights=weights))
    error = np.sqrt(np.average((gains - mean) ** 2, weights=weights) / gains.size)
    return bool(mean > SIGNIFICANT * error)
