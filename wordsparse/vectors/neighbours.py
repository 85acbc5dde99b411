"""Finds the rows of a table whose vectors have the largest scores with each of several vectors.

The score of a row is its cosine times a factor for rare words (:mod:`wordsparse.vectors.evidence`).

A cosine is the product of two float32 unit vectors, summed in the order of the dimensions (``pyx/gemm.hpp``). Hence its
bytes depend neither on the other vectors of the search nor on the number of threads.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.layer.largest import TOP_EXAMPLES, largest_outputs
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.types import Array
from wordsparse.vectors.evidence import factors
from wordsparse.vectors.table import VectorTable

# A block of rows is padded to a multiple of PANEL, because the kernel rounds the last columns of other products
# differently.
PANEL = 32
# The largest number of rows that are multiplied, and converted to float32, at a time.
PIECE = 4096
# The smallest norm of vectors whose products with unit vectors BLAS computes without underflow; the inverse is the
# largest norm without overflow.
SMALLEST = 1e-30
# The number of frequent words, and of their nearest neighbours, that ``kept`` compares.
PROBES, NEAREST = 1000, 10


def nearest(
    table: VectorTable,
    directions: Array,
    left_out: Sequence[Collection[int]],
    n: int,
    candidates: Iterable[object] | None = None,
    doubts: Array | None = None,
) -> tuple[Array, Array]:
    """Return the rows (m, k) of the n largest scores with each unit vector of ``directions`` (m, dim), largest first,
    and their cosines (m, k) float32.

    Equal scores are ordered by row. The rows ``left_out[i]`` are not among the results of vector i. Results with fewer
    than k ≤ n rows are padded with −1 and the cosine NaN. ``candidates`` are the only words that may be returned: see
    :meth:`wordsparse.WordVectors.similar`. ``doubts`` (m,) holds the count K of each vector;
    without them, or if the counts of the table are unknown, scores are cosines.
    """
    n = validation.positive_int("the number of words to show", n)
    rows = None if candidates is None else rows_of(table, candidates)
    rarity = None if doubts is None else table.rarity
    k = min(n + max(map(len, left_out), default=0), len(table.vectors) if rows is None else len(rows))
    if len(directions) == 1 and not table.is_compact:
        rows = _contenders(
            table, directions[0], k, rows, None if rarity is None or doubts is None else factors(doubts[0], rarity)
        )
    units = table.unit if rows is None else table.some_unit(rows)
    if rarity is None or doubts is None:
        places, cosines = _largest(units, directions.astype(np.float32), k)
    else:
        asked, some = np.column_stack([directions, doubts]), rarity if rows is None else rarity[rows]
        places, scores = _largest(units, asked.astype(np.float32), k, some)
        cosines = scores / factors(doubts[:, None], some[places])
    return without(places if rows is None else rows[places], cosines, left_out, n)


def kept(before: VectorTable, after: VectorTable) -> float:
    """Return the share of nearest neighbours that are the same in two tables: of the NEAREST neighbours of the PROBES
    most frequent words of ``after``. All words of ``after`` are in ``before``, and only they count as neighbours."""
    probes, rows = after.most_frequent(PROBES), np.array([before.find(word) for word in after.words])

    def near(table: VectorTable, probes: Array, candidates: Array | None) -> Array:
        left_out = [[row] for row in probes.tolist()]
        doubts = np.full(len(probes), table.doubt)
        return nearest(table, table.some_unit(probes), left_out, NEAREST, candidates, doubts)[0]

    ours, theirs = near(before, rows[probes], rows), rows[near(after, probes, None)]
    same = sum(len(np.intersect1d(*pair)) for pair in zip(ours, theirs, strict=True))
    return same / ours.size if ours.size else 1.0


def rows_of(table: VectorTable, candidates: Iterable[object], name: str = "candidates") -> Array:
    """Return the rows of candidates, each once, in ascending order. Raise InputError if no candidate has a row. The
    error calls the candidates by ``name``."""
    if isinstance(candidates, str) or not isinstance(candidates, Iterable):
        raise InputError(f"{name} must be a list of words or an array of row numbers, not {candidates!r:.80}")
    if isinstance(candidates, range):
        candidates = np.arange(candidates.start, candidates.stop, candidates.step)
    if isinstance(candidates, np.ndarray) and candidates.dtype.kind in "iu":
        rows = validation.output_rows(candidates, len(table.vectors), name)
    else:
        found = map(table.find, candidates)
        rows = np.array([row for row in found if row is not None], np.int64)
    if not rows.size:
        raise InputError(
            f"none of the {name} is in the vocabulary: give words that have a vector, or an array of row numbers"
        )
    is_candidate = np.zeros(len(table.vectors), bool)
    is_candidate[rows] = True
    return np.flatnonzero(is_candidate)


def _contenders(table: VectorTable, direction: Array, k: int, rows: Array | None, of_rows: Array | None) -> Array:
    """Return the rows whose scores with a unit vector may be among the k largest. ``of_rows`` (V,) holds the factors of
    scores.

    For a single vector, BLAS reads a table in half the time of the kernel, which packs every row. Both round, so the
    result includes rows whose scores are smaller than the k-th by less than both rounding errors.
    """
    part: Any = slice(None) if rows is None else rows
    if rows is not None and rows[-1] - rows[0] < len(rows):  # NumPy reads a slice without a copy
        part = slice(rows[0], rows[-1] + 1)
    vectors, divisors = table.vectors[part], table.divisors[part]
    if not SMALLEST < divisors.min() <= divisors.max() < 1 / SMALLEST:
        return np.arange(len(table.vectors)) if rows is None else rows
    scores = vectors @ direction.astype(vectors.dtype) / divisors
    if of_rows is not None:
        scores *= of_rows[part]
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    rounding = 8 * table.dim * max(np.finfo(dtype).eps for dtype in (np.float32, vectors.dtype))
    places = np.flatnonzero(~(scores < least - rounding))  # includes NaN
    return places if rows is None else rows[places]


def products(kernels: CpuKernels, H: Array, some: Array) -> Array:
    """Return the products of unit vectors in H with some rows of a table."""
    rows = some.astype(np.float32, copy=False)
    missing = -len(rows) % PANEL
    padded = np.pad(rows, ((0, missing), (0, 0))) if missing else rows
    return np.asarray(kernels.matmul(H, padded.T)[:, : len(rows)])


def _largest(units: Array, directions: Array, k: int, rarity: Array | None = None) -> tuple[Array, Array]:
    """Return the places (m, k) and scores (m, k) of the k unit vectors with the largest scores for each direction. With
    the ``rarity`` of the units, directions have one more column, their counts K."""

    def outputs(H: Array, blocks: Iterable[slice]) -> Iterator[Array]:
        kernels, d = CpuKernels(1), units.shape[1]
        H, doubts = np.ascontiguousarray(H[:, :d]), H[:, d:]
        for block in blocks:
            starts = range(block.start, block.stop, PIECE)
            pieces = [products(kernels, H, units[start : min(start + PIECE, block.stop)]) for start in starts]
            cosines = pieces[0] if len(pieces) == 1 else np.hstack(pieces)
            yield cosines if rarity is None else cosines * factors(doubts, rarity[block])

    m, threads = len(directions), resolve_threads(None)
    step = max(1, min(TOP_EXAMPLES, -(-m // threads)))
    parts = [directions[start : start + step] for start in range(0, max(1, m), step)]
    found = ordered_map(lambda part: largest_outputs(outputs, part, len(units), k), parts, min(threads, len(parts)))
    places, values = map(np.concatenate, zip(*found, strict=True))
    return places, values


def without(rows: Array, cosines: Array, left_out: Sequence[Collection[int]], n: int) -> tuple[Array, Array]:
    """Remove the rows that are left out, and return the first n columns. The result is padded as in :func:`nearest`."""
    out: Any = np.full((len(rows), max(map(len, left_out), default=0)), -1)
    for i, some in enumerate(left_out):
        out[i, : len(some)] = list(some)
    is_out = (rows[:, :, None] == out[:, None, :]).any(axis=2)
    order = np.argsort(is_out, axis=1, kind="stable")[:, :n]
    rows, cosines, is_out = (np.take_along_axis(each, order, axis=1) for each in (rows, cosines, is_out))
    rows[is_out], cosines[is_out] = -1, np.nan
    width = int((~is_out).sum(axis=1).max(initial=0))
    return rows[:, :width], cosines[:, :width]
