"""Bootstrap percentile intervals of scores: how scores vary when the items of a test set are resampled.

Two runs over the same number of items get the same resamples, so their scores can be compared in each resample.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sp

from wordsparse.evaluation.testsets import Question
from wordsparse.types import Array

RESAMPLES = 1000
SEED = 1
# The number of float64 numbers in a block of resamples (2 MiB), which fits into the cache.
_BLOCK = 2**18


def interval(samples: Array) -> tuple[float, float] | None:
    """Return the 2.5 % and 97.5 % percentiles of ``samples`` (resamples,), ignoring NaN; None if all are NaN."""
    finite = samples[np.isfinite(samples)]
    if not finite.size:
        return None
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


def spearman(judgements: Array, cosines: Array, resamples: int = RESAMPLES) -> Array:
    """Return Spearman's rank correlation of ``judgements`` and ``cosines``, both (n,), in each resample of the pairs.

    Pairs are drawn with replacement: pair i occurs c_i times in a resample. Pairs with equal values share their mean
    rank, (number of smaller values) + (c + 1)/2, where c is the sum of their c_i. A cumulative sum of the c_i in
    ascending order of the values gives these ranks, so no resample need be sorted. Spearman's ρ is Pearson's
    correlation of the ranks with weights c_i. The result is NaN if all pairs of a resample have the same value.
    """
    n = len(cosines)
    if n < 2:
        return np.full(resamples, np.nan)
    blocks = [
        np.einsum("bi,bi,bi->b", counts, _unit_ranks(judgements, counts), _unit_ranks(cosines, counts))
        for counts in _counts(n, resamples, _BLOCK // n)
    ]
    return np.concatenate(blocks)


def shares(answers: Array, resamples: int = RESAMPLES) -> Array:
    """Return the mean of ``answers`` (n, columns) in each resample of the n rows, (resamples,). NaN is ignored."""
    sums, numbers = np.nansum(answers, axis=1), np.isfinite(answers).sum(axis=1)
    blocks = _counts(len(answers), resamples, _BLOCK // len(answers))
    with np.errstate(invalid="ignore"):
        return np.concatenate([(counts @ sums) / (counts @ numbers) for counts in blocks])


def means(values: Array, resamples: int = RESAMPLES) -> Array:
    """Return the mean of each column of ``values`` (n, k) in each resample of the n rows, (resamples, k)."""
    n = len(values)
    return np.concatenate([counts @ values / n for counts in _counts(n, resamples, _BLOCK // n)])


def accuracies(questions: Sequence[Question], correct: Array, resamples: int = RESAMPLES) -> Array:
    """Return the accuracy on analogy questions in each resample of the word pairs that form the questions.

    A file combines each word pair of a section with many other pairs, so its questions are not independent. Hence the
    word pairs are resampled within each section, and the question of pairs i and j has weight w_i w_j, where w_i says
    how often pair i is drawn. The method is the pigeonhole bootstrap (Owen, "The pigeonhole bootstrap", Annals of
    Applied Statistics 1, 2007); its intervals are conservative. ``correct`` (n,) is 1 for a right answer, 0 for a wrong
    one, NaN for a question that was not asked. The result is NaN if a resample holds no question.
    """
    halves, sizes = _pairs_of(questions)
    nodes, is_answered = int(sizes.sum()), np.isfinite(correct)
    every, right = (
        sp.csr_array((values, tuple(halves.T)), shape=(nodes, nodes)).T.tocsr()
        for values in (is_answered.astype(float), np.where(is_answered, correct, 0))
    )
    block = max(1, _BLOCK // nodes)
    streams = [_counts(int(size), resamples, block, seed=i) for i, size in enumerate(sizes)]
    blocks = []
    for drawn in zip(*streams, strict=True):
        weights = np.concatenate(drawn, axis=1).T
        # Σ w_i w_j over the questions with a right answer, and over all answered questions.
        sums = [np.einsum("ij,ij->j", matrix @ weights, weights) for matrix in (right, every)]
        with np.errstate(invalid="ignore"):
            blocks.append(sums[0] / sums[1])
    return np.concatenate(blocks)


def _pairs_of(questions: Sequence[Question]) -> tuple[Array, Array]:
    """Number the word pairs, section by section. Return the indices of each question's two word pairs, (n, 2), and the
    count of distinct word pairs in each section."""
    sections = list(dict.fromkeys(question.section for question in questions))
    nodes: dict[tuple[int, frozenset[str]], int] = {}
    number = {section: i for i, section in enumerate(sections)}
    halves = np.empty((len(questions), 2), np.intp)
    for i, question in enumerate(questions):
        # Word pairs that differ only in case, or in the order of the two words, are the same pair.
        a, b, c, d = (word.upper() for word in question.words)
        for half, pair in enumerate((frozenset((a, b)), frozenset((c, d)))):
            halves[i, half] = nodes.setdefault((number[question.section], pair), len(nodes))
    section_of = np.array([section for section, _ in nodes], np.intp)
    order = np.argsort(section_of, kind="stable")
    return np.argsort(order)[halves], np.bincount(section_of, minlength=len(sections))


def _counts(n: int, resamples: int, block: int, seed: int = 0) -> Iterator[Array]:
    """Yield how often each of n items is drawn in n draws with replacement: blocks (resamples, n) float64."""
    random = np.random.default_rng([SEED, seed])
    block = max(1, block)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = random.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _unit_ranks(values: Array, counts: Array) -> Array:
    """Return the ranks (b, n) of ``values`` (n,) in b resamples, in which item i occurs ``counts[b, i]`` times. The
    ranks of a resample are centred and scaled to weighted mean 0 and weighted norm 1."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
    centred: Array = ranks[:, group] - (counts.sum(axis=1, keepdims=True) + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: Array = centred / np.sqrt(np.einsum("bi,bi,bi->b", counts, centred, centred))[:, None]
    return unit
