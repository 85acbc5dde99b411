"""Memory for the large arrays of a step. The next step reuses this memory.

If every step allocated its megabytes afresh, page faults on first use would take a tenth of the step's time or more. A
block of memory becomes available again when the last array in the block is deleted.
"""

import mmap
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from wordsparse.types import Array

CACHE_LINE = 64
# The number of bytes below which arrays come from NumPy's allocator, which reuses small pieces of memory itself.
LARGE = 2**18
# Blocks of at least half a huge page are aligned to huge pages. The TLB of a processor holds only a few thousand pages.
# When rows are read in random order, huge pages save 4 to 10 % of the CPU time of whole runs.
HUGE_PAGE = 2**21


class ArrayPool:
    """A source of uninitialised arrays. For each block size, the pool keeps at most as many blocks as were ever in use
    at once."""

    def __init__(self) -> None:
        self._available: list[Array] = []

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Copy the pool without its blocks."""
        return ArrayPool, ()

    def rows(self, n: int, d: int, dtype: Any, *, on_lines: bool = False) -> Array:
        """Return an (n, d) matrix whose rows start on cache lines. The distance between rows is an odd number of lines.

        Vector loads then never cross a cache line, and the same columns of many rows spread over all sets of a cache.
        Short rows and small matrices are stored without gaps instead, unless ``on_lines`` is True.
        """
        dtype = np.dtype(dtype)
        row = d * dtype.itemsize
        if not on_lines and n * row < LARGE:
            return np.empty((n, d), dtype)
        if on_lines or row >= 4 * CACHE_LINE:
            row = row_bytes(d, dtype.itemsize)
        return self._array((n, d), dtype, n * row, (row, dtype.itemsize))

    def empty(self, shape: tuple[int, ...], dtype: Any, *, aligned: bool = False) -> Array:
        """Return a C-contiguous array. If ``aligned`` is True, the array starts on a cache line."""
        dtype = np.dtype(dtype)
        size = prod(shape) * dtype.itemsize
        if not aligned and size < LARGE:
            return np.empty(shape, dtype)
        return self._array(shape, dtype, size, None)

    def on_lines(self, matrix: Array) -> Array:
        """Return the matrix if its rows start on cache lines. Otherwise, return a copy whose rows start on cache
        lines."""
        if on_lines(matrix):
            return matrix
        out = self.rows(matrix.shape[0], matrix.shape[1], matrix.dtype, on_lines=True)
        out[:] = matrix
        return out

    def _array(self, shape: tuple[int, ...], dtype: np.dtype[Any], size: int, strides: tuple[int, ...] | None) -> Array:
        """Return an array of ``size`` bytes that starts at a cache line."""
        if size < LARGE:
            block = np.empty(size + CACHE_LINE, np.uint8)
            return np.ndarray(shape, dtype, block, _to_line(block), strides)
        return np.asarray(_Lease(self._block(size), self._available, shape, dtype.str, strides))

    def _block(self, size: int) -> Array:
        available = self._available
        # Skip blocks of more than four times the requested size, because a larger array will soon need them.
        fitting = [(block.size, i) for i, block in enumerate(available) if size <= block.size <= 4 * size]
        if fitting:
            return available.pop(min(fitting)[1])
        # No block fits, so free a block that has become too small.
        outgrown = [(block.size, i) for i, block in enumerate(available) if size <= 2 * block.size < 2 * size]
        if outgrown:
            available.pop(max(outgrown)[1])
        # Allocate twice the requested size, because minibatches grow and pages that are never written cost nothing.
        return _aligned(2 * size)


class _Lease:
    """The base object of all arrays in a block of memory, and of all views of these arrays. When this object is
    deleted, the block becomes available again."""

    def __init__(
        self,
        block: Array,
        available: list[Array],
        shape: tuple[int, ...],
        typestr: str,
        strides: tuple[int, ...] | None,
    ) -> None:
        self._block, self._available = block, available
        data = block.__array_interface__["data"]
        described = {"data": data, "shape": shape, "typestr": typestr, "strides": strides, "version": 3}
        self.__array_interface__ = described

    def __del__(self) -> None:
        self._available.append(self._block)


def _aligned(size: int) -> Array:
    """Return a buffer of at least ``size`` bytes, aligned to a cache line or a huge page."""
    if size < HUGE_PAGE // 2:
        block = np.empty(size + CACHE_LINE, np.uint8)
        return block[_to_line(block) :]
    # Python's default is MAP_SHARED, with which a forked process would write into the memory of its parent.
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(AttributeError, OSError):  # the system may have no huge pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    block = np.frombuffer(memory, np.uint8)
    return block[_to_line(block, HUGE_PAGE) :]


def _to_line(block: Array, size: int = CACHE_LINE) -> int:
    """Return the number of bytes before the first address in the block that is a multiple of ``size``."""
    return -int(block.__array_interface__["data"][0]) % size


def row_bytes(d: int, itemsize: int) -> int:
    """Return the distance in bytes between rows of d numbers that start on cache lines."""
    return (-(-d * itemsize // CACHE_LINE) | 1) * CACHE_LINE


def on_lines(matrix: Array) -> bool:
    """Return whether the rows of a matrix are laid out as :meth:`ArrayPool.rows` lays them out."""
    strides = row_bytes(matrix.shape[1], matrix.itemsize), matrix.itemsize
    return matrix.strides == strides and int(matrix.__array_interface__["data"][0]) % CACHE_LINE == 0
