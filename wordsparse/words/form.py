"""What a word looks like belongs in its vector: n-grams of characters, fitted to word vectors and blended into them.

    G  = argmin Σ_w ω_w |u_w − ū − x_w G|² + RIDGE Σ_g |G_g|²     u_w the unit vector of w, ū their mean by ω_w,
                                                                  x_w G the mean of the rows of w's n-grams,
                                                                  ω_w = n_w/(n_w + DOUBT), n_w its occurrences
    c_w = x_w G M / mean |x G M|,   M = (Σ_w ω_w Gᵀx_wᵀx_w G)^(-¼)
    v_w ∝ u_w + s (STRENGTH min(1, √(100/dim)) + TAU/n_w) c_w
    s   = form · min(1, a/ENOUGH)

The prior: vectors are a Gaussian process over words, whose covariance is the n-grams that two words share, beside a
part of each word's own. x_w G is what the process expects of w, and v_w tells more of it than u_w does, the more so
the less the text tells of w itself: a word without occurrences is ū + c_w. M whitens halfway what n-grams say, as the
vectors are white themselves: else the few directions that all endings share would be nearly all that is added.

a is how far the n-grams of *other* words tell of a word: the share of Σ |u_w − ū|² that x_w G explains, less the part
of it that is the word's own (generalised cross-validation, its trace by random signs). Where words do not look like
what they mean, a is 0, and vectors stay as they are. Where counts are not known, every ω_w is 1 and every TAU/n_w 0. A
word that shares no n-gram keeps its unit vector. docs/new-words.md says where the constants come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.files.members import is_measure
from wordsparse.types import Array
from wordsparse.vectors.ngrams import AGAIN, Subwords, check_lengths, members, numbered
from wordsparse.vectors.ridge import ridge_rows
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.coordinates import BLOCK_ROWS, each_block, lengths_of, multiply
from wordsparse.words.options import MOST_FORM

SHORTEST, LONGEST = 3, 6
MIN_WORDS = 3
RIDGE = 0.02
DOUBT = 30.0
STRENGTH, TAU = 0.45, 5.0
ENOUGH = 0.06
# Of the largest eigenvalue of M⁻⁴: smaller ones are noise.
FLOOR = 1e-6
# Of any number of a form that is read: squares of products stay far within float32.
LARGEST = 1e8
# Steps of conjugate gradients: more change no score.
STEPS = 6
# Columns of random signs, for the trace.
SIGNS = 8


@dataclass(frozen=True)
class Form:
    """N-grams fitted to the vectors of a vocabulary.

    ``table`` has the rows of the n-grams, which hold ``mean`` ū (dim,); ``members`` (V, B) is the matrix whose product
    with them is ū + c of the vocabulary's words. A word that occurs n times takes ``strength`` + ``tau``/n of its c.
    """

    table: Subwords
    members: sp.csr_array
    mean: Array
    strength: float
    tau: float

    def blend(self, unit: Array, counts: Array | None) -> None:
        """Let the vectors v of the vocabulary's words take the place of their unit vectors (V, dim), by how often they
        occur (V,)."""
        shares = np.where(np.diff(self.members.indptr) > 0, self.shares(counts), 0)[:, None].astype(np.float32)
        shares = np.broadcast_to(shares, (len(unit), 1))
        for start in range(0, len(unit), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            composed = self.members[block] @ self.table.rows
            composed -= self.mean
            composed *= shares[block]
            unit[block] += composed
            unit[block] /= lengths_of(unit[block])[:, None]

    def shares(self, counts: Array | None) -> Array:
        """How much of its c a word takes that occurs so often."""
        return np.asarray(self.strength + (0.0 if counts is None else self.tau / np.maximum(counts, 1)))

    def arrays(self) -> dict[str, Any]:
        """The arrays and numbers that :meth:`from_arrays` reads."""
        sizes = np.diff(self.members.indptr).astype(np.int32)
        own: dict[str, Any] = {"members": self.members.indices.astype(np.int32), "member_sizes": sizes}
        own |= {"mean": self.mean, "strength": self.strength, "tau": self.tau}
        return {**self.table.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], words: int, dim: int) -> "Form":
        """Read what :meth:`arrays` gives for a vocabulary of ``words`` words; InputError if it does not fit."""
        table = Subwords.from_arrays(arrays)
        rows, sizes = arrays.get("members"), arrays.get("member_sizes")
        # Before 0.2 there was no strength, and rows without ū.
        strength, tau, mean = arrays.get("strength", 0.0), arrays.get("tau"), arrays.get("mean", np.zeros(dim, "f4"))
        typed = all(
            isinstance(part, np.ndarray) and part.dtype == kind and part.ndim == 1
            for part, kind in ((rows, np.int32), (sizes, np.int32), (mean, np.float32))
        )
        if not typed or not is_measure(strength) or not is_measure(tau) or table.dim != dim or mean.shape != (dim,):
            raise InputError(f"holds n-grams that do not fit its words; {AGAIN}")
        assert isinstance(rows, np.ndarray)
        assert isinstance(sizes, np.ndarray)
        assert tau is not None
        numbers = (mean, table.rows, np.array([strength, tau]))
        if not all(-LARGEST <= part.min() <= part.max() <= LARGEST for part in numbers if part.size):
            raise InputError(f"holds n-grams with numbers beyond {LARGEST:g}, or no numbers; {AGAIN}")
        if sizes.shape != (words,) or (sizes < 0).any():
            raise InputError(f"holds n-grams that do not fit its words; {AGAIN}")
        if sizes.sum(dtype=np.float64) != rows.size or (rows.size and not 0 <= rows.min() <= rows.max() < len(table)):
            raise InputError(f"holds n-grams whose words refer to rows that are not there; {AGAIN}")
        return cls(table, members(rows, sizes, len(table)), mean, strength, tau)


def fit(
    words: Sequence[str],
    unit: Array,
    counts: Array | None = None,
    *,
    shortest: int = SHORTEST,
    longest: int = LONGEST,
    form: float = 1.0,
    threads: int | None = None,
) -> Form:
    """Fit the rows of the n-grams of ``words`` to their vectors.

    ``unit`` (V, dim) float32 has vectors of length one, or zeros; ``counts`` (V,) says how often each word occurs.
    Lengths of n-grams are in characters, of which the two brackets count as one each; with ``form`` 0 all words stay as
    they are. InputError if the lengths or ``form`` are out of range, no n-gram is shared by MIN_WORDS words, or a word
    is not text.
    """
    check_lengths(shortest, longest)
    if not all(isinstance(word, str) for word in words):
        raise InputError("n-grams need words that are text")
    form = validation.non_negative("form", form, MOST_FORM)
    ngrams, rows, sizes = numbered(words, shortest, longest, MIN_WORDS)
    if not ngrams:
        raise InputError(
            f"no sequence of {shortest} to {longest} characters (of <word>) is shared by {MIN_WORDS} words: choose "
            "shorter n-grams, or more words"
        )
    X, dim = members(rows, sizes, len(ngrams)), unit.shape[1]
    weights = np.ones(len(words)) if counts is None else np.asarray(counts / (counts + DOUBT), np.float64)
    shares = weights / (float(weights.sum()) or 1.0)
    mean = np.asarray(np.einsum("i,ij->j", shares, unit, dtype=np.float64), np.float32)
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (len(words), SIGNS))
    own, _ = _told(X, ridge_rows(X, signs, weights, None, threads, ridge=RIDGE, steps=STEPS), signs, weights, threads)
    G = ridge_rows(X, unit, weights, mean, threads, ridge=RIDGE, steps=STEPS)
    told, moment = _told(X, G, unit, weights, threads, mean)
    others = (told - own) / (1 - own) if own < 1 else 0.0
    values, basis = np.linalg.eigh(moment)
    whitening = (basis * np.maximum(values, max(values.max(initial=0) * FLOOR, 1e-30)) ** -0.25) @ basis.T
    multiply(G, whitening.astype(np.float32), threads)
    lengths = each_block(lambda block: np.linalg.norm(X[block] @ G, axis=1).sum(dtype=np.float64), len(words), threads)
    G /= np.float32(sum(lengths) / len(words) or 1)
    G += mean
    form *= min(1.0, max(0.0, others / ENOUGH))
    strength = form * STRENGTH * min(1.0, (100 / dim) ** 0.5)
    return Form(Subwords(ngrams, G, shortest, longest), X, mean, strength, form * TAU)


def with_form(
    word_vectors: WordVectors, shortest: int = SHORTEST, longest: int = LONGEST, form: float = 1.0
) -> WordVectors:
    """Vectors of any origin with n-grams fitted to them and blended into them. InputError as :func:`fit`."""
    words, counts = word_vectors.words, word_vectors.counts
    fitted = fit(words, word_vectors.unit, counts, shortest=shortest, longest=longest, form=form)
    vectors = word_vectors.unit.copy()
    fitted.blend(vectors, counts)
    made = WordVectors(words, vectors, counts)
    made.subwords = fitted.table
    return made


def unit_rows(vectors: Array) -> Array:
    """The vectors (V, dim), scaled to length one where they are; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return np.divide(vectors, np.where(lengths > 0, lengths, 1)[:, None], out=vectors, casting="same_kind")


def _told(
    X: sp.csr_array, G: Array, given: Array, weights: Array, threads: int | None, mean: Array | float = 0.0
) -> tuple[float, Array]:
    """Σ (given − mean)·(X G) / Σ |given − mean|², 0 where all are zero; and (X G)ᵀ diag(weights) X G / Σ weights."""

    def of(block: slice) -> tuple[float, float, Array]:
        composed, about = (X[block] @ G).astype(np.float64), given[block] - np.float64(mean)
        along, whole = (float(np.einsum("ij,ij->", about, other)) for other in (composed, about))
        return along, whole, (composed * weights[block, None]).T @ composed

    along, whole, moments = zip(*each_block(of, len(given), threads), strict=True)
    share = sum(along) / sum(whole) if sum(whole) > 0 else 0.0
    return share, sum(moments) / max(float(weights.sum()), 1e-30)
