"""Where an output goes, decided from what stands there already.

Nothing, or a regular file, also behind links: the file that the links lead to is made or replaced in one step, and the
links stay. A pipe, a terminal, /dev/stdout, /dev/null: a *stream*, which is written through. Anything else (a
directory, a block device, a socket) is refused: replacing it would destroy it.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wordsparse.errors import InputError, WordsparseError
from wordsparse.files.regular import kind_of

STANDARD_OUTPUT = "-"
"""The name of standard output; ``./-`` names a file."""

_LINKS = 40  # as many as Linux follows


def is_stream(path: Path) -> bool:
    """Whether an output named ``path`` is written through; False where a regular file is made or replaced.

    Raises
    ------
    InputError
        If it can be neither.
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
        raise InputError(f"{path}: is a {kind_of(mode)}; name a file")
    return False


def is_standard_output(path: Path) -> bool:
    """Whether what is written to ``path`` goes where the program prints."""
    return _descriptor(path) == 1


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """The stream at ``path``, open for writing; a named pipe waits for its reader.

    Raises
    ------
    WordsparseError
        If writing fails. The end of a pipe's reader stays a BrokenPipeError: nobody is left to be told.
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
    """The number of the open file of this process that ``path`` names: ``-``, /dev/stdout, /dev/fd/3; else None.

    Its path may be that of a regular file, to which a shell has sent standard output: that one must be appended to
    where it stands, and not be replaced.
    """
    name = os.fspath(path)
    if name == STANDARD_OUTPUT:
        return 1
    own = rf"/proc/{os.getpid()}(?:/task/\d+)?/fd|/dev/fd"
    for _ in range(_LINKS):
        folder, last = os.path.split(os.path.abspath(name))
        if last.isdecimal() and re.fullmatch(own, os.path.realpath(folder)):
            return int(last)
        try:
            name = os.path.join(folder, os.readlink(name))
        except OSError:
            return None
    return None
