"""The vector of any word as the mean of the rows of its character n-grams (Bojanowski et al., 2017).

The n-grams of a word are the parts of ``<word>``, so that beginnings and ends of words are told from their middles.
Each n-gram has a row of its own; there are no hash buckets. :mod:`wordsparse.words.form` makes the rows.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled

ARRAYS = ("ngram_rows", "ngrams", "ngram_sizes", "ngram_lengths")
"""The names of the arrays of :meth:`Subwords.arrays`."""
MAX_NGRAM = 64
"""The largest length of an n-gram, in characters."""
AGAIN = "make them again: wordsparse subwords"
"""The remedy for damaged n-grams."""


def ngrams_of(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of ``<word>`` of these lengths in characters, each as often as it occurs."""
    text = f"<{word}>"
    return [text[i : i + n] for n in range(shortest, longest + 1) for i in range(len(text) - n + 1)]


def numbered(words: Sequence[str], shortest: int, longest: int, at_least: int) -> tuple[list[str], Array, Array]:
    """The n-grams of these lengths that ``at_least`` of the words have, in the order of their characters.

    Returns
    -------
    ngrams : list of str
    rows : (n,) int32
        Of each word in turn, the places of its n-grams in the list, ascending, each as often as it occurs.
    sizes : (V,) int32
        How many of ``rows`` belong to each word.
    """
    text = "".join(f"<{word}>" for word in words)
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)
    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)) + 2)
    starts, lengths, rows, sizes = _ngrams.number(letters, ends, shortest, longest, at_least)
    return [text[i : i + n] for i, n in zip(starts.tolist(), lengths.tolist(), strict=True)], rows, sizes


def is_word(word: str) -> bool:
    """Whether it can be a word: neither empty nor with white space."""
    return word.split() == [word]


def check_lengths(shortest: int, longest: int) -> None:
    """Raise InputError unless n-grams may have these lengths."""
    validation.whole("the length of the shortest n-grams", shortest, 1, MAX_NGRAM)
    validation.whole("the length of the longest n-grams", longest, 1, MAX_NGRAM)
    if shortest > longest:
        raise InputError(
            f"the shortest n-grams ({shortest}) must not be longer than the longest ({longest}); exchange the two "
            "numbers"
        )


class Subwords:
    """Rows of n-grams, from which the vectors of words are composed.

    InputError if the sizes do not agree, or an n-gram is repeated or has another length.

    Parameters
    ----------
    ngrams : sequence of str, length B
        Distinct.
    rows : (B, dim) float32
    shortest, longest : int
        Lengths of the n-grams, in characters; the two brackets count.
    """

    def __init__(self, ngrams: Sequence[str], rows: Array, shortest: int, longest: int) -> None:
        check_lengths(shortest, longest)
        self.ngrams, self.rows = list(ngrams), rows
        self.shortest, self.longest = shortest, longest
        self._row_of = {ngram: row for row, ngram in enumerate(self.ngrams)}
        if rows.ndim != 2 or rows.shape[0] != len(self.ngrams) or len(self._row_of) != len(self.ngrams):
            raise InputError(f"{len(self.ngrams)} n-grams need a row each, not an array {rows.shape}, and no repeats")
        if wrong := [ngram for ngram in self.ngrams if not shortest <= len(ngram) <= longest]:
            raise InputError(f"the n-gram {wrong[0]!r:.80} has not {shortest} to {longest} characters; leave it out")

    def __len__(self) -> int:
        return len(self.ngrams)

    def __repr__(self) -> str:
        return f"Subwords({len(self):,} n-grams of {self.shortest} to {self.longest} characters)"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def vector(self, word: str) -> Array | None:
        """The composed vector of ``word``, (dim,) float32; None if none of its n-grams is known.

        A word is neither empty nor does it hold white space: None too.
        """
        known = self._known(word) if is_word(word) else []
        return self.rows[known].mean(axis=0, dtype=np.float32) if known else None

    def arrays(self) -> dict[str, Array]:
        """The arrays that :meth:`from_arrays` reads: ``ngram_rows`` (B, dim) float32, ``ngrams`` (bytes,) uint8, all in
        UTF-8 one after the other, ``ngram_sizes`` (B,) int32, the bytes of each, and ``ngram_lengths`` (2,) int32."""
        encoded = [ngram.encode(errors="surrogatepass") for ngram in self.ngrams]
        return {
            "ngram_rows": self.rows,
            "ngrams": np.frombuffer(b"".join(encoded), np.uint8),
            "ngram_sizes": np.fromiter(map(len, encoded), np.int32, len(encoded)),
            "ngram_lengths": np.array([self.shortest, self.longest], np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "Subwords":
        """Read what :meth:`arrays` gives; InputError if it does not fit together."""
        missing = [name for name in ARRAYS if not isinstance(arrays.get(name), np.ndarray)]
        if missing:
            raise InputError(f"holds n-grams without the array {missing[0]!r}; {AGAIN}")
        rows, text, sizes, lengths = (arrays[name] for name in ARRAYS)
        shapes_fit = rows.ndim == 2 and text.ndim == sizes.ndim == 1 and lengths.shape == (2,)
        if not shapes_fit or rows.dtype != np.float32 or text.dtype != np.uint8 or not validation.all_finite(rows):
            raise InputError(f"holds n-grams of another type or shape, or numbers that are not finite; {AGAIN}")
        if (sizes < 0).any() or sizes.sum(dtype=np.float64) != text.size:
            raise InputError(f"holds n-grams whose sizes do not add up to their text; {AGAIN}")
        blob, ends = text.tobytes(), accumulate(sizes.tolist(), initial=0)
        try:
            ngrams = [blob[start:end].decode(errors="surrogatepass") for start, end in pairwise(ends)]
        except UnicodeDecodeError as error:
            raise InputError(f"an n-gram is not valid UTF-8: {error}; {AGAIN}") from error
        return cls(ngrams, rows, *lengths.tolist())

    def _known(self, word: str) -> list[int]:
        """The rows of a word's n-grams, ascending, each as often as the n-gram occurs."""
        row_of = self._row_of
        return sorted(row_of[ngram] for ngram in ngrams_of(word, self.shortest, self.longest) if ngram in row_of)


def members(rows: Array, sizes: Array, columns: int) -> sp.csr_array:
    """The float32 matrix whose row i is the mean of the unit vectors of the next sizes[i] of ``rows``."""
    indptr = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    means = np.repeat(1 / np.maximum(sizes, 1).astype(np.float32), sizes)
    return sp.csr_array((means, rows, indptr), shape=(len(sizes), columns))
