"""What a word looks like belongs in its vector: n-grams of characters, fitted to word vectors and blended into them.

    G  ≈ argmin Σ_w ω_w |u_w − ū − x_w G|² + RIDGE Σ_g |G_g|²     u_w the unit vector of w, ū their mean by ω_w,
                                                                  x_w G the mean of the rows of w's n-grams,
                                                                  ω_w = n_w/(n_w + DOUBT), n_w its occurrences
    c_w = x_w G M / mean |x G M|,   M = (Σ_w ω_w Gᵀx_wᵀx_w G)^(-POWER)
    v_w ∝ u_w + s (STRENGTH min(1, √(100/dim)) + TAU/n_w) c_w
    s   = form · min(1, max(0, a − NOTHING)/(ENOUGH − NOTHING))

G is what SWEEPS of Gauss–Seidel leave from zeros on, the longest n-grams first, and of one length the rarest:

    δ = (Σ_{w∋g} ω_w x_wg R_w − RIDGE G_g) / (Σ_{w∋g} ω_w x_wg² + RIDGE);   G_g += δ,   R_w −= x_wg δ,   R_w = u_w − ū

The words of the fit are those seen SEEN times, or the FEW most frequent where these are more.

The prior: vectors are a Gaussian process over words, whose covariance is the n-grams that two words share, beside a
part of each word's own. x_w G is what the process expects of w, and v_w tells more of it than u_w does, the more so
the less the text tells of w itself: a word without occurrences is ū + c_w. M whitens in part what n-grams say, as the
vectors are white themselves: else the few directions that all endings share would be nearly all that is added.

a is how far the n-grams of *other* words tell of a word: the share of Σ ω_w |u_w − ū|² that x_w G explains, less the
part of it that is the word's own (generalised cross-validation: the same share of random signs as long as u_w − ū);
both, M and the lengths are those of a SAMPLE of words. Where words do not look like what they mean, a is 0, and vectors
stay as they are. Where counts are not known, every ω_w is 1 and every TAU/n_w 0. A word that shares no n-gram
keeps its unit vector. docs/new-words.md says where the constants come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

# Lengths of n-grams in characters: for words of fewer than SHORT_WORDS on average, as in Japanese, and for others.
SHORT_WORDS, LENGTHS_OF_SHORT, LENGTHS = 4.0, (1, 3), (3, 6)
MIN_WORDS = 3
SEEN, FEW = 5, 10_000
RIDGE = 0.015
SWEEPS = 2
DOUBT = 30.0
POWER = 0.15
STRENGTH, TAU = 0.45, 6.0
NOTHING, ENOUGH = 0.01, 0.06
SAMPLE = 2048
# Of the largest eigenvalue of M^(-1/POWER): smaller ones are noise.
FLOOR = 1e-6


@dataclass(frozen=True)
class NgramFit:
    """N-grams fitted to the vectors of a vocabulary.

    ``vectors`` has the rows of the n-grams, whose means are c, and ū. A word that occurs n times takes ``strength`` +
    ``tau``/n of its c.
    """

    vectors: NgramVectors
    strength: float
    tau: float

    def blend(self, words: Sequence[str], unit: Array, counts: Array | None, threads: int | None = None) -> None:
        """Let the vectors v of the words take the place of their unit vectors (n, dim), by how often they occur."""
        shares = self.strength + (np.zeros(len(words)) if counts is None else self.tau / np.maximum(counts, 1))
        self.vectors.index.add(self.vectors.rows, words, shares, unit, unit=True, threads=threads)

    def arrays(self) -> dict[str, Any]:
        """The arrays and numbers that :meth:`from_arrays` reads."""
        return {**self.vectors.arrays(), "strength": self.strength, "tau": self.tau}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "NgramFit":
        """Read what :meth:`arrays` gives."""
        return cls(NgramVectors.from_arrays(arrays), arrays["strength"], arrays["tau"])


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
    """Fit the rows of the n-grams of ``words`` to their vectors.

    ``unit`` (V, dim) float32 has vectors of length one, or zeros; ``counts`` (V,) says how often each word occurs.
    Lengths of n-grams are in characters, of which the two brackets count as one each; None: those of :func:`lengths`.
    With ``form`` 0 all words stay as they are.

    Raises
    ------
    InputError
        If the lengths or ``form`` are out of range, no n-gram is shared by MIN_WORDS words, or a word is not text.
    """
    if not all(isinstance(word, str) for word in words):
        raise InputError("n-grams need words that are text")
    shortest, longest = lengths(words, shortest, longest)
    check_lengths(shortest, longest)
    form = validation.non_negative("form", form, most=MOST_FORM)
    ids = _often_seen(counts, len(words))
    weights = np.ones(len(ids)) if counts is None else np.asarray(counts[ids] / (counts[ids] + DOUBT), np.float64)
    kernels = CpuKernels(threads)
    sweeps = Sweeps([words[i] for i in ids], shortest, longest, MIN_WORDS, kernels)
    if not len(sweeps.ngrams):
        raise InputError(
            f"no sequence of {shortest} to {longest} characters (of <word>) is shared by {MIN_WORDS} words: choose "
            "shorter n-grams (--shortest, --longest), or more words"
        )
    shares = np.zeros(len(words), np.float32)
    shares[ids] = weights / (float(weights.sum()) or 1.0)
    mean = np.asarray(kernels.column_sums(unit, shares), np.float32)
    sample = np.arange(0, len(ids), -(-len(ids) // SAMPLE))
    spelling = [words[i] for i in ids[sample]]

    def explained(vectors: Array, ids: Array, mean: Array) -> tuple[Array, Array, float]:
        """The rows for these vectors, x G of the sample, and Σ ω (u − mean)·x G / Σ ω |u − mean|², 0 for zeros."""
        rows = sweeps.rows(vectors, ids, weights, mean, RIDGE, SWEEPS)
        composed = sweeps.ngrams.means(rows, spelling, len(mean))
        about = vectors[ids[sample]] - mean
        weighted = about * weights[sample, None]
        whole = float(np.vdot(weighted, about))
        return rows, composed, float(np.vdot(weighted, composed)) / whole if whole > 0 else 0.0

    with single_threaded_blas():
        radii = np.sqrt(np.maximum(1 - 2 * (unit @ mean) + mean @ mean, 0))[ids]
    signs = radii[:, None] * (2 * np.random.default_rng(0).integers(0, 2, (len(ids), SPAN), np.int8) - np.float32(1))
    *_, own = explained(signs, np.arange(len(ids)), np.zeros(SPAN, np.float32))
    rows, composed, told = explained(unit, ids, mean)
    sweeps.multiply(rows, _whitening(composed, weights[sample]))
    others = (told - own) / (1 - own) if own < 1 else 0.0
    form *= min(1.0, max(0.0, (others - NOTHING) / (ENOUGH - NOTHING)))
    strength = form * STRENGTH * min(1.0, (100 / len(mean)) ** 0.5)
    return NgramFit(NgramVectors(sweeps.ngrams, rows, mean), strength, form * TAU)


def lengths(words: Sequence[str], shortest: int | None = None, longest: int | None = None) -> tuple[int, int]:
    """Return the lengths of n-grams for these words; None is chosen by how long the words are."""
    mean = sum(map(len, words)) / max(len(words), 1)
    short, long = LENGTHS_OF_SHORT if mean < SHORT_WORDS else LENGTHS
    return short if shortest is None else shortest, long if longest is None else longest


def with_form(
    word_vectors: WordVectors, shortest: int | None = None, longest: int | None = None, form: float = 1.0
) -> WordVectors:
    """Vectors of any origin with n-grams fitted to them and blended into them. InputError as :func:`fit`."""
    words, counts = word_vectors.words, word_vectors.counts
    fitted = fit(words, word_vectors.unit, counts, shortest=shortest, longest=longest, form=form)
    vectors = word_vectors.unit.copy()
    fitted.blend(words, vectors, counts)
    made = WordVectors(words, vectors, counts)
    made.ngrams = fitted.vectors
    return made


def unit_rows(vectors: Array) -> Array:
    """The vectors (V, dim), scaled to length one where they are; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return np.divide(vectors, np.where(lengths > 0, lengths, 1)[:, None], out=vectors, casting="same_kind")


def _often_seen(counts: Array | None, words: int) -> Array:
    """The words of the fit, by number."""
    if counts is None or words <= FEW:
        return np.arange(words)
    return np.flatnonzero(counts >= min(SEEN, np.partition(counts, words - FEW)[words - FEW]))


def _whitening(composed: Array, weights: Array) -> Array:
    """M, with the mean length of composed M in it."""
    composed = composed.astype(np.float64)
    with single_threaded_blas():
        values, basis = np.linalg.eigh((composed.T * weights) @ composed / max(float(weights.sum()), 1e-30))
        matrix = (basis * np.maximum(values, max(values.max(initial=0) * FLOOR, 1e-30)) ** -POWER) @ basis.T
        return np.asarray(matrix / (np.linalg.norm(composed @ matrix, axis=1).mean() or 1))
