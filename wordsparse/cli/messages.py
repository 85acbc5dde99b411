"""Messages of the logger ``wordsparse``: lines on standard error, above the progress bars."""

import contextlib
import logging
import sys
from collections.abc import Iterator

from wordsparse.files.escaping import escaped


class MessageHandler(logging.Handler):
    """Writes a message as a line ``wordsparse: …``; one that cannot be written is dropped and never ends a run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line. The bars are cleared before it and drawn again below it."""
        from tqdm import tqdm  # not needed by a command that has nothing to say

        # A reader that has gone, a full disk, a closed stream, a character that the stream cannot encode.
        with contextlib.suppress(OSError, ValueError):
            if sys.stderr is not None:
                tqdm.write(f"wordsparse: {escaped(self.format(record))}", file=sys.stderr)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show messages, from the level INFO on, while the block runs."""
    logger, handler = logging.getLogger("wordsparse"), MessageHandler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
