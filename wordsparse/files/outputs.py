"""The kinds of outputs. The kind of an output depends on what already exists at its path.

If the path is free or leads to a regular file, the file is created or replaced atomically. Links are followed and kept.
A pipe, a terminal, /dev/stdout or /dev/null is a *stream*, to which the output is written directly. Anything else (a
directory, a block device, a socket) is refused, because replacing would destroy it.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wordsparse.errors import InputError, WordsparseError

STANDARD_OUTPUT = "-"
"""The name of standard output. A file with this name must be written ``./-``."""

# A pattern for addresses such as https://host/text or s3://bucket/text. pathlib reduces the two slashes to one.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)")
_NAMED = {STANDARD_OUTPUT: 1, "/dev/stdout": 1, "/dev/stderr": 2}


def is_stream(path: Path) -> bool:
    """Return whether the output at ``path`` is a stream. Return False if a regular file will be created or replaced at
    ``path``.

    Raise InputError if the output is neither a stream nor a regular file.
    """
    if _descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return True
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is a directory, a block device or a socket; name a file")
    return False


def is_standard_output(path: Path) -> bool:
    """Return whether output to ``path`` goes to the standard output of the program."""
    return _descriptor(path) == 1


def address(path: str | os.PathLike[str]) -> str | None:
    """Return the address if ``path`` looks like an address such as https://…, or None if it names a file."""
    match = _ADDRESS.match(os.fspath(path))
    return match and "://".join(match.groups())


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """Open the stream at ``path`` for writing. If ``path`` is a named pipe, wait for a reader.

    Raise WordsparseError if writing fails, or BrokenPipeError if the reader of the pipe is gone.
    """
    descriptor = _descriptor(path)
    try:
        opened = os.open(path, os.O_WRONLY | os.O_NOCTTY) if descriptor is None else os.dup(descriptor)
        with open(opened, "wb") as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WordsparseError(f"{path}: writing failed: {error.strerror or error}") from error


def _descriptor(path: Path) -> int | None:
    """Return the file descriptor for ``path`` if it is ``-``, /dev/stdout or /dev/stderr, and None otherwise.

    If a shell has redirected standard output to a regular file, that file must be written at its current position and
    must not be replaced.
    """
    return _NAMED.get(os.fspath(path))
