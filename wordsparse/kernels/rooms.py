"""Memory for the large arrays of a step, used again by the next one.

Asking the system for megabytes anew in every step means a page fault every four kilobytes, of which a busy machine
makes a tenth of the time and more. A room is free again when the last array that lies in it is gone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CACHE_LINE = 64
# Smaller arrays are left to the allocator, which keeps such pieces itself.
LARGE = 2**18


class Rooms:
    """Lends uninitialised arrays; never more rooms are kept than were out at one time."""

    def __init__(self) -> None:
        self._free: list[Array] = []

    def rows(self, n: int, d: int, dtype: Any) -> Array:
        """An (n, d) matrix whose rows start on cache lines, an odd number of them apart; close together where short.

        Vectors never cross a line then, and the same columns of many rows spread over all sets of a cache.
        """
        itemsize = np.dtype(dtype).itemsize
        row = row_bytes(d, itemsize)
        return np.ndarray((n, d), dtype, self._bytes(n * row), strides=(row, itemsize))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A C-contiguous array."""
        return np.ndarray(shape, dtype, self._bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize))

    def _bytes(self, size: int) -> Array:
        """So many bytes, and a few more, from the start of a cache line on."""
        if size < LARGE:
            room = np.empty(size + CACHE_LINE, np.uint8)
        else:
            room = np.asarray(_Lease(self._room(size + CACHE_LINE), self._free))
        return room[-room.__array_interface__["data"][0] % CACHE_LINE :]

    def _room(self, size: int) -> Array:
        fitting = [i for i, room in enumerate(self._free) if room.size >= size]
        if fitting:
            return self._free.pop(min(fitting, key=lambda i: self._free[i].size))
        if self._free:  # one that has become too small makes way
            self._free.pop(max(range(len(self._free)), key=lambda i: self._free[i].size))
        # An eighth more: the next minibatch has a few words more or less.
        return np.empty(size + size // 8, np.uint8)


class _Lease:
    """What every array in a room, and every view of one, holds on to in the end: the room is free when it goes."""

    def __init__(self, room: Array, free: list[Array]) -> None:
        self._room, self._free = room, free
        self.__array_interface__ = room.__array_interface__

    def __del__(self) -> None:
        self._free.append(self._room)


def row_bytes(d: int, itemsize: int) -> int:
    """From one row of d numbers to the next."""
    return d * itemsize if d * itemsize < 4 * CACHE_LINE else (-(-d * itemsize // CACHE_LINE) | 1) * CACHE_LINE
