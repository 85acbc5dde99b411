"""Finds and opens the files that a request names. Every error names its file."""

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
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """The next ``size`` bytes, or fewer at the end only."""


def find_files(sources: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files that ``sources`` name, in order; a directory means the regular files in it, in name order.

    Its other entries (subdirectories and special files) are not read; a warning names each of them.

    Raises
    ------
    InputError
        If there is no source, or if one is missing, unreadable, an empty file or a directory without files.
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
            raise InputError(f"{file}: cannot be read: check its permissions")
        if file.is_file() and file.stat().st_size == 0:
            raise InputError(f"{file}: is empty")
    return files


@contextmanager
def opened(path: Path, max_expansion: float = MAX_EXPANSION) -> Iterator[Readable]:
    """Open ``path`` for reading bytes; a file named .gz, .bz2, .xz or .zst is decompressed.

    Every exception in the body of the ``with`` statement becomes a read error, so the body should only read.

    Raises
    ------
    InputError
        If the file cannot be read, or if a compressed file unpacks to more than ``max_expansion`` times its size (a
        small file may always unpack to some megabytes).
    """
    import smart_open

    try:
        # An absolute path, because smart_open would treat a relative one such as "s3:text" as a URL.
        with smart_open.open(os.path.abspath(path), "rb") as file:
            if path.suffix.lower() in COMPRESSED and path.is_file():
                yield Unpacked(file, unpacked_limit(path.stat().st_size, max_expansion))
            else:
                yield file
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # each compression library and the XML parser have their own exceptions
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
            logger.warning("%s: is not a regular file and is skipped; to read a directory, name it explicitly", entry)
    files = [entry for entry in entries if entry.is_file()]
    if not files:
        raise InputError(f"{folder}: holds no file")
    return files
