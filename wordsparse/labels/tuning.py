"""The ridge λ and the rank of the regression, chosen by leave-one-out on a sample of the rows.

The best λ does not depend on the number of rows, so that a sample that is cheap to fit finds it. The best rank grows
with the number of rows, so that it is chosen where the sample is all of them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Kernels
from wordsparse.labels.logistic import POWERS, Calibration
from wordsparse.labels.ranking import entries, is_true, ndcg
from wordsparse.labels.ridge import Inverse, SparseRows, Spectrum
from wordsparse.labels.scoring import Adjust, Scorer, best
from wordsparse.types import Array

logger = logging.getLogger(__name__)

SAMPLE = 6000
# Every output of this many labels of the sample is computed: the most frequent labels decide which λ is best.
TUNED_LABELS = 2048
# Rows left out; more where labels are few, for at least LEFT_OUT_OUTPUTS outputs.
LEFT_OUT, LEFT_OUT_OUTPUTS = 1000, 2**21
# Labels of a row whose places are compared.
DEPTH = 30
# λ in units of the rows' mean square; the search starts from 3.
RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# Lower ranks, as parts of the highest.
RANKS = (3, 10, 30)
DEPTH_JUDGED = 5


@dataclass(frozen=True)
class Constants:
    """λ, and the rank of the basis."""

    ridge: float
    rank: int


class RidgeProblem:
    """The rows, their spectrum, and B = XᵀY: they are computed once, and solved for any λ.

    X, with its constant column, and Y are SciPy CSR of float32; ``dim`` is d at most.
    """

    def __init__(self, X: Any, Y: Any, dim: int, seed: int, kernels: Kernels) -> None:
        self.X, self.Y, self.kernels = X, Y, kernels
        self.rows = SparseRows(X, kernels)
        self.spectrum = Spectrum.of(self.rows, dim, seed)
        self.B = sp.csr_array(X.T.tocsr() @ Y)
        self.B.sort_indices()
        self.counts = np.bincount(Y.indices, minlength=Y.shape[1])

    def solve(self, constants: Constants, frequent: int | None = None) -> Scorer:
        """The regression with these constants; ``frequent`` is the number of frequent labels."""
        return Scorer.of(self.inverse(constants), self.B, self.counts, self.kernels, frequent)

    def inverse(self, constants: Constants) -> Inverse:
        """M⁻¹ with these constants."""
        spectrum = self.spectrum.leading(constants.rank, self.rows)
        return Inverse.of(spectrum, constants.ridge, self.kernels)


@dataclass(frozen=True)
class LeftOut:
    """The likeliest labels of some training rows, each row left out of the regression that predicts it.

    All are (rows, DEPTH): ``counts`` is n_l without the row, ``truth`` 0 or 1, ``known`` whether another row has the
    label at all.
    """

    labels: Array
    outputs: Array
    counts: Array
    truth: Array
    known: Array

    def first(self, n: int) -> "LeftOut":
        """Of the first n rows."""
        return LeftOut(*(getattr(self, field.name)[:n] for field in fields(self)))


def leave_out(scorer: Scorer, problem: RidgeProblem, rows: Array, calibration: Calibration) -> LeftOut:
    """The ``DEPTH`` labels of each row that rank first."""

    def rank(outputs: Array, counts: Array, block: slice) -> Array:
        return calibration.logits(outputs, counts)

    labels, outputs, _ = scorer.candidates(problem.X[rows], DEPTH, rank, _without_itself(scorer, problem, rows))
    truth = is_true(problem.Y[rows], labels)
    counts = problem.counts[labels] - truth
    return LeftOut(labels, outputs, counts, truth, (labels >= 0) & (counts > 0))


def _without_itself(scorer: Scorer, problem: RidgeProblem, rows: Array) -> Adjust:
    """(o − l y) / (1 − l) for training rows."""

    def adjust(outputs: Array, shared: Any, block: slice) -> None:
        X, Y = problem.X[rows[block]], problem.Y[rows[block]]
        own = scorer.leverages(X)
        outputs -= own[:, None].astype(outputs.dtype) * Y[:, scorer.frequent].toarray()
        outputs /= np.maximum(1 - own, 1e-6).astype(outputs.dtype)[:, None]
        if not shared.nnz:
            return
        at = np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr))
        of_row = entries(Y, at, scorer.rare[shared.indices])
        shared.data -= (own[at] * of_row).astype(shared.data.dtype)
        shared.data /= np.maximum(1 - own, 1e-6).astype(shared.data.dtype)[at]

    return adjust


def left_out(n: int, labels: int) -> int:
    """The number of rows left out, of n."""
    return min(n, max(LEFT_OUT, LEFT_OUT_OUTPUTS // labels))


def tuned(X: Any, Y: Any, dim: int, seed: int, kernels: Kernels) -> tuple[RidgeProblem, Constants]:
    """The problem of all rows, and its constants by leave-one-out."""
    n, random = X.shape[0], np.random.default_rng(seed)
    if n <= SAMPLE:
        problem = RidgeProblem(X, Y, dim, seed, kernels)
        return problem, _chosen(problem, dim, random, any_rank=True)
    sample = np.sort(random.choice(n, SAMPLE, replace=False))
    some, labels = (rows[:, np.unique(rows.indices)] for rows in (X[sample], Y[sample]))  # without empty columns
    constants = _chosen(RidgeProblem(some, labels, dim, seed, kernels), dim, random, any_rank=False)
    logger.info("labels: solving the ridge regression of all rows")
    return RidgeProblem(X, Y, dim, seed, kernels), constants


def _chosen(problem: RidgeProblem, dim: int, random: np.random.Generator, *, any_rank: bool) -> Constants:
    """λ, moved from its start while rows left out are ranked better by more than a standard error; and the rank,
    ``dim`` unless a lower one is better by more than a standard error."""
    n, D = problem.Y.shape
    rows = np.sort(random.choice(n, left_out(n, min(D, TUNED_LABELS)), replace=False))
    scale = float(np.sum(problem.rows.values.astype(np.float64) ** 2)) / n or 1.0
    logger.info("labels: choosing the ridge on %s rows", f"{n:,}")

    @cache
    def quality(at: int, rank: int) -> Array:
        scorer = problem.solve(Constants(RIDGES[at] * scale, rank), TUNED_LABELS)
        found = leave_out(scorer, problem, rows, Calibration())
        return ranking(found, best_power(found, problem.Y[rows]), problem.Y[rows])

    ridge, rank = _climb(lambda at: quality(at, dim), RIDGES.index(3.0), len(RIDGES)), dim
    if any_rank:
        ranks = [max(1, problem.spectrum.S2.shape[0] // part) for part in RANKS]
        lower = max(ranks, key=lambda lower: float(quality(ridge, lower).mean()))
        rank = lower if is_better(quality(ridge, lower), quality(ridge, dim)) else dim
    return Constants(RIDGES[ridge] * scale, rank)


def _climb(quality: Callable[[int], Array], at: int, length: int) -> int:
    """The place of a list from which no step to either side is better by more than a standard error."""
    for step in (1, -1):
        start = at
        while 0 <= at + step < length and is_better(quality(at + step), quality(at)):
            at += step
        if at != start:
            break
    return at


def is_better(new: Array, old: Array) -> bool:
    """Whether the mean of paired scores is higher by more than one standard error of the difference."""
    gain = new - old
    return bool(gain.mean() > gain.std() / np.sqrt(gain.shape[0]))


def best_power(found: LeftOut, Y: Any) -> float:
    """The scoring power with the best nDCG on rows left out."""
    return max(POWERS, key=lambda power: float(ranking(found, power, Y).mean()))


def ranking(found: LeftOut, power: float, Y: Any) -> Array:
    """nDCG@5 of each row, its labels ranked with a scoring power, (rows,)."""
    scores = np.where(found.known, Calibration(power).logits(found.outputs, found.counts), -np.inf)
    return ranked_ndcg(scores, found.truth, Y)


def ranked_ndcg(scores: Array, truth: Array, Y: Any) -> Array:
    """nDCG@5 of the rows of Y, from the scores and the truth of some labels of each row, in any order."""
    return ndcg(np.take_along_axis(truth, best(scores, DEPTH_JUDGED), 1), np.diff(Y.indptr), DEPTH_JUDGED)
