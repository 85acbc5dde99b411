"""Reads untrusted files. Only regular files are opened, and they are read only up to a maximum size.

A FIFO would block the reader, and /dev/zero is infinite. An untrusted directory may contain FIFOs and devices, or links
to such files. Links to regular files are followed, because shared caches of models consist of links.
"""

import hashlib
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any

from wordsparse.errors import InputError

TOML_BYTES = 2**20


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert an OSError inside the block into an InputError that names ``path``, the file that the block reads."""
    try:
        yield
    except OSError as error:
        if os.fspath(path) == "-" and isinstance(error, FileNotFoundError):
            raise InputError("-: standard input can only hold a training text: write it to a file first") from error
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def descriptor_of(path: str | os.PathLike[str]) -> int:
    """Open the regular file at ``path`` for reading, and return its descriptor, which the caller must close.

    Raise InputError if the file is missing, not readable, or not a regular file.
    """
    with reading(path):
        # Without O_NONBLOCK, opening a FIFO would wait for a writer; the flag has no effect on regular files.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise InputError(f"{path}: is no regular file, but a directory, a pipe or a device; name a file")


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BufferedReader]:
    """Open the regular file at ``path`` for reading. An OSError inside the block becomes an InputError."""
    with reading(path), open(descriptor_of(path), "rb") as file:
        yield file


def size_of(file: BufferedReader) -> int:
    """Return the size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def version_of(descriptor: int) -> tuple[int, int]:
    """Return the size and the time of the last change of an open file, for :func:`check_unchanged`."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns


def check_unchanged(path: str | os.PathLike[str], descriptor: int, version: tuple[int, int]) -> None:
    """Raise InputError if the open file was written to after it had this version: the reader may hold parts of two
    contents. Replacing the file at ``path`` does not change the open file."""
    if version_of(descriptor) != version:
        raise InputError(f"{path}: was changed while it was read: read it again, or a copy of it")


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a regular file of at most ``most`` bytes. Raise InputError if the file is larger."""
    with opened(path) as file:
        data = file.read(min(most, size_of(file)) + 1)  # one byte more than the size, to detect a file that grows
    if len(data) > most:
        raise InputError(f"{path}: holds more than {most:,} bytes, more than a file of this kind needs")
    return data


def read_text(path: str | os.PathLike[str], most: int) -> str:
    """Read a UTF-8 text from a regular file, without a byte-order mark. Raise InputError if the file has more than
    ``most`` bytes."""
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: {error}; convert it first") from error


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file. Users edit TOML files by hand, so an error in the file raises an InputError that names the file
    and the line."""
    text = read_text(path, TOML_BYTES)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers with thousands of digits raise ValueError too
        message = "is JSON, not TOML: for a model's options name its directory"
        message = message if text.lstrip().startswith("{") else f"is not valid TOML: {error}; correct it"
        raise InputError(f"{path}: {message}") from error


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a regular file in hexadecimal digits."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
