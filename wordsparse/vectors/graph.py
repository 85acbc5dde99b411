"""The nearest neighbours of all rows of a table, as a graph.

The cosine of two rows is one number, to the last bit, whichever of the rows is asked for: the products of their numbers
are added in the order of the dimensions. So the products of two blocks of rows are computed once, and searched for the
neighbours of both. A pair of rows has two scores, because each is the cosine times a factor of the two counts. Scores
are computed only for pairs whose cosine is large enough for the k-th largest score so far of one of the rows.
"""

from collections.abc import Iterator
from functools import partial
from typing import TypeAlias

import numpy as np

from wordsparse.kernels import CpuKernels
from wordsparse.layer.largest import merge
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.types import Array
from wordsparse.vectors.evidence import factors
from wordsparse.vectors.neighbours import nearest, products, without
from wordsparse.vectors.table import VectorTable

# BLOCK is the number of rows whose neighbours are merged at a time, at most 2**16. The cosines of TILE rows with TILE
# rows stay in a cache; TILE divides BLOCK. The scores of the FIRST rows give the first bounds. SLACK is the share by
# which a bound is lowered, because scores are rounded.
BLOCK, TILE, FIRST, SLACK = 4096, 512, 2048, 1e-6

Hits: TypeAlias = tuple[Array, Array, Array]
"""Rows, columns and values of large scores."""


def nearest_of_all(table: VectorTable, n: int, doubts: Array | None = None) -> Iterator[tuple[Array, Array]]:
    """Yield the nearest rows and their cosines, as :func:`wordsparse.vectors.neighbours.nearest` returns them for the
    unit vectors of all rows and these ``doubts``, in blocks of at most BLOCK rows. No row is a neighbour of itself."""
    V, k = len(table.vectors), n + 1
    if V <= BLOCK or k > FIRST // 4:
        for start in range(0, V, BLOCK):
            rows = np.arange(start, min(start + BLOCK, V))
            some = None if doubts is None else doubts[rows]
            yield nearest(table, table.some_unit(rows), rows[:, None].tolist(), n, doubts=some)
        return
    graph, threads = _Graph(table, k, doubts), resolve_threads(None)
    for start in range(0, V, BLOCK):
        for hits in ordered_map(partial(graph.search, start), range(start, V, BLOCK), threads):
            graph.take_in(start, hits)
        block = slice(start, start + BLOCK)
        itself = [[row] for row in range(start, min(start + BLOCK, V))]
        yield without(graph.rows[block], graph.cosines(block), itself, n)


class _Graph:
    """The ``rows`` (V, k) of the k largest ``scores`` (V, k) for each row so far, which includes the row itself."""

    def __init__(self, table: VectorTable, k: int, doubts: Array | None) -> None:
        self._units, V, rarity = table.unit, len(table.vectors), None if doubts is None else table.rarity
        self._rarity = np.zeros(V, np.float32) if rarity is None else rarity
        self._doubts = np.zeros(V, np.float32) if doubts is None else doubts.astype(np.float32)
        self.rows, self.scores = np.full((V, k), -1), np.full((V, k), -np.inf, np.float32)
        # A lower bound of the k-th largest score for each row.
        self._least = np.empty(V, np.float32)
        for start in range(0, V, TILE):
            scores = self._products(CpuKernels(1), start, min(start + TILE, V), 0, FIRST)
            scores *= factors(self._doubts[start : start + TILE, None], self._rarity[:FIRST])
            largest = np.partition(scores, FIRST - k, axis=1)[:, FIRST - k]
            self._least[start : start + TILE] = np.nextafter(largest, np.float32(-np.inf))

    def search(self, block: int, other: int) -> list[Hits]:
        """Compare two blocks of rows, given by their first rows. Take in the neighbours of the other block. Return the
        neighbours of the first block."""
        kernels, ours, theirs = CpuKernels(1), list[Hits](), list[Hits]()
        for a, b in _tiles(block, other, len(self._units)):
            stop, end = min(a + TILE, len(self._units)), min(b + TILE, len(self._units))
            cosines = self._products(kernels, a, stop, b, end)
            places = kernels.exceeding(cosines, self._bounds(a, stop, b, end), self._bounds(b, end, a, stop))
            if not places.size:
                continue
            row, column = np.divmod(places, end - b)
            cosine, row, column = cosines[row, column], row + a, column + b
            ours.append((row, column, cosine * self._factors(row, column)))
            if a != b:
                (ours if block == other else theirs).append((column, row, cosine * self._factors(column, row)))
        self.take_in(other, theirs)
        return ours

    def take_in(self, start: int, hits: list[Hits]) -> None:
        """Merge hits into the largest scores of a block of rows. The columns of each row ascend."""
        if not hits:
            return
        row, column, value = map(np.concatenate, zip(*hits, strict=True))
        order = np.argsort((row - start).astype(np.uint16), kind="stable")  # a radix sort
        block = slice(start, start + BLOCK)
        merge(self.rows[block], self.scores[block], row[order] - start, column[order], value[order])
        np.maximum(self._least[block], self.scores[block, -1], out=self._least[block])

    def cosines(self, block: slice) -> Array:
        """Return the cosines of a block of rows with their neighbours."""
        rows = np.arange(len(self.rows))[block, None]
        return np.asarray(self.scores[block] / self._factors(rows, self.rows[block]))

    def _factors(self, rows: Array, neighbours: Array) -> Array:
        return factors(self._doubts[rows], self._rarity[neighbours])

    def _bounds(self, start: int, stop: int, first: int, end: int) -> Array:
        """Return the cosine that a row of ``first`` … ``end`` must exceed to be a neighbour of each row of ``start`` …
        ``stop``."""
        least, doubts, rarity = self._least[start:stop], self._doubts[start:stop], self._rarity[first:end]
        bounds = least / factors(doubts, np.where(least > 0, rarity.min(), rarity.max()))
        return np.asarray(bounds - np.float32(SLACK) * np.abs(bounds))

    def _products(self, kernels: CpuKernels, start: int, stop: int, first: int, end: int) -> Array:
        left = self._units[start:stop].astype(np.float32, copy=False)
        return products(kernels, left, self._units[first:end])


def _tiles(block: int, other: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield the first rows of pairs of tiles of two blocks; of equal blocks, each pair once."""
    for a in range(block, min(block + BLOCK, rows), TILE):
        for b in range(max(a, other), min(other + BLOCK, rows), TILE):
            yield a, b
