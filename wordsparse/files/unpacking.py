"""How much a compressed file may unpack to: a few kilobytes can stand for as many gigabytes, and would fill a disk."""

from typing import IO

from wordsparse.errors import InputError

MAX_EXPANSION = 200.0
"""Text rarely unpacks to more than 20 times its size; what is made to fill a disk, to 1,000 times or more."""

ALWAYS_ALLOWED = 64 * 2**20
"""Bytes that any file may unpack to: small files of repeated lines compress without bound."""


def unpacked_limit(size: int, max_expansion: float) -> int:
    """How many bytes a compressed file of ``size`` bytes may unpack to."""
    return max(ALWAYS_ALLOWED, int(max_expansion * size))


class Unpacked:
    """A decompressed stream that gives at most ``limit`` bytes.

    Raises
    ------
    InputError
        From :meth:`read`, beyond the limit.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit, self._left = file, limit, limit

    def read(self, most: int = -1) -> bytes:
        """The next ``most`` bytes, fewer only at the end."""
        data = self._file.read(most)
        self._left -= len(data)
        if self._left < 0:
            raise InputError(
                f"unpacks to more than {self._limit:,} bytes, far more than text of its size does: unpack it yourself "
                "if you trust it, or raise --max-expansion (max_expansion)"
            )
        return data
