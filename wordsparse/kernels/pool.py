"""Memory for the large arrays of a step, used again by the next one.

Allocating megabytes anew in every step means a page fault every four kilobytes, which takes a tenth of the time and
more on a busy machine. A block of memory is available again when the last array that lies in it is gone.
"""

import mmap
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from wordsparse.types import Array

CACHE_LINE = 64
# Smaller arrays are left to the allocator, which keeps such pieces itself.
LARGE = 2**18
# Blocks from half of a huge page on start at one. A processor remembers where a few thousand pages are: with huge ones,
# rows that are read in any order cost whole runs 4 to 10 % less CPU time.
HUGE_PAGE = 2**21


class ArrayPool:
    """Returns uninitialised arrays, and keeps at most as many blocks of a size as were in use at one time."""

    def __init__(self) -> None:
        self._available: list[Array] = []

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """A copy keeps nothing."""
        return ArrayPool, ()

    def rows(self, n: int, d: int, dtype: Any, *, on_lines: bool = False) -> Array:
        """An (n, d) matrix whose rows start on cache lines, an odd number of them apart.

        Vectors never cross a line then, and the same columns of many rows spread over all sets of a cache. Short rows
        are close together instead, unless they must be ``on_lines``.
        """
        dtype = np.dtype(dtype)
        row = d * dtype.itemsize
        if on_lines or row >= 4 * CACHE_LINE:
            row = row_bytes(d, dtype.itemsize)
        return self._array((n, d), dtype, n * row, (row, dtype.itemsize))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A C-contiguous array."""
        dtype = np.dtype(dtype)
        return self._array(shape, dtype, prod(shape) * dtype.itemsize, None)

    def on_lines(self, matrix: Array) -> Array:
        """The matrix with its rows on cache lines, copied where they stand otherwise."""
        if on_lines(matrix):
            return matrix
        out = self.rows(matrix.shape[0], matrix.shape[1], matrix.dtype, on_lines=True)
        out[:] = matrix
        return out

    def _array(self, shape: tuple[int, ...], dtype: np.dtype[Any], size: int, strides: tuple[int, ...] | None) -> Array:
        """An array of ``size`` bytes from the start of a cache line on."""
        if size < LARGE:
            block = np.empty(size + CACHE_LINE, np.uint8)
            return np.ndarray(shape, dtype, block, _to_line(block), strides)
        return np.asarray(_Lease(self._block(size), self._available, shape, dtype.str, strides))

    def _block(self, size: int) -> Array:
        available = self._available
        # None of more than four times the size: an array that needs so much soon would have to be allocated.
        fitting = [(block.size, i) for i, block in enumerate(available) if size <= block.size <= 4 * size]
        if fitting:
            return available.pop(min(fitting)[1])
        # A block that has become too small is freed.
        outgrown = [(block.size, i) for i, block in enumerate(available) if size <= 2 * block.size < 2 * size]
        if outgrown:
            available.pop(max(outgrown)[1])
        # Twice the size: minibatches grow, and pages that nothing is written to cost nothing.
        return _aligned(2 * size)


class _Lease:
    """The base of every array in a block, and of every view of one: the block is available again when it goes."""

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
    """So many bytes or some more, from the start of a cache line or of a huge page on."""
    if size < HUGE_PAGE // 2:
        block = np.empty(size + CACHE_LINE, np.uint8)
        return block[_to_line(block) :]
    # Private: Python's default is shared, and a forked process would compute in its parent's memory.
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(AttributeError, OSError):  # where the system has them
        memory.madvise(mmap.MADV_HUGEPAGE)
    block = np.frombuffer(memory, np.uint8)
    return block[_to_line(block, HUGE_PAGE) :]


def _to_line(block: Array, size: int = CACHE_LINE) -> int:
    """Bytes to the next start of a cache line, or of a page of that size."""
    return -int(block.__array_interface__["data"][0]) % size


def row_bytes(d: int, itemsize: int) -> int:
    """From one row of d numbers on cache lines to the next."""
    return (-(-d * itemsize // CACHE_LINE) | 1) * CACHE_LINE


def on_lines(matrix: Array) -> bool:
    """Whether the rows of a matrix stand as those of :meth:`ArrayPool.rows` do."""
    strides = row_bytes(matrix.shape[1], matrix.itemsize), matrix.itemsize
    return matrix.strides == strides and int(matrix.__array_interface__["data"][0]) % CACHE_LINE == 0
