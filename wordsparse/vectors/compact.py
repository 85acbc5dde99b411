"""Vectors in fewer bits: 8-bit numbers with a scale per row, or float16.

A vector v becomes q = round(v/s) with the scale s = max|v| / 127, and is read as s q. A cosine does not depend on the
scales of its vectors.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled
from wordsparse.vectors.ngrams import Buckets, Ngrams, NgramVectors, bracketed, kind_of

DTYPES = ("float32", "float16", "int8")
"""The types of the numbers in files of vectors."""
# The number of rows that are converted to float32 at a time.
BLOCK_ROWS = 2048
# The largest scale whose product with 127 is finite.
LARGEST_SCALE = np.nextafter(np.finfo(np.float32).max / np.float32(127), np.float32(0))


class CompactRows:
    """A matrix (V, dim) of int8 or float16 ``numbers``, whose rows are read as float32, multiplied by the ``scales``
    (V,). The matrix may stay on disk: only the rows in use are converted.

    Initialisation raises InputError unless there is one scale per row, positive and finite.
    """

    dtype, ndim = np.dtype(np.float32), 2

    def __init__(self, numbers: Array, scales: Array | None = None) -> None:
        self.numbers, self.shape, self.size = numbers, numbers.shape, numbers.size
        self.scales = np.ones(len(numbers), np.float32) if scales is None else np.asarray(scales)
        if self.scales.shape != numbers.shape[:1] or self.scales.dtype != np.float32:
            raise InputError("8-bit vectors need an array scales with one float32 number per row; write the file again")
        if not ((self.scales > 0) & (self.scales < np.inf)).all():
            raise InputError("a scale of its 8-bit vectors is not positive and finite; copy or write the file again")

    @classmethod
    def of(cls, vectors: Array, dtype: str) -> "CompactRows":
        """Round vectors (V, dim) to "int8" or "float16". Raise InputError if a number is too large for float16."""
        if dtype == "float16":
            with np.errstate(over="ignore"):
                numbers = np.asarray(vectors).astype(np.float16)
            if not np.isfinite(numbers).all():
                raise InputError("a vector holds a number beyond 65,504, which float16 cannot hold: choose int8")
            return cls(numbers)
        numbers, scales = np.empty(vectors.shape, np.int8), np.empty(len(vectors), np.float32)
        for block in _blocks(len(vectors)):
            rows = vectors[block]
            largest = np.abs(rows).max(axis=1)
            of_rows = np.minimum(largest / np.float32(127), LARGEST_SCALE)
            # The scale of a denormal row may be rounded down so far that numbers exceed 127.
            of_rows = np.where(largest >= np.float64(127.5) * of_rows, np.nextafter(of_rows, np.float32(1)), of_rows)
            scales[block] = np.where(largest > 0, of_rows, 1)
            numbers[block] = np.rint(rows / scales[block, None])
        return cls(numbers, scales)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Any) -> Array:
        with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which WordVectors refuses
            return np.asarray(np.multiply(self.numbers[rows], self.scales[rows][..., None], dtype=np.float32))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)

    def arrays(self) -> dict[str, Array]:
        """Return the arrays of a file: ``vectors`` and, for 8-bit numbers, ``scales``."""
        return {"vectors": self.numbers} | ({"scales": self.scales} if self.numbers.dtype == np.int8 else {})


def dtype_of(vectors: Array | CompactRows) -> str:
    """Return the type in which a file stores the vectors, one of DTYPES."""
    return str(vectors.numbers.dtype) if isinstance(vectors, CompactRows) else "float32"


def part_of(vectors: Array | CompactRows, rows: Any, dim: int) -> Array | CompactRows:
    """Return the first ``dim`` columns of some rows, in the type of the vectors."""
    if isinstance(vectors, CompactRows):
        return CompactRows(vectors.numbers[rows, :dim], vectors.scales[rows])
    return np.asarray(vectors[rows, :dim])


def unit_of(vectors: Array | CompactRows, divisors: Array) -> Any:
    """Return each row divided by its divisor (V,), in the type of the vectors."""
    if isinstance(vectors, CompactRows):
        return CompactRows(vectors.numbers, (vectors.scales / divisors).astype(np.float32))
    return np.divide(vectors, divisors[:, None], out=np.empty_like(vectors), casting="same_kind")


def norms_of(vectors: Array | CompactRows) -> Array:
    """Return the Euclidean norm of each row, (V,) float64."""
    if isinstance(vectors, CompactRows):
        return np.concatenate([norms_of(vectors[block]) for block in _blocks(len(vectors))])
    # The sum is in float64, because the square of a large float32 number overflows float32.
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)))


def most_shared(ngrams: NgramVectors, words: list[Any], n: int) -> NgramVectors:
    """Return the ``n`` n-grams that occur most often in the words. Buckets of n-grams stay as they are."""
    index = ngrams.index
    if isinstance(index, Buckets) or len(index) <= n:
        return ngrams
    texts = [word for word in words if isinstance(word, str)]
    letters, ends, starts, *_ = _ngrams.number(kind_of(index.shortest, index.longest), *bracketed(texts), 1)
    numbers = dict(zip(_split(letters, ends), np.diff(starts).tolist(), strict=True))
    counts = np.array([numbers.get(ngram, 0) for ngram in _split(index.letters, index.ends)])
    kept = np.sort(np.argsort(-counts, kind="stable")[:n])
    lengths = np.diff(index.ends, prepend=0)
    is_kept = np.isin(np.arange(len(index)), kept)
    letters = index.letters[np.repeat(is_kept, lengths)]
    shorter = Ngrams(letters, np.cumsum(lengths[kept]), index.shortest, index.longest)
    return NgramVectors(shorter, ngrams.rows[kept], ngrams.mean)


def _split(letters: Array, ends: Array) -> list[str]:
    text = letters.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")
    return [text[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))
