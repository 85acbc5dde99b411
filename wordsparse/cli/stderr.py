"""A standard error stream whose failures are ignored: a message that cannot be written never ends the command."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class BestEffortStream:
    """A text stream that drops text it cannot write because its reader is gone, the disk full or the file closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        # RuntimeError: a signal handler writes during a write of its own thread.
        with suppress(OSError, ValueError, RuntimeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write the buffer, or drop it."""
        with suppress(OSError, ValueError, RuntimeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def best_effort_stderr() -> Iterator[None]:
    """Make ``sys.stderr`` ignore write errors inside the block."""
    before: TextIO | None = sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stderr = BestEffortStream(before or nowhere)
        try:
            yield
        finally:
            sys.stderr = before
