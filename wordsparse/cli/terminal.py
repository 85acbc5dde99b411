"""The standard streams: untrusted text is escaped for the terminal, and a failing stream causes no traceback."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from wordsparse import display
from wordsparse.files.escaping import escaped


def say(lines: Iterable[object]) -> None:
    """Write lines, escaped, to standard error."""
    for line in lines:
        display.write(str(line))


def show(lines: Iterable[str]) -> None:
    """Write lines, escaped, to standard output. Raise OSError if the disk is full, or if the pipe is closed."""
    for line in lines:
        print(escaped(line))
    if sys.stdout is not None:
        sys.stdout.flush()


def prepare() -> None:
    """Make the standard streams, at program start, escape characters that they cannot encode, as ``\\xe9``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def silence(file: TextIO | None) -> None:
    """Discard the buffer of a failed stream, because the interpreter's final flush would fail with a traceback."""
    with contextlib.suppress(OSError, ValueError):
        if file is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, file.fileno())
            os.close(null)


class _Messages(logging.Handler):
    """A log handler that writes each message of ``wordsparse`` on standard error, above the progress line."""

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
