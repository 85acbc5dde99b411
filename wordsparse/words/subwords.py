"""Rows of n-grams fitted to word vectors after training, and rare words shrunk towards what their n-grams say.

    c_w = mean of G_g over the n-grams g of w that at least MIN_WORDS words have
    G   = argmin Σ_w ω_w |u_w − c_w|² + RIDGE Σ_g |G_g|²,   u_w the unit vector of w,   ω_w = n_w/(n_w + DOUBT)
    v_w = (n_w u_w + τ c_w)/(n_w + τ)                       of a word that occurs n_w times in a text of N words,
                                                            τ = min(MAX_TAU, TAU_SHARE · N) min(1, (100/dim)^1.5)

A word that no other word shares an n-gram with, and a word too short to have one, keeps its unit vector. Where counts
are not known, every ω_w is 1 and nothing is shrunk. docs/new-words.md says where the constants come from.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.files.members import is_measure
from wordsparse.vectors.ngrams import AGAIN, Subwords, check_lengths, members, ngrams_of
from wordsparse.vectors.word_vectors import WordVectors

Array = NDArray[Any]

SHORTEST, LONGEST = 4, 6
MIN_WORDS = 3
RIDGE = 0.02
DOUBT = 30.0
# Names gain nothing from words that they look like: a larger τ costs analogies of names, in a short text, where names
# are rare, and in long vectors.
MAX_TAU, TAU_SHARE = 30.0, 3e-6
# Steps of conjugate gradients: more change no score.
STEPS = 15
# So many columns at a time stay in the cache, and bound the memory.
COLUMNS = 32


@dataclass(frozen=True)
class FittedSubwords:
    """N-grams fitted to the vectors of a vocabulary.

    ``table`` has the rows of the n-grams; ``members`` (V, B) is the matrix whose product with them is the composed
    vectors of the vocabulary; ``tau`` is τ, in occurrences, or 0 where nothing is to be shrunk.
    """

    table: Subwords
    members: sp.csr_array
    tau: float

    def shrunk(self, unit: Array, counts: Array) -> NDArray[np.float32]:
        """The vectors v of words with these unit vectors (V, dim), which occur so often."""
        shares = np.where(np.diff(self.members.indptr) > 0, self.tau / (counts + self.tau), 0) if self.tau else 0
        share = np.broadcast_to(shares, counts.shape)[:, None].astype(np.float32)
        composed = self.members @ self.table.rows
        return np.asarray(unit + share * (composed - unit), np.float32)

    def arrays(self) -> dict[str, Any]:
        """The arrays and numbers that :meth:`from_arrays` reads."""
        sizes = np.diff(self.members.indptr).astype(np.int32)
        own = {"members": self.members.indices.astype(np.int32), "member_sizes": sizes, "tau": self.tau}
        return {**self.table.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], words: int, dim: int) -> "FittedSubwords":
        """Read what :meth:`arrays` gives for a vocabulary of ``words`` words; InputError if it does not fit."""
        table = Subwords.from_arrays(arrays)
        rows, sizes, tau = (arrays.get(name, 0) for name in ("members", "member_sizes", "tau"))
        typed = all(
            isinstance(part, np.ndarray) and part.dtype == np.int32 and part.ndim == 1 for part in (rows, sizes)
        )
        if not typed or not is_measure(tau) or table.dim != dim or sizes.shape != (words,) or (sizes < 0).any():
            raise InputError(f"holds n-grams that do not fit its words; {AGAIN}")
        if sizes.sum(dtype=np.float64) != rows.size or (rows.size and not 0 <= rows.min() <= rows.max() < len(table)):
            raise InputError(f"holds n-grams whose words refer to rows that are not there; {AGAIN}")
        return cls(table, members(rows, sizes, len(table)), tau)


def fit(
    words: Sequence[str],
    vectors: Array,
    counts: Array | None = None,
    *,
    shortest: int = SHORTEST,
    longest: int = LONGEST,
    tau: float | None = None,
) -> FittedSubwords:
    """Fit the rows of the n-grams of ``words`` to their vectors.

    Parameters
    ----------
    words : sequence of str, length V
    vectors : (V, dim) float32
        Scaled to length one here.
    counts : (V,), optional
        How often each word occurs; without it all words weigh the same and ``tau`` has no effect.
    shortest, longest : int
        Lengths of the n-grams in characters, of which the two brackets count as one each.
    tau : float, optional
        Occurrences at which a word is told as much by its n-grams as by itself; 0 leaves all words as they are; None
        takes the value of the module's head.

    Raises
    ------
    InputError
        If the lengths are out of range, or no n-gram is shared by MIN_WORDS words.
    """
    check_lengths(shortest, longest)
    ngrams, found = _index(words, shortest, longest)
    if not ngrams:
        raise InputError(
            f"no sequence of {shortest} to {longest} characters (of <word>) is shared by {MIN_WORDS} words: choose "
            "shorter n-grams, or more words"
        )
    unit = WordVectors(words, vectors).unit
    weights = np.ones(len(words)) if counts is None else counts / (counts + DOUBT)
    rows = ridge_rows(found, unit, weights)
    if counts is None:
        tau = 0.0
    elif tau is None:
        tau = min(MAX_TAU, TAU_SHARE * float(counts.sum())) * min(1.0, (100 / vectors.shape[1]) ** 1.5)
    return FittedSubwords(Subwords(ngrams, rows, shortest, longest), found, float(tau))


def with_subwords(word_vectors: WordVectors, shortest: int = SHORTEST, longest: int = LONGEST) -> WordVectors:
    """Vectors of any origin with n-grams fitted to them; rare words are shrunk if the counts are known.

    Raises
    ------
    InputError
        As :func:`fit`, or if a key is not a word.
    """
    if not all(isinstance(word, str) for word in word_vectors.words):
        raise InputError("n-grams need words that are text")
    counts = word_vectors.counts
    fitted = fit(word_vectors.words, word_vectors.vectors, counts, shortest=shortest, longest=longest)
    shrunk = fitted.shrunk(word_vectors.unit, np.zeros(len(word_vectors)) if counts is None else counts)
    made = WordVectors(word_vectors.words, shrunk, counts)
    made.subwords = fitted.table
    return made


def ridge_rows(X: sp.csr_array, U: Array, weights: Array, steps: int = STEPS) -> Array:
    """argmin_G Σ_w weights_w |U_w − X_w G|² + RIDGE |G|², (B, dim) float32.

    Conjugate gradients with Jacobi's preconditioner from G = 0, a few columns at a time, which need no other one.
    """
    weighted = sp.diags_array(weights.astype(np.float32)) @ X
    back = weighted.T.tocsr()
    diagonal = np.asarray(weighted.multiply(X).sum(axis=0), np.float32).ravel() + np.float32(RIDGE)
    G = np.zeros((X.shape[1], U.shape[1]), np.float32)
    for start in range(0, U.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        G[:, columns] = _ridge_columns(X, back, np.ascontiguousarray(U[:, columns]), 1 / diagonal[:, None], steps)
    return G


def _ridge_columns(X: sp.csr_array, back: sp.csr_array, U: Array, inverse_diagonal: Array, steps: int) -> Array:
    """The solution G of (back X + RIDGE I) G = back U for these columns, (B, columns)."""
    ridge = np.float32(RIDGE)
    residual = np.asarray(back @ U, np.float32)
    G = np.zeros_like(residual)
    direction = residual * inverse_diagonal
    before = np.einsum("ij,ij->j", residual, direction)
    for _ in range(steps):
        image = back @ (X @ direction)
        image += ridge * direction
        bend = np.einsum("ij,ij->j", direction, image)
        step = np.divide(before, bend, out=np.zeros_like(before), where=bend > 0)
        G += step * direction
        image *= step
        residual -= image
        scaled = residual * inverse_diagonal
        now = np.einsum("ij,ij->j", residual, scaled)
        direction *= np.divide(now, before, out=np.zeros_like(now), where=before > 0)
        direction += scaled
        before = now
    return G


def _index(words: Sequence[str], shortest: int, longest: int) -> tuple[list[str], sp.csr_array]:
    """The n-grams that at least MIN_WORDS of the words have, and the matrix (V, B) of the words' means."""
    # The lists of n-grams are made twice: together they would take more memory than the vectors.
    words_with: Counter[str] = Counter()
    for word in words:
        words_with.update(set(ngrams_of(word, shortest, longest)))
    ngrams = sorted(ngram for ngram, count in words_with.items() if count >= MIN_WORDS)
    del words_with
    row_of = {ngram: row for row, ngram in enumerate(ngrams)}
    rows, sizes = array("i"), np.zeros(len(words), np.int32)
    for i, word in enumerate(words):
        known = sorted(row_of[ngram] for ngram in ngrams_of(word, shortest, longest) if ngram in row_of)
        rows.extend(known)
        sizes[i] = len(known)
    return ngrams, members(np.array(rows, np.int32), sizes, len(ngrams))
