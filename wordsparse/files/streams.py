"""Reads plain or compressed files sequentially, and refuses files that unpack to an implausible size."""

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from wordsparse.errors import InputError
from wordsparse.files import outputs, regular, storage, unpacking


def write_stream(path: Path, write: Callable[[IO[bytes]], object]) -> list[Path]:
    """Call ``write`` with the stream at ``path``. If ``path`` is not a stream, call ``write`` with a temporary file,
    compressed if the suffix of ``path`` is .gz, .bz2, .xz or .zst, and then move the complete file to ``path``. Return
    the files written."""
    if outputs.is_stream(path):
        with outputs.stream(path) as stream:
            write(stream)
        return [path]

    def written(staged: Path) -> None:
        opened: Callable[..., Any] = open
        if (compression := unpacking.compression_of_name(path)) is not None:
            import smart_open  # imported here, because the import takes 50 ms

            opened = partial(smart_open.open, compression=compression)
        with opened(staged, "wb") as file:
            write(file)

    return storage.write_files(path, written)


class BoundedStream:
    """A file that is read sequentially, and decompressed if its first bytes identify a compression. InputError is
    raised if the file is damaged, unpacks to more than ``limit`` bytes, or is written to before the end of the block.
    For a plain file, ``limit`` is its size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with regular.opened(path) as file:
            self._version, start = regular.version_of(file.fileno()), file.read(16)
            self._raw = open(os.dup(file.fileno()), "rb")  # noqa: SIM115 - closed with the stream
            self._raw.seek(0)
        size, _ = self._version
        compression = unpacking.compression_of(start)
        self.limit = unpacking.unpacked_limit(size) if compression else size
        self._left = self.limit if compression else math.inf
        self._file: IO[bytes] = self._raw
        if compression:
            from smart_open.compression import compression_wrapper

            self._file = compression_wrapper(self._raw, "rb", compression)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        with self._raw, self._file:
            if kind is None:
                regular.check_unchanged(self._path, self._raw.fileno(), self._version)

    @property
    def position(self) -> int:
        """The number of bytes read from the file so far. For a compressed file, the compressed bytes are counted."""
        return self._raw.tell()

    def read(self, most: int) -> bytes:
        """Return the next ``most`` bytes, or fewer at the end of the file."""
        return self._counted(self._file.read, most)

    def readline(self, most: int) -> bytes:
        """Return the next line with its line end, but at most ``most`` bytes. At the end of the file, return no
        bytes."""
        return self._counted(self._file.readline, most)

    def expect_end(self, what: str, start: bytes = b"") -> None:
        """Raise InputError unless only white space is left after the expected content. ``what`` describes the expected
        content in the message.

        ``start`` holds the bytes after the content, if the caller has already read some of them.
        """
        while chunk := start or self.read(2**16):
            start = b""
            if not chunk.isspace():
                raise InputError(f"the file does not end after {what}; correct the first line, or write the file again")

    def _counted(self, read: Callable[[int], bytes], most: int) -> bytes:
        try:
            data = read(most)
        except Exception as error:
            # Decompressors raise their own exceptions, some of which are not OSErrors.
            raise InputError(
                f"cannot be read or unpacked, is cut short or damaged: {error}; copy or write it again"
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise unpacking.too_large(self.limit)
        return data
