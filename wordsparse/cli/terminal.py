"""The standard streams: untrusted text is escaped for the terminal, and a failing stream causes no traceback."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from wordsparse import display
from wordsparse.errors import WordsparseError
from wordsparse.files.escaping import escaped


def say(lines: Iterable[object]) -> None:
    """Write lines, escaped, to standard error."""
    for line in lines:
        print(escaped(str(line)), file=sys.stderr)
    sys.stderr.flush()


def show(lines: Iterable[str], file: TextIO | None = None) -> None:
    """Write lines, escaped, to standard output or to ``file``. A stream that is closed or full is a WordsparseError,
    one whose reader has closed it a BrokenPipeError."""
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
    """Make the standard streams safe to use; called at the start of the program.

    A character that a stream cannot encode is written as an escape such as ``\\xe9``. The descriptor of a closed
    stream is occupied: otherwise the next opened file would get it, and output to the stream would go into that file.
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
    """Discard the buffer of a failed stream: the interpreter's final flush would fail with a traceback."""
    with contextlib.suppress(OSError, ValueError):
        if file is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, file.fileno())
            os.close(null)


class BestEffortStream:
    """A text stream that drops text it cannot write because its reader is gone, the disk full or the file closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write the buffer, or drop it."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def best_effort_stderr() -> Iterator[None]:
    """Make ``sys.stderr`` ignore write errors inside the block."""
    before: TextIO | None = sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stderr = BestEffortStream(before or nowhere)
        try:
            yield
        finally:
            sys.stderr = before


class _Messages(logging.Handler):
    """Writes each message of the logger ``wordsparse`` as a line on standard error, above the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        display.write(f"wordsparse: {self.format(record)}")


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Show messages of level INFO and above while the block runs."""
    logger, handler = logging.getLogger("wordsparse"), _Messages()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
