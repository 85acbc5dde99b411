"""Memory for the large arrays of a step, used again by the next one.

Asking the system for megabytes anew in every step means a page fault every four kilobytes, of which a busy machine
makes a tenth of the time and more. A room is free again when the last array that lies in it is gone.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CACHE_LINE = 64
# Smaller arrays are left to the allocator, which keeps such pieces itself.
LARGE = 2**18


class Rooms:
    """Lends uninitialised arrays; of no size are more rooms kept than were out at one time."""

    def __init__(self) -> None:
        self._free: list[Array] = []

    def rows(self, n: int, d: int, dtype: Any, *, on_lines: bool = False) -> Array:
        """An (n, d) matrix whose rows start on cache lines, an odd number of them apart.

        Vectors never cross a line then, and the same columns of many rows spread over all sets of a cache. Short rows
        are close together instead, unless they must be ``on_lines``.
        """
        dtype = np.dtype(dtype)
        row = d * dtype.itemsize
        if on_lines or row >= 4 * CACHE_LINE:
            row = row_bytes(d, dtype.itemsize)
        return self._lent((n, d), dtype, n * row, (row, dtype.itemsize))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A C-contiguous array."""
        dtype = np.dtype(dtype)
        return self._lent(shape, dtype, prod(shape) * dtype.itemsize, None)

    def _lent(self, shape: tuple[int, ...], dtype: np.dtype[Any], size: int, strides: tuple[int, ...] | None) -> Array:
        """An array of ``size`` bytes from the start of a cache line on."""
        if size < LARGE:
            room = np.empty(size + CACHE_LINE, np.uint8)
            return np.ndarray(shape, dtype, room, _to_line(room), strides)
        room = self._room(size)
        return np.asarray(_Lease(room, self._free, shape, dtype.str, strides))

    def _room(self, size: int) -> Array:
        free = self._free
        # None of more than twice the size: who needs that much soon would have to build.
        fitting = [(room.size, i) for i, room in enumerate(free) if size <= room.size <= 2 * size]
        if fitting:
            return free.pop(min(fitting)[1])
        # One that has become too small makes way.
        outgrown = [(room.size, i) for i, room in enumerate(free) if size <= 2 * room.size < 2 * size]
        if outgrown:
            free.pop(max(outgrown)[1])
        # An eighth more: the next minibatch has a few words more or less.
        room = np.empty(size + size // 8 + CACHE_LINE, np.uint8)
        return room[_to_line(room) :]


class _Lease:
    """What every array in a room, and every view of one, holds on to in the end: the room is free when it goes."""

    def __init__(
        self, room: Array, free: list[Array], shape: tuple[int, ...], typestr: str, strides: tuple[int, ...] | None
    ) -> None:
        self._room, self._free = room, free
        data = room.__array_interface__["data"]
        described = {"data": data, "shape": shape, "typestr": typestr, "strides": strides, "version": 3}
        self.__array_interface__ = described

    def __del__(self) -> None:
        self._free.append(self._room)


def _to_line(room: Array) -> int:
    """Bytes to the next start of a cache line."""
    return -int(room.__array_interface__["data"][0]) % CACHE_LINE


def row_bytes(d: int, itemsize: int) -> int:
    """From one row of d numbers on cache lines to the next."""
    return (-(-d * itemsize // CACHE_LINE) | 1) * CACHE_LINE


def on_lines(matrix: Array) -> bool:
    """Whether the rows of a matrix stand as those of :meth:`Rooms.rows` do."""
    strides = row_bytes(matrix.shape[1], matrix.itemsize), matrix.itemsize
    return matrix.strides == strides and int(matrix.__array_interface__["data"][0]) % CACHE_LINE == 0
