"""The nearest neighbours of all rows of a table, as a graph.

The cosine of two rows is one number, to the last bit, whichever of the rows is asked for: the products of their numbers
are added in the order of the dimensions. So the products of two blocks of rows are computed once, and searched for the
neighbours of both. A cosine is kept if it exceeds the k-th largest cosine of one of its rows so far.
"""

from collections.abc import Iterator
from functools import partial
from typing import TypeAlias

import numpy as np

from wordsparse.kernels import CpuKernels
from wordsparse.layer.largest import merge
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.types import Array
from wordsparse.vectors.neighbours import nearest, products, without
from wordsparse.vectors.table import VectorTable

# BLOCK is the number of rows whose neighbours are merged at a time, at most 2**16. The cosines of TILE rows with TILE
# rows stay in a cache; TILE divides BLOCK. The cosines with the FIRST rows give the first bounds.
BLOCK, TILE, FIRST = 4096, 512, 2048

Hits: TypeAlias = tuple[Array, Array, Array]
"""Rows, columns and values of large cosines."""


def nearest_of_all(table: VectorTable, n: int) -> Iterator[tuple[Array, Array]]:
    """Yield the nearest rows and their cosines, as :func:`wordsparse.vectors.neighbours.nearest` returns them for the
    unit vector of each row, in blocks of at most BLOCK rows. No row is a neighbour of itself."""
    V, k = len(table.vectors), n + 1
    if V <= BLOCK or k > FIRST // 4:
        for start in range(0, V, BLOCK):
            rows = np.arange(start, min(start + BLOCK, V))
            yield nearest(table, table.some_unit(rows), rows[:, None].tolist(), n)
        return
    graph, threads = _Graph(table, k), resolve_threads(None)
    for start in range(0, V, BLOCK):
        for hits in ordered_map(partial(graph.search, start), range(start, V, BLOCK), threads):
            graph.take_in(start, hits)
        block = slice(start, start + BLOCK)
        itself = [[row] for row in range(start, min(start + BLOCK, V))]
        yield without(graph.rows[block], graph.cosines[block], itself, n)


class _Graph:
    """The ``rows`` (V, k) of the k largest ``cosines`` (V, k) with each row so far, which includes the row itself."""

    def __init__(self, table: VectorTable, k: int) -> None:
        self._units, V = table.unit, len(table.vectors)
        self.rows, self.cosines = np.full((V, k), -1), np.full((V, k), -np.inf, np.float32)
        # A lower bound of the k-th largest cosine with each row.
        self._least = np.empty(V, np.float32)
        for start in range(0, V, TILE):
            cosines = self._products(CpuKernels(1), start, min(start + TILE, V), 0, FIRST)
            largest = np.partition(cosines, FIRST - k, axis=1)[:, FIRST - k]
            self._least[start : start + TILE] = np.nextafter(largest, np.float32(-np.inf))

    def search(self, block: int, other: int) -> list[Hits]:
        """Compare two blocks of rows, given by their first rows. Take in the neighbours of the other block. Return the
        neighbours of the first block."""
        kernels, ours, theirs = CpuKernels(1), list[Hits](), list[Hits]()
        for a, b in _tiles(block, other, len(self._units)):
            stop, end = min(a + TILE, len(self._units)), min(b + TILE, len(self._units))
            cosines = self._products(kernels, a, stop, b, end)
            places = kernels.exceeding(cosines, self._least[a:stop], self._least[b:end])
            if not places.size:
                continue
            row, column = np.divmod(places, end - b)
            hits = row + a, column + b, cosines[row, column]
            ours.append(hits)
            if a != b:
                (ours if block == other else theirs).append((hits[1], hits[0], hits[2]))
        self.take_in(other, theirs)
        return ours

    def take_in(self, start: int, hits: list[Hits]) -> None:
        """Merge hits into the largest cosines of a block of rows. The columns of each row ascend."""
        if not hits:
            return
        row, column, value = map(np.concatenate, zip(*hits, strict=True))
        order = np.argsort((row - start).astype(np.uint16), kind="stable")  # a radix sort
        block = slice(start, start + BLOCK)
        merge(self.rows[block], self.cosines[block], row[order] - start, column[order], value[order])
        np.maximum(self._least[block], self.cosines[block, -1], out=self._least[block])

    def _products(self, kernels: CpuKernels, start: int, stop: int, first: int, end: int) -> Array:
        left = self._units[start:stop].astype(np.float32, copy=False)
        return products(kernels, left, self._units[first:end])


def _tiles(block: int, other: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield the first rows of pairs of tiles of two blocks; of equal blocks, each pair once."""
    for a in range(block, min(block + BLOCK, rows), TILE):
        for b in range(max(a, other), min(other + BLOCK, rows), TILE):
            yield a, b
