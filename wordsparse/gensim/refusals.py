"""What this door says: errors of ours that are also those which gensim raises, and notices said once."""

import functools
import logging

from wordsparse.errors import InputError

logger = logging.getLogger(__name__)


class WrongTypeError(InputError, TypeError):
    """A text that cannot be read as often as it must be, or is no text."""


class WrongOrderError(InputError, RuntimeError):
    """Something is asked of a model that has not been prepared for it."""


class WrongPlaceError(InputError, AttributeError):
    """A method that is to be found elsewhere, or a file that holds something else."""


@functools.cache
def say_once(message: str) -> None:
    """Log a warning, the first time in this process."""
    logger.warning(message)
