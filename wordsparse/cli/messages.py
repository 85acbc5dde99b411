"""Messages of the logger ``wordsparse``: lines on standard error, above the progress bars."""

import contextlib
import logging
from collections.abc import Iterator

from wordsparse import display
from wordsparse.cli import terminal


class MessageHandler(logging.Handler):
    """Writes each message as a line ``wordsparse: MESSAGE``."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line above the progress bars."""
        display.write(f"wordsparse: {self.format(record)}")


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show messages of level INFO and above while the block runs."""
    logger = logging.getLogger("wordsparse")
    handler = logging.NullHandler() if terminal.muted else MessageHandler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
