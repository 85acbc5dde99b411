"""Words whose vectors differ between two models by more than resampling either text explains.

The models are aligned by orthogonal Procrustes on their most frequent common words; a word's movement is
d = 1 − cos(a R, b). Two resamples of one text, aligned in the same way, say how far the word moves where nothing has
changed but the passages that happen to be there: N such distances, half from each text, because two independent
samples of a text differ as two resamples of it do (Efron, 1979). A distance is a sum of squares, whose cube root is
close to normal (Wilson & Hilferty, 1931): with m and s² the mean and the variance of the cube roots,
t = (∛d − m) / (s √(1 + 1/N)) has Student's distribution with N − 1 degrees of freedom if nothing has changed.

A few distances tell little about s, so that no t is large enough among thousands of words. But words that are as
frequent vary alike: ln s² is taken as a curve of ln count with a scatter of its own, as in limma (Smyth, "Linear models
and empirical Bayes methods", 2004). The curve's variance s₀² at a word then counts as f₀ more distances, the fewer the
more words differ around it: s² becomes (f₀ s₀² + f s²) / (f₀ + f), f = N − 1, with f₀ + f degrees of freedom.

A resample holds some passages twice and lacks others, so that two of them differ by somewhat more than two samples of a
source. Most words have not moved: where the median of t over all words is below 0, it is taken off. The p-values, of
larger t alone, are corrected for the number of words after Benjamini & Hochberg (1995): of the words with q < 0.05, one
in twenty is expected to be there by chance.
"""

from os import PathLike
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.stats
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

from wordsparse.errors import InputError
from wordsparse.stability.model import ResampledModel, resampled_model
from wordsparse.stability.resamples import Resamples
from wordsparse.vectors.alignment import distances
from wordsparse.words.model import WordModel

# The smallest count of a word that is judged, in either text; and the most frequent common words, for alignment.
MIN_COUNT, ALIGNED_ON = 50, 5000
# Resamples that each model must have.
MIN_RESAMPLES = 4
_SMALLEST = 1e-6
# The degree of the curve of ln s² by ln count, and the most distances that it counts as.
CURVE, MOST_FREEDOM = 3, 1e4


class Moved(NamedTuple):
    """A word's movement d between two models, its mean among resamples, and its significance: t and the corrected q."""

    word: str
    distance: float
    expected: float
    t: float
    q: float


def moved(
    first: WordModel | str | PathLike[str], second: WordModel | str | PathLike[str], *, min_count: int = MIN_COUNT
) -> list[Moved]:
    """How far the common words moved from one model to the other, the surest movement first.

    Parameters
    ----------
    first, second : ResampledModel or path
        Models with resamples of their texts (:func:`wordsparse.resample`), of the same dimension.
    min_count : int
        Words that occur less often in either text are left out.

    Raises
    ------
    InputError
        If a model has fewer than 4 resamples, the dimensions differ, or too few words are common.
    """
    first, second = _with_resamples(first, "first"), _with_resamples(second, "second")
    if first.dim != second.dim:
        raise InputError(f"the models have {first.dim} and {second.dim} dimensions: train both with the same")
    rows = _common_rows(first, second, min_count)
    if rows.shape[1] <= first.dim:
        raise InputError(
            f"{rows.shape[1]} words occur {min_count} times in both texts: "
            f"more than dim ({first.dim}) are needed: lower min_count or dim"
        )
    observed = distances(first.wv.unit[rows[0]], second.wv.unit[rows[1]], ALIGNED_ON)
    null = np.concatenate([_within(first.resamples, rows[0]), _within(second.resamples, rows[1])])
    t, p = _t_test(observed, null, _smaller_counts(first, second, rows))
    q = scipy.stats.false_discovery_control(p)
    words, expected = first.vocabulary.words, _mean(null)
    order = np.lexsort((-t, q))
    return [
        Moved(words[rows[0, i]], float(observed[i]), float(expected[i]), float(t[i]), float(q[i]))
        for i in order.tolist()
    ]


def _with_resamples(model: WordModel | str | PathLike[str], name: str) -> ResampledModel:
    found = model if isinstance(model, WordModel) else resampled_model(model)
    if not isinstance(found, ResampledModel) or len(found.resamples) < MIN_RESAMPLES:
        raise InputError(f"the {name} model needs {MIN_RESAMPLES} resamples: wordsparse.resample makes them (20, say)")
    return found


def _common_rows(first: WordModel, second: WordModel, min_count: int) -> NDArray[np.int64]:
    """The rows (2, n) of the words that are frequent enough in both models, those most frequent in the rarer first."""
    a, b = first.vocabulary, second.vocabulary
    found = [
        (min(int(a.counts[row]), int(b.counts[other])), row, other)
        for row, word in enumerate(a.words)
        if (other := b.get(word)) is not None
    ]
    kept = sorted((entry for entry in found if entry[0] >= min_count), key=lambda entry: -entry[0])
    return np.array([(row, other) for _, row, other in kept], np.int64).reshape(-1, 2).T


def _within(resamples: Resamples, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The distances of each word between one resample and the next, (pairs, n); NaN where one of both lacks it."""
    found, before = [], None
    for codes in resamples.each():
        unit = codes[rows].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", unit, unit))
        unit /= np.where(lengths > 0, lengths, 1)[:, None]
        if before is not None:
            between = distances(before[0], unit, ALIGNED_ON).astype(np.float64)
            between[(before[1] == 0) | (lengths == 0)] = np.nan
            found.append(between)
        before = unit, lengths
    return np.array(found)


def _smaller_counts(first: WordModel, second: WordModel, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each word occurs in the text that has it less often, (n,)."""
    counts: NDArray[np.int64] = np.minimum(first.vocabulary.counts[rows[0]], second.vocabulary.counts[rows[1]])
    return counts


def _t_test(
    observed: NDArray[np.float32], null: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """t and p of each word; p = 1 where fewer than two distances are known."""
    roots, n = np.cbrt(null), (~np.isnan(null)).sum(axis=0)
    known = n >= 2
    t, p = np.zeros(len(n)), np.ones(len(n))
    mean, variance = np.nanmean(roots[:, known], axis=0), np.nanvar(roots[:, known], axis=0, ddof=1)
    variance, freedom = _moderated(np.maximum(variance, _SMALLEST**2), n[known] - 1.0, np.log(counts[known]))
    excess = np.cbrt(observed[known].astype(np.float64)) - mean
    t[known] = excess / np.sqrt(variance * (1 + 1 / n[known]))
    t[known] -= min(0.0, float(np.median(t[known]))) if known.any() else 0.0
    p[known] = scipy.stats.t.sf(t[known], freedom)
    return t, p


def _moderated(
    variance: NDArray[np.float64], freedom: NDArray[np.float64], log_count: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The variances s² of the words, drawn to those of words as frequent, and their degrees of freedom."""
    # ln s² has the mean ln σ² + ψ(f/2) − ln(f/2) and the variance ψ′(f/2), beside what σ² itself scatters.
    level = np.log(variance) - digamma(freedom / 2) + np.log(freedom / 2)
    curve = np.polynomial.Polynomial.fit(log_count, level, min(CURVE, len(np.unique(log_count)) - 1))(log_count)
    scatter = float(np.mean((level - curve) ** 2 - polygamma(1, freedom / 2)))
    more = MOST_FREEDOM
    if scatter > polygamma(1, MOST_FREEDOM / 2):  # else all words of a frequency have the same variance
        inverse = scipy.optimize.brentq(lambda f: polygamma(1, np.exp(f) / 2) - scatter, -20, np.log(MOST_FREEDOM))
        more = np.exp(inverse)
    prior = np.exp(curve + digamma(more / 2) - np.log(more / 2))
    return (more * prior + freedom * variance) / (more + freedom), more + freedom


def _mean(null: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean distance of each word, (n,); 0 where none is known."""
    known = ~np.isnan(null)
    return np.asarray(np.where(known, null, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
