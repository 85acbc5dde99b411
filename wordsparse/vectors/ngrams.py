"""Composes vectors of words from the rows of their character n-grams (Bojanowski et al., 2017).

The n-grams of a word are substrings of ``<word>``, so brackets mark the beginning and the end of the word. Each n-gram
has a row of its own, which :mod:`wordsparse.words.form` computes. In fastText's models, several n-grams share a row.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import _build  # type: ignore[attr-defined] # compiled
from wordsparse.kernels.isa import chosen_isa
from wordsparse.machine.threads import resolve_threads
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled

ARRAYS = ("ngram_rows", "ngram_mean", "ngrams", "ngram_sizes", "ngram_lengths")
"""The names of the arrays of :meth:`NgramVectors.arrays`."""
MAX_NGRAM = 64
"""The largest length of an n-gram, in characters."""
AGAIN = "make them again: wordsparse subwords"
"""The advice in messages about damaged n-grams."""
LARGEST = 1e8
"""The largest number accepted in the rows or scales of a file. Up to this limit, the square of a product of two numbers
does not overflow float32."""
FNV = np.uint32(2_166_136_261), np.uint32(16_777_619)
"""The offset basis and the prime of the 32-bit hash FNV-1a."""
SPAN = 32
"""The number of 8-bit numbers in a row that share a scale."""


def spelled(texts: Sequence[str]) -> tuple[Array, Array]:
    """Return the code points of all texts in one int32 array, and the position in this array where each text ends,
    int64."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<i4").astype(np.int32, copy=False)
    return letters, np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))


def bracketed(words: Sequence[str]) -> tuple[Array, Array]:
    """Return the code points of ``<word>`` for all words, and the ends of these texts, as :func:`spelled` does."""
    return spelled([f"<{word}>" for word in words])


def is_word(word: str) -> bool:
    """Return whether the text can be a word: a word is not empty and contains no white space."""
    return word.split() == [word]


def isa() -> int:
    """Return the index, in ``compiled_isas``, of the instruction set that compiled functions should use."""
    return int(_build.compiled_isas.index(chosen_isa()))


def check_lengths(shortest: int, longest: int) -> None:
    """Raise InputError if the lengths of n-grams are not valid."""
    validation.whole("the length of the shortest n-grams", shortest, 1, MAX_NGRAM)
    validation.whole("the length of the longest n-grams", longest, 1, MAX_NGRAM)
    if shortest > longest:
        raise InputError(
            f"the shortest n-grams ({shortest}) must not be longer than the longest ({longest}); swap the two numbers"
        )


def kind_of(shortest: int, longest: int) -> Array:
    """Return the array that describes a set of n-grams to compiled functions: the shortest and the longest length, and
    two random numbers for hashing."""
    return np.array([shortest, longest, *np.frombuffer(os.urandom(16), np.int64)])


def zero_rows(count: int, dim: int) -> Array:
    """Return packed rows of zeros, (count, bytes per row) uint8. A row holds ``dim`` 8-bit numbers, and one float32
    scale for every SPAN of these numbers."""
    return np.zeros((count, row_bytes(dim)), np.uint8)


def row_bytes(dim: int) -> int:
    """Return the number of bytes in a packed row."""
    return 4 * -(-dim // SPAN) + dim


class Ngrams:
    """A set of B n-grams. Each n-gram has a number, which is also the number of its row.

    ``letters`` int32 are the code points of all n-grams, and ``ends`` (B,) int64 the position in ``letters`` where each
    n-gram ends. The lengths ``shortest`` and ``longest`` are in characters, including brackets. Initialisation raises
    InputError if an n-gram is repeated, or is shorter or longer than these lengths.
    """

    def __init__(self, letters: Array, ends: Array, shortest: int, longest: int) -> None:
        check_lengths(shortest, longest)
        self.letters, self.ends, self.shortest, self.longest = letters, ends, shortest, longest
        lengths = np.diff(ends, prepend=0)
        if lengths.size and not shortest <= lengths.min() <= lengths.max() <= longest:
            raise InputError(f"an n-gram does not have {shortest} to {longest} characters; leave it out")
        self._kind = kind_of(shortest, longest)
        self._slots = np.zeros(2 ** (2 * len(ends) - 1).bit_length(), np.int64)
        if not _ngrams.fill(self._kind, letters, ends, self._slots):
            raise InputError("n-grams must be distinct; leave the repeated ones out")

    def __len__(self) -> int:
        return len(self.ends)

    def text(self) -> str:
        """Return all n-grams, concatenated into one text."""
        return self.letters.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")

    def add(
        self,
        rows: Array,
        words: Sequence[str],
        shares: Array,
        vectors: Array,
        *,
        unit: bool = False,
        threads: int | None = None,
    ) -> Array:
        """For each word i, add ``shares[i]`` times the mean of the rows of its n-grams to ``vectors[i]``, (n, dim)
        float32.

        With ``unit``, scale the results to unit length. Return the number of known n-grams of each word, (n,) int32.
        """
        sizes = np.zeros(len(words), np.int32)
        of_ngrams = (self._kind, self.letters, self.ends, self._slots, rows)
        shares = np.ascontiguousarray(shares, np.float32)
        _ngrams.add(isa(), *of_ngrams, *bracketed(words), shares, unit, vectors, sizes, resolve_threads(threads))
        return sizes

    def means(self, rows: Array, words: Sequence[str], dim: int) -> Array:
        """Return the mean of each word's n-gram rows, (n, dim) float32. The mean is zero if no n-gram is known."""
        means = np.zeros((len(words), dim), np.float32)
        self.add(rows, words, np.ones(len(words)), means)
        return means


class Buckets(Ngrams):
    """The n-grams of fastText: all n-grams of the given lengths are hashed into ``count`` buckets, each of which has
    one row."""

    def __init__(self, count: int, shortest: int, longest: int) -> None:
        check_lengths(shortest, longest)
        self.count, self.shortest, self.longest = count, shortest, longest
        self.letters, self.ends = np.empty(0, np.int32), np.empty(0, np.int64)

    def __len__(self) -> int:
        return self.count

    def numbers(self, texts: Sequence[bytes]) -> Any:
        """Return the number of n-grams of each text in each bucket, CSR (n, count) float32. A text is, for example,
        ``<word>``."""
        data, sizes = np.frombuffer(b"".join(texts), np.uint8), np.fromiter(map(len, texts), np.int64, len(texts))
        signed, continues = data.view(np.int8).astype(np.int32).view(np.uint32), (data & 0xC0) == 0x80
        at = np.flatnonzero(~continues)  # for each character, the next byte to hash of the n-gram that starts there
        word = np.repeat(np.arange(len(texts)), sizes)[at]
        end = np.cumsum(sizes)[word]
        begins, hashes = at == (end - sizes[word]), np.full(len(at), FNV[0])
        chosen, buckets = [np.empty(0, np.int64)], [np.empty(0, np.uint32)]
        for length in range(1, self.longest + 1):
            reading = np.flatnonzero(at < end)
            ngrams = reading
            while reading.size:  # hash the bytes of one more character
                hashes[reading] = (hashes[reading] ^ signed[at[reading]]) * FNV[1]
                at[reading] += 1
                reading = reading[at[reading] < end[reading]]
                reading = reading[continues[at[reading]]]
            if length == 1:  # a bracket alone is not an n-gram
                ngrams = ngrams[~begins & (at < end)]
            if length >= self.shortest:
                chosen.append(word[ngrams])
                buckets.append(hashes[ngrams] % np.uint32(self.count))
        places = np.concatenate(chosen), np.concatenate(buckets)
        return sp.coo_array((np.ones(len(places[0]), np.float32), places), (len(texts), self.count)).tocsr()

    def add(self, rows: Array, words: Sequence[str], shares: Array, vectors: Array, **_: Any) -> Array:
        numbers = self.numbers([f"<{word}>".encode(errors="surrogatepass") for word in words])
        sizes: Array = numbers.sum(1)
        vectors += (numbers @ rows) * (np.asarray(shares) / np.maximum(sizes, 1))[:, None]
        return sizes.astype(np.int32)


class NgramVectors:
    """The rows of n-grams. The composed vector of a word is ``mean`` plus the mean of the rows of the word's n-grams.

    ``rows`` are (B, row_bytes(dim)) uint8, or (B, dim) float32 for Buckets. ``mean`` is (dim,) float32. Initialisation
    raises InputError unless there is one row per n-gram.
    """

    def __init__(self, index: Ngrams, rows: Array, mean: Array) -> None:
        self.index, self.rows, self.mean = index, rows, mean
        width = self.dim if isinstance(index, Buckets) else row_bytes(self.dim)
        if rows.shape != (len(index), width):
            raise InputError(f"{len(index)} n-grams need one row each, not an array {rows.shape}")

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"NgramVectors({len(self):,} n-grams of {self.index.shortest} to {self.index.longest} characters)"

    @property
    def dim(self) -> int:
        """Number of dimensions of a vector."""
        return len(self.mean)

    def vector(self, word: str) -> Array | None:
        """Return the composed vector of ``word``, (dim,) float32, or None if the word has no known n-gram.

        Also return None if ``word`` is empty or contains white space. The brackets alone say nothing about a word.
        """
        vector = self.mean[None].copy()
        brackets = 2 if self.index.shortest == 1 and not isinstance(self.index, Buckets) else 0
        is_known = is_word(word) and self.index.add(self.rows, [word], np.ones(1), vector, threads=1)[0] > brackets
        return vector[0] if is_known else None

    def truncated(self, dim: int) -> "NgramVectors":
        """Return the same n-grams with the first ``dim`` numbers of each row."""
        scales = 0 if isinstance(self.index, Buckets) else row_bytes(self.dim) - self.dim
        kept = scales and row_bytes(dim) - dim
        rows = np.hstack([self.rows[:, :kept], self.rows[:, scales : scales + dim]])
        return NgramVectors(self.index, rows, self.mean[:dim].copy())

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that :meth:`from_arrays` reads: ``ngram_rows`` (B, row_bytes(dim)) uint8, or for Buckets
        (B, dim) float32; ``ngram_mean`` (dim,) float32; ``ngrams`` (bytes,) uint8, all n-grams in UTF-8, concatenated;
        ``ngram_sizes`` (B,) int32, the size of each n-gram in bytes (empty for Buckets); and ``ngram_lengths`` (2,)
        int32, the shortest and the longest length in characters."""
        letters, ends = self.index.letters, self.index.ends
        widths = np.cumsum(1 + (letters > 0x7F) + (letters > 0x7FF) + (letters > 0xFFFF))
        return {
            "ngram_rows": self.rows,
            "ngram_mean": self.mean,
            "ngrams": np.frombuffer(self.index.text().encode(errors="surrogatepass"), np.uint8),
            "ngram_sizes": np.diff(widths[ends - 1], prepend=0).astype(np.int32),
            "ngram_lengths": np.array([self.index.shortest, self.index.longest], np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "NgramVectors":
        """Rebuild an object from the result of :meth:`arrays`. Raise InputError if the arrays do not fit together."""
        if missing := [name for name in ARRAYS if not isinstance(arrays.get(name), np.ndarray)]:
            raise InputError(f"holds n-grams without the array {missing[0]!r}; {AGAIN}")
        rows, mean, text, sizes, lengths = (arrays[name] for name in ARRAYS)
        shared = rows.dtype == np.float32  # float32 rows belong to Buckets, whose n-grams are not listed
        fits = rows.ndim == 2 and sizes.shape == ((0,) if shared else rows.shape[:1])
        fits = fits and (text.ndim, mean.ndim, lengths.shape) == (1, 1, (2,))
        types = shared or rows.dtype == np.uint8, mean.dtype == np.float32, text.dtype == np.uint8
        if not (fits and all(types) and sizes.dtype.kind == lengths.dtype.kind == "i"):
            raise InputError(f"holds n-grams whose arrays do not fit together; {AGAIN}")
        limits = lengths.tolist()
        vectors = cls(Buckets(len(rows), *limits) if shared else Ngrams(*_from_utf8(text, sizes), *limits), rows, mean)
        scales = rows if shared else np.ascontiguousarray(rows[:, : -len(mean)]).view(np.float32)
        if not all((np.abs(part) <= LARGEST).all() for part in (mean, scales)):  # NaN fails this comparison, too
            raise InputError(f"holds n-grams with numbers beyond {LARGEST:g}, or NaN; {AGAIN}")
        return vectors


def _from_utf8(text: Array, sizes: Array) -> tuple[Array, Array]:
    """Return the code points of n-grams, and the position where each n-gram ends. The arguments are the concatenated
    UTF-8 text of the n-grams and the size of each n-gram in bytes."""
    if (sizes < 1).any() or sizes.sum(dtype=np.float64) != text.size:
        raise InputError(f"holds n-grams whose sizes do not add up to their text; {AGAIN}")
    try:
        letters, _ = spelled([text.tobytes().decode(errors="surrogatepass")])
    except UnicodeDecodeError as error:
        raise InputError(f"an n-gram is not valid UTF-8: {error}; {AGAIN}") from error
    return letters, np.cumsum((text & 0xC0) != 0x80)[np.cumsum(sizes, dtype=np.int64) - 1]
