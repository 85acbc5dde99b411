"""Compressed or plain files read forward, within what a file of their size can hold."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import smart_open

from wordsparse.errors import InputError
from wordsparse.files import regular, unpacking

# How compressed files begin, and the suffix by which smart_open knows them.
_BEGINNINGS = {
    rb"\x1f\x8b\x08": ".gz",
    rb"BZh[1-9]1AY&SY": ".bz2",
    rb"\xfd7zXZ\x00": ".xz",
    rb"\x28\xb5\x2f\xfd": ".zst",
}

# Numbers that look random compress a few times at most.
_MOST_EXPANSION = 64


def compression_of_name(path: Path) -> str | None:
    """The suffix of ``path`` if it is one of a compressed file that we write, else None."""
    suffix = path.suffix.lower()
    return suffix if suffix in _BEGINNINGS.values() else None


def open_for_writing(path: Path) -> IO[bytes]:
    """A binary file for writing, compressed if its name says so."""
    file: IO[bytes] = smart_open.open(path, "wb", compression=compression_of_name(path) or "disable")
    return file


def unpacked_limit(size: int) -> int:
    """How many bytes a compressed file of ``size`` bytes may unpack to."""
    return unpacking.unpacked_limit(size, _MOST_EXPANSION)


class BoundedStream:
    """A file read forward, unpacked on the way, that never gives more than it may honestly hold.

    Attributes
    ----------
    limit : int
        Bytes that it can give at most: its size, or :func:`unpacked_limit` of it where it is compressed.

    Raises
    ------
    InputError
        From any method, if the compressed data are damaged or unpack beyond the limit.
    """

    def __init__(self, path: Path) -> None:
        with regular.opened(path) as file:
            size, start = os.fstat(file.fileno()).st_size, file.read(16)
        compression = next((name for begin, name in _BEGINNINGS.items() if re.match(begin, start)), None)
        self.limit = unpacked_limit(size) if compression else size
        self._left = self.limit
        self._file: IO[bytes] = smart_open.open(path, "rb", compression=compression or "disable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, most: int) -> bytes:
        """The next ``most`` bytes, fewer only at the end."""
        return self._counted(self._file.read, most)

    def readline(self, most: int) -> bytes:
        """The next line with its end, or its first ``most`` bytes; nothing at the end of the file."""
        return self._counted(self._file.readline, most)

    def expect_end(self, what: str) -> None:
        """Refuse anything but white space up to the end; ``what`` says what should have been all."""
        while chunk := self.read(2**16):
            if not chunk.isspace():
                raise InputError(f"there is more in the file after {what}")

    def _counted(self, read: Callable[[int], bytes], most: int) -> bytes:
        try:
            data = read(most)
        except Exception as error:
            # Each decompressor has its own kinds of errors; they do not all derive from OSError.
            raise InputError(f"cannot be read or unpacked, cut short or damaged: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"unpacks to more than {self.limit} bytes: no vectors compress that well")
        return data
