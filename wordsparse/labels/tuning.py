"""The choice of λ for the regression, by leave-one-out on a sample of the rows.

The best λ does not depend on the number of rows, so a small sample, which is cheap to fit, suffices.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.evaluation.ndcg import ndcg
from wordsparse.kernels import Kernels
from wordsparse.labels.logistic import POWERS, Calibration
from wordsparse.labels.ranking import is_true
from wordsparse.labels.ridge import Inverse, SparseRows, Spectrum, scaled_rows
from wordsparse.labels.scoring import Scorer, best, blocks, most
from wordsparse.types import Array

logger = logging.getLogger(__name__)

SAMPLE = 6000
# The number of labels of the sample whose outputs are computed: the most frequent labels decide which λ is best.
TUNED_LABELS = 2048
# The maximum number of rows that are left out, one at a time.
LEFT_OUT = 1000
# The number of top labels of each row that are ranked, and ranked again.
DEPTH = 30
# The values of λ that are tried, for rows with a root mean square norm of 1 and a constant column.
RIDGES = (0.375, 1.25, 3.75, 12.5, 37.5)
DEPTH_JUDGED = 5
# A label whose other rows have at most this weight in all has no other rows: a rounded difference of sums is not zero.
NO_WEIGHT = 1e-9


class RidgeProblem:
    """Rows, their spectrum and B = XᵀΩY, which are computed once for all values of λ.

    X, with its constant column, and Y are SciPy CSR of float32. Ω is the diagonal matrix of ``weights``, the rows'
    weights (n,). The spectrum is that of √Ω X; ``dim`` limits the rank of the approximated XᵀΩX.
    """

    def __init__(self, X: Any, Y: Any, weights: Array, dim: int, seed: int, kernels: Kernels) -> None:
        self.X, self.Y, self.weights, self.kernels = X, Y, weights, kernels
        self.spectrum = Spectrum(SparseRows(scaled_rows(X, np.sqrt(weights)), kernels), dim, seed)
        self.B = sp.csr_array(X.T.tocsr() @ scaled_rows(Y, weights))
        self.B.sort_indices()
        self.counts = np.bincount(Y.indices, np.repeat(weights, np.diff(Y.indptr)), Y.shape[1])

    def solve(self, ridge: float, frequent: int) -> Scorer:
        """Solve the regression for λ = ``ridge``; ``frequent`` is the number of frequent labels."""
        inverse = Inverse.of(self.spectrum, ridge, self.kernels)
        return Scorer(inverse, self.B, self.counts, self.kernels, most(self.counts, frequent))


@dataclass(frozen=True)
class Ranked:
    """Labels of some rows, in any order, with their log-odds, numbers of training rows, and truth (0 or 1): all (n, k).
    Labels that no other row has have log-odds of −∞."""

    labels: Array
    logits: Array
    counts: Array
    truth: Array

    def rows(self, rows: Any) -> "Ranked":
        """Return the labels of some rows, given by a slice or a mask."""
        return Ranked(*(part[rows] for part in vars(self).values()))

    def best(self, k: int) -> "Ranked":
        """Return the k likeliest labels of each row, likeliest first."""
        first = best(self.logits, k)
        return Ranked(*(np.take_along_axis(part, first, 1) for part in vars(self).values()))

    def ndcg(self, Y: Any) -> Array:
        """Compute nDCG@5 for each row of Y, the labels of the rows, (n,)."""
        return ndcg(self.best(DEPTH_JUDGED).truth, np.diff(Y.indptr), DEPTH_JUDGED)


@dataclass(frozen=True)
class LeftOut:
    """The likeliest labels of some training rows. Each row is left out of the regression that predicts its labels.

    All arrays are (rows, DEPTH): ``counts`` is the weight of the other rows with the label, ``truth`` is 1 if the row
    has the label and 0 otherwise, and ``known`` says whether any other row has the label.
    """

    labels: Array
    outputs: Array
    counts: Array
    truth: Array
    known: Array

    def ranked(self, calibration: Calibration) -> Ranked:
        """Return the labels with their log-odds."""
        logits = calibration.logits(self.outputs, calibration.offsets(self.counts))
        return Ranked(self.labels, np.where(self.known, logits, -np.inf), self.counts, self.truth)


def leave_out(scorer: Scorer, problem: RidgeProblem, rows: Array) -> LeftOut:
    """Return the first ``DEPTH`` labels of each row, ranked by a regression that leaves the row out."""
    parts = [_leave_out(scorer, problem, rows[block]) for block in blocks(rows)]
    return LeftOut(*map(np.concatenate, zip(*parts, strict=True)))


def _leave_out(scorer: Scorer, problem: RidgeProblem, rows: Array) -> tuple[Array, ...]:
    """Compute each row's outputs for its top labels if the row is left out (:mod:`wordsparse.labels.scoring`)."""
    X, Y, frequent, plain = problem.X[rows], problem.Y[rows], scorer.frequent, Calibration()
    labels, outputs = scorer.candidates(X)
    truth = np.hstack([Y[:, frequent].toarray(), is_true(Y, labels[:, frequent.size :])])
    weights = problem.weights[rows, None]
    own = weights * scorer.leverages(X)[:, None]
    outputs -= (own * truth).astype(outputs.dtype)
    outputs /= np.maximum(1 - own, 1e-6).astype(outputs.dtype)
    first = best(plain.logits(outputs, plain.offsets(problem.counts)[labels]), DEPTH)
    labels, outputs, truth = (np.take_along_axis(part, first, 1) for part in (labels, outputs, truth))
    counts = problem.counts[labels] - weights * truth
    return labels, outputs, counts, truth, (labels >= 0) & (counts > NO_WEIGHT)


def tuned(X: Any, Y: Any, weights: Array, dim: int, seed: int, kernels: Kernels) -> tuple[RidgeProblem, float]:
    """Return the regression problem of all rows, and its λ chosen by leave-one-out."""
    n, random = X.shape[0], np.random.default_rng(seed)
    if n <= SAMPLE:
        problem = RidgeProblem(X, Y, weights, dim, seed, kernels)
        return problem, _best_ridge(problem, random)
    sample = np.sort(random.choice(n, SAMPLE, replace=False))
    some, labels = (rows[:, np.unique(rows.indices)] for rows in (X[sample], Y[sample]))  # drops empty columns
    ridge = _best_ridge(RidgeProblem(some, labels, weights[sample], dim, seed, kernels), random)
    logger.info("labels: solving the ridge regression of all rows")
    return RidgeProblem(X, Y, weights, dim, seed, kernels), ridge


def _best_ridge(problem: RidgeProblem, random: np.random.Generator) -> float:
    """Return the λ that ranks the labels of some rows best, with each row left out."""
    n = problem.X.shape[0]
    rows = np.sort(random.choice(n, min(n, LEFT_OUT), replace=False))
    logger.info("labels: choosing the ridge penalty on %s rows", f"{n:,}")

    def quality(ridge: float) -> float:
        left = leave_out(problem.solve(ridge, TUNED_LABELS), problem, rows)
        return best_power(left, problem.Y[rows], problem.weights[rows])[1]

    return max(RIDGES, key=quality)


def best_power(left: LeftOut, Y: Any, weights: Array) -> tuple[float, float]:
    """Return the scoring power with the best nDCG@5 of leave-one-out predictions, and the best nDCG@5."""
    scores = {power: left.ranked(Calibration(power)).ndcg(Y) for power in POWERS}
    quality = {power: float(np.average(scores[power], weights=weights)) for power in POWERS}
    return max(quality.items(), key=lambda item: item[1])
