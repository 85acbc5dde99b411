"""Blends the spelling of words into their vectors: vectors of character n-grams are fitted to the word vectors and
added to the word vectors.

    G  ≈ argmin Σ_w ω_w |u_w − ū − x_w G|² + RIDGE Σ_g |G_g|²     u_w the unit vector of w, ū their mean by ω_w,
                                                                  x_w G the mean of the rows of w's n-grams,
                                                                  ω_w = n_w/(n_w + DOUBT), n_w its occurrences
    c_w = x_w G M / mean |x G M|,   M = (Σ_w ω_w Gᵀx_wᵀx_w G)^(-POWER)
    v_w ∝ u_w + s (STRENGTH min(1, √(100/dim)) + TAU/n_w) c_w
    s   = form · min(1, max(0, a − NOTHING)/(ENOUGH − NOTHING))

G is the result of SWEEPS Gauss–Seidel sweeps that start from zeros. A sweep visits the longest n-grams first, and among
n-grams of equal length the rarest first:

    δ = (Σ_{w∋g} ω_w x_wg R_w − RIDGE G_g) / (Σ_{w∋g} ω_w x_wg² + RIDGE);   G_g += δ,   R_w −= x_wg δ,   R_w = u_w − ū

The fit uses the words that occur at least SEEN times. If there are fewer than FEW such words, the fit uses the FEW most
frequent words.

The prior is a Gaussian process over words. The covariance of two words comes from the n-grams that they share, and each
word also has a variance of its own. x_w G is the process's prediction for w. The less the text says about w itself, the
larger is the share of the prediction in v_w. A word without occurrences has the vector ū + c_w. M partly whitens the
predictions, so that they are distributed like the word vectors, which are white. Without M, a few directions that all
endings share would dominate the predictions.

The number ``a`` measures how well the n-grams of *other* words predict a word: it is the share of Σ ω_w |u_w − ū|² that
x_w G explains, minus the share that is due to the word itself. The share that is due to the word itself is estimated by
generalised cross-validation: it is the share that a fit explains if random signs, scaled to the norm of u_w − ū,
replace the vectors. M, mean |x G M| and both shares are computed from a SAMPLE of words. If spelling is unrelated to
meaning, ``a`` is near 0. If ``a`` is not larger than chance explains, s is 0 and the vectors do not change. If counts
are unknown, every ω_w is 1 and every TAU/n_w is 0. A word that shares no n-gram with other words keeps its unit vector.
docs/notes/recipe.md explains the choice of the constants.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors.ngrams import SPAN, NgramVectors, check_lengths
from wordsparse.vectors.sweeps import Sweeps
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.options import MOST_FORM

MIN_WORDS = 3
SEEN, FEW = 5, 10_000
RIDGE = 0.015
SWEEPS = 2
DOUBT = 30.0
POWER = 0.15
STRENGTH, TAU = 0.45, 6.0
NOTHING, ENOUGH = 0.01, 0.06
# The number of standard errors that ``a`` must exceed.
SIGNIFICANT = 4.0
TINY = 1e-30  # prevents divisions by zero
SAMPLE = 2048
# Eigenvalues of M^(-1/POWER) that are smaller than this fraction of the largest eigenvalue are treated as noise.
FLOOR = 1e-6


class Habit(NamedTuple):
    """Settings for a type of language: the name of the type, the lengths of n-grams in characters, and the ridge of the
    fit."""

    languages: str
    lengths: tuple[int, int]
    ridge: float = RIDGE


# SHORT suits words of fewer than SHORT_WORDS characters on average, as in Japanese. AGGLUTINATIVE suits languages that
# attach endings to whole words, such as Hungarian.
SHORT_WORDS = 4.0
SHORT = Habit("languages of short words", (1, 3))
USUAL = Habit("most languages", (3, 6))
AGGLUTINATIVE = Habit("agglutinative languages", (1, 5), 0.06)
HABITS = (SHORT, USUAL, AGGLUTINATIVE)
# The lengths and the strength that find the most inflected forms in Polish and Turkish, at the expense of similarity.
INFLECTIONS = (*AGGLUTINATIVE.lengths, 9.0)
# A language is agglutinative if its STEMS most frequent words have more than LONG_ENDINGS long endings on average.
# Endings may change the last CHANGED letters of a word. The long endings of a word with at least STEM letters are the
# words that begin like the word without these letters, and have ENDING letters after this beginning. In frequency
# lists, a Turkish or Finnish word has 1.8 long endings, a Hungarian word 1.5, an Icelandic word 1.3, a Polish or French
# word 1.0, and an English word .7.
LONG_ENDINGS, STEM, CHANGED, ENDING, STEMS = 1.4, 6, 2, range(5, 9), 2_000
# The first and the last syllable of Hangul.
HANGUL = ("가", "힣")


@dataclass(frozen=True)
class NgramFit:
    """N-grams fitted to the vectors of a vocabulary.

    ``vectors`` holds ū and the rows of the n-grams. c_w is the mean of the rows of the n-grams of w. If word w occurs n
    times, (``strength`` + ``tau``/n) c_w is added to its vector. ``weight`` is the number s of the formulas if ``form``
    is 1. ``languages`` names the languages whose lengths of n-grams were chosen; it is empty if the lengths were given.
    """

    vectors: NgramVectors
    strength: float
    tau: float
    weight: float
    languages: str = ""

    def __str__(self) -> str:
        lengths = f"n-grams of {self.vectors.index.shortest} to {self.vectors.index.longest}"
        return f"{lengths}, as in {self.languages}" if self.languages else lengths

    def with_form(self, form: float) -> "NgramFit":
        """Return the same n-grams with another strength. Raise InputError if ``form`` is out of range."""
        scale = validation.non_negative("form", form, most=MOST_FORM) * self.weight
        strength = scale * STRENGTH * min(1.0, (100 / self.vectors.dim) ** 0.5)
        return replace(self, strength=strength, tau=scale * TAU)

    def blend(self, words: Sequence[str], unit: Array, counts: Array | None, threads: int | None = None) -> None:
        """Blend n-grams into the unit vectors (n, dim) of words, in place. ``counts`` (n,) says how often each word
        occurs."""
        shares = self.strength + (np.zeros(len(words)) if counts is None else self.tau / np.maximum(counts, 1))
        self.vectors.index.add(self.vectors.rows, words, shares, unit, unit=True, threads=threads)

    def arrays(self) -> dict[str, Any]:
        """Return the arrays and numbers from which :meth:`from_arrays` rebuilds this object."""
        return {**self.vectors.arrays(), **{each.name: getattr(self, each.name) for each in fields(self)[1:]}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "NgramFit":
        """Rebuild an object from the result of :meth:`arrays`."""
        # A model without a weight was written by an older version. It counts as fitted with form 1.
        numbers = {"weight": arrays["tau"] / TAU, "languages": ""} | dict(arrays)
        return cls(NgramVectors.from_arrays(arrays), *(numbers[each.name] for each in fields(cls)[1:]))


def fit(
    words: Sequence[str],
    unit: Array,
    counts: Array | None = None,
    *,
    shortest: int | None = None,
    longest: int | None = None,
    form: float = 1.0,
    threads: int | None = None,
) -> NgramFit:
    """Fit the rows of the n-grams of ``words`` to the vectors of the words.

    ``unit`` (V, dim) float32 holds a unit vector, or zeros, for each word. ``counts`` (V,) says how often each
    word occurs. ``shortest`` and ``longest`` are the lengths of n-grams in characters. Each bracket of ``<word>``
    counts as one character. By default, :func:`habit_of` chooses the two lengths. If the lengths are the lengths of
    another habit, its ridge is used. With ``form`` 0, blending does not change the vectors. Raise InputError if the
    lengths or ``form`` are out of range, no n-gram occurs in MIN_WORDS words, or a word is not text.
    """
    if not all(isinstance(word, str) for word in words):
        raise InputError("n-grams need words that are text: make each word a str")
    validation.non_negative("form", form, most=MOST_FORM)
    kernels = CpuKernels(threads)
    habit = habit_of(words, counts)
    lengths = (habit.lengths[0] if shortest is None else shortest, habit.lengths[1] if longest is None else longest)
    check_lengths(*lengths)
    habit = next((each for each in HABITS if each.lengths == lengths), habit)
    ids = _often_seen(counts, len(words))
    weights = np.ones(len(ids)) if counts is None else np.asarray(counts[ids] / (counts[ids] + DOUBT), np.float64)
    sweeps = Sweeps([words[i] for i in ids], *lengths, MIN_WORDS, kernels)
    if not len(sweeps.ngrams):
        raise InputError(
            f"no sequence of {lengths[0]} to {lengths[1]} characters (of <word>) is shared by {MIN_WORDS} words: "
            "choose shorter n-grams (--shortest, --longest), or more words"
        )
    shares = np.zeros(len(words), np.float32)
    shares[ids] = weights / (float(weights.sum()) or 1.0)
    mean = np.asarray(kernels.column_sums(unit, shares), np.float32)
    sample = np.arange(0, len(ids), -(-len(ids) // SAMPLE))
    spelling = [words[i] for i in ids[sample]]

    def explained(vectors: Array, ids: Array, mean: Array) -> tuple[Array, Array, Array, Array]:
        """Return the rows that are fitted to vectors u, the products x G for the words of the SAMPLE, and for each
        column Σ ω (u − mean) x G and Σ ω (u − mean)², (dim,): what is explained, and the whole."""
        rows = sweeps.rows(vectors, ids, weights, mean, habit.ridge, SWEEPS)
        composed = sweeps.ngrams.means(rows, spelling, len(mean))
        about = vectors[ids[sample]] - mean
        weighted = about * weights[sample, None]
        return rows, composed, np.einsum("ij,ij->j", weighted, composed), np.einsum("ij,ij->j", weighted, about)

    with single_threaded_blas():
        radii = np.sqrt(np.maximum(1 - 2 * (unit @ mean) + mean @ mean, 0))[ids]
    signs = radii[:, None] * (2 * np.random.default_rng(0).integers(0, 2, (len(ids), SPAN), np.int8) - np.float32(1))
    *_, by_chance, of_signs = explained(signs, np.arange(len(ids)), np.zeros(SPAN, np.float32))
    rows, composed, by_spelling, whole = explained(unit, ids, mean)
    by_chance /= np.maximum(of_signs, TINY)
    own, total = float(by_chance.mean()), max(float(whole.sum()), TINY)
    others = float(by_spelling.sum()) / total - own
    # Both shares are means over columns: of ``signs`` with equal weights, and of the vectors.
    error = float(by_chance.std() * np.hypot(len(by_chance) ** -0.5, np.linalg.norm(whole) / total))
    sweeps.multiply(rows, _whitening(composed, weights[sample]))
    weight = 0.0
    if own < 1 and others > SIGNIFICANT * error:
        weight = min(1.0, max(0.0, (others / (1 - own) - NOTHING) / (ENOUGH - NOTHING)))
    languages = habit.languages if lengths == habit.lengths else ""
    return NgramFit(NgramVectors(sweeps.ngrams, rows, mean), 0.0, 0.0, weight, languages).with_form(form)


def habit_of(words: Sequence[str], counts: Array | None) -> Habit:
    """Return the settings that suit the language of these words. The FEW most frequent words made of letters decide
    whether the language is agglutinative; here, the letters of a Korean syllable are counted. If the words include
    fewer than FEW words made of letters, the language counts as not agglutinative."""
    usual = SHORT if sum(map(len, words)) < SHORT_WORDS * len(words) else USUAL
    order = np.arange(len(words)) if counts is None else np.argsort(-np.asarray(counts), kind="stable")
    frequent = [*islice((_letters(words[i]) for i in order.tolist() if words[i].isalpha()), FEW)]
    if len(frequent) < FEW:
        return usual
    beginnings = Counter(
        word[: len(word) - ending] for word in frequent for ending in ENDING if len(word) - ending >= STEM - CHANGED
    )
    endings = [beginnings[word[:-CHANGED]] for word in frequent[:STEMS] if len(word) >= STEM]
    return AGGLUTINATIVE if sum(endings) > LONG_ENDINGS * len(endings) else usual


def with_form(
    word_vectors: WordVectors, shortest: int | None = None, longest: int | None = None, form: float = 1.0
) -> WordVectors:
    """Fit n-grams to any vectors, and return new vectors into which the n-grams are blended. Raise InputError as
    :func:`fit` does."""
    words, counts, vectors = word_vectors.words, word_vectors.counts, np.array(word_vectors.unit)
    fitted = fit(words, vectors, counts, shortest=shortest, longest=longest, form=form)
    fitted.blend(words, vectors, counts)
    blended = WordVectors(words, vectors, counts)
    blended.ngrams = fitted.vectors
    return blended


def unit_rows(vectors: Array) -> Array:
    """Scale the vectors (V, dim) to unit length in place, and return them. Zero vectors stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return np.divide(vectors, np.where(lengths > 0, lengths, 1)[:, None], out=vectors, casting="same_kind")


def _letters(word: str) -> str:
    """Return the word, with the syllables of a Korean word divided into their letters."""
    return unicodedata.normalize("NFD", word) if HANGUL[0] <= word <= HANGUL[1] else word


def _often_seen(counts: Array | None, words: int) -> Array:
    """Return the indices of the words to which the n-grams are fitted."""
    if counts is None or words <= FEW:
        return np.arange(words)
    return np.flatnonzero(counts >= min(SEEN, np.partition(counts, words - FEW)[words - FEW]))


def _whitening(composed: Array, weights: Array) -> Array:
    """Return M divided by the mean norm of the rows of ``composed @ M``."""
    composed = composed.astype(np.float64)
    with single_threaded_blas():
        values, basis = np.linalg.eigh((composed.T * weights) @ composed / max(float(weights.sum()), 1e-30))
        matrix = (basis * np.maximum(values, max(values.max(initial=0) * FLOOR, 1e-30)) ** -POWER) @ basis.T
        return np.asarray(matrix / (np.linalg.norm(composed @ matrix, axis=1).mean() or 1))
