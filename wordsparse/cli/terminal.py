"""The standard streams: text of others is escaped for the terminal, and a stream that fails costs no traceback."""

import contextlib
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from wordsparse.errors import WordsparseError
from wordsparse.files.escaping import escaped


def say(lines: Iterable[object]) -> None:
    """Write lines to standard error, escaped. What cannot be written is dropped: nobody is there to read it."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            for line in lines:
                print(escaped(str(line)), file=sys.stderr)
            sys.stderr.flush()


def show(lines: Iterable[str], file: TextIO | None = None) -> None:
    """Write lines, escaped, to standard output or to ``file``.

    Raises
    ------
    WordsparseError
        If the stream is closed or full.
    BrokenPipeError
        If its reader has gone.
    """
    file = file or sys.stdout
    if file is None:
        raise WordsparseError("standard output is closed")
    try:
        for line in lines:
            print(escaped(line), file=file)
        file.flush()
    except OSError as error:
        silence(file)
        if isinstance(error, BrokenPipeError):
            raise
        raise WordsparseError(f"standard output: writing failed: {error.strerror or error}") from error


def prepare() -> None:
    """Make the standard streams safe to use: at the start of the program.

    A character that a stream cannot encode is written as ``\\xe9``. Where a stream is closed, its number must not be
    that of the next file that is opened: what goes to the stream would be written into the file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number; writing to it fails
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def silence(file: TextIO | None) -> None:
    """Send what is left in the buffer nowhere: the interpreter would fail to write it at its end, with a traceback."""
    with contextlib.suppress(OSError, ValueError):
        if file is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, file.fileno())
            os.close(null)
