"""The members of zip and tar archives, read without trusting them.

Every failure of a decompressor is a ReadError, so that it is not taken for one of the disk. A tar archive's headers
state their own sizes: none is read that is longer than MAX_READ, and the archive is read up to the size to which a file
of its size may unpack.
"""

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from wordsparse.corpus.sources import Readable
from wordsparse.files.unpacking import MAX_EXPANSION, compression_of, too_large, unpacked_limit

MAX_READ = 2**24

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, ValueError)
"""The errors of an archive that is damaged, encrypted, or of an unknown kind."""

_FAILURES = (EOFError, zlib.error, lzma.LZMAError, OSError, zipfile.BadZipFile)


def members(path: Path) -> Iterator[tuple[str, Readable]]:
    """The name and the content of each regular file in an archive; the content is to be read at once.

    DAMAGE if the archive is damaged; InputError if it unpacks to far more than its size.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as file:
                        yield info.filename, _Unpacked(file)
        return
    limit = unpacked_limit(os.path.getsize(path), MAX_EXPANSION)
    with _unpacked(path) as file, tarfile.open(fileobj=cast("IO[bytes]", _Unpacked(file, limit)), mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep every header
            if member.isfile() and (found := tar.extractfile(member)) is not None:
                yield member.name, found


def _unpacked(path: Path) -> IO[bytes]:
    """A tar archive, decompressed if it is compressed."""
    import smart_open

    with open(path, "rb") as file:
        compression = compression_of(file.read(16))
    opened: IO[bytes] = smart_open.open(path, "rb", compression=compression or "disable")
    return opened


class _Unpacked:
    """A decompressed file of at most ``limit`` bytes."""

    def __init__(self, file: IO[bytes], limit: int | None = None) -> None:
        self._file, self._limit = file, limit

    def read(self, size: int) -> bytes:
        if size > MAX_READ:
            raise tarfile.ReadError(f"a header states {size:,} bytes")
        with _as_damage():
            data = self._file.read(size)
        self._check(self.tell())
        return data

    def seek(self, position: int) -> int:
        self._check(position)
        with _as_damage():
            return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, position: int) -> None:
        if self._limit is not None and position > self._limit:
            raise too_large(self._limit)


@contextmanager
def _as_damage() -> Iterator[None]:
    """Convert the errors of decompressors, whose OSErrors have no number."""
    try:
        yield
    except _FAILURES as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise tarfile.ReadError(f"{error or type(error).__name__}") from error
