"""Errors of wordsparse.gensim, which also have the types that gensim raises, and warnings that are logged once."""

import functools
import logging

from wordsparse.errors import InputError

logger = logging.getLogger(__package__)


class WrongOrderError(InputError, RuntimeError):
    """A method was called before the step that it needs, such as building the vocabulary."""


class WrongPlaceError(InputError, AttributeError):
    """The method belongs to another object, or the file has other contents."""


@functools.cache
def say_once(message: str) -> None:
    """Log a warning, the first time in this process."""
    logger.warning(message)
