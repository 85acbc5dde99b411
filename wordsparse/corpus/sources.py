"""Which files a request names, and how one is opened: every failure names the file."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from wordsparse.errors import InputError
from wordsparse.files.unpacking import MAX_EXPANSION, Unpacked, unpacked_limit

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

logger = logging.getLogger(__name__)


class Readable(Protocol):
    """Bytes that are read forward."""

    def read(self, most: int, /) -> bytes:
        """The next ``most`` bytes, fewer only at the end."""


def find_files(sources: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files that ``sources`` name, in order; a directory stands for its own regular files in name order.

    Anything else in it, sub-directories first of all, is not read; a warning names each.

    Raises
    ------
    InputError
        If there is no source, or one is missing, unreadable, an empty file, or a directory without files.
    """
    if not sources:
        raise InputError("no text is given")
    files: list[Path] = []
    for source in map(Path, sources):
        files += _directory_files(source) if source.is_dir() else [source]
    for file in files:
        if not file.exists():
            raise InputError(f"{file}: no such file or directory")
        if not os.access(file, os.R_OK):
            raise InputError(f"{file}: may not be read: check its permissions")
        if file.is_file() and file.stat().st_size == 0:
            raise InputError(f"{file}: is empty")
    return files


@contextmanager
def opened(path: Path, max_expansion: float = MAX_EXPANSION) -> Iterator[Readable]:
    """``path`` opened for reading bytes, decompressed as its name ends: .gz, .bz2, .xz or .zst.

    Any failure inside the block is taken as one of reading, so hold nothing in it but reading.

    Raises
    ------
    InputError
        Also where a compressed file unpacks to more than ``max_expansion`` times its size; small files may always
        unpack to some megabytes.
    """
    import smart_open

    try:
        # An absolute path, for a relative one such as "s3:text" would be taken for an address.
        with smart_open.open(os.path.abspath(path), "rb") as file:
            if path.suffix.lower() in COMPRESSED and path.is_file():
                yield Unpacked(file, unpacked_limit(path.stat().st_size, max_expansion))
            else:
                yield file
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # each compression library, and the XML parser, raises a family of its own
        raise InputError(
            f"{path}: cannot be read ({error or type(error).__name__}): is it damaged or cut short?"
        ) from error


def _directory_files(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    for entry in entries:
        if not entry.is_file():
            logger.warning("%s: is no regular file and not read; name it too if it is wanted", entry)
    files = [entry for entry in entries if entry.is_file()]
    if not files:
        raise InputError(f"{folder}: holds no file")
    return files
