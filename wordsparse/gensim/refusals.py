"""Errors of wordsparse.gensim that also have the types that gensim raises, and warnings that are logged once."""

import functools
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from wordsparse.errors import InputError

logger = logging.getLogger(__package__)


class WrongOrderError(InputError, RuntimeError):
    """An error for a method called before a step that it needs, such as building the vocabulary."""


class WrongPlaceError(InputError, AttributeError):
    """An error for a method that belongs to another object, or a file with other content."""


class Renamed:
    """A base class whose errors name the replacements of attributes that gensim 4 has removed."""

    _moved: ClassVar[Mapping[str, str]] = {}
    _absent: ClassVar[Mapping[str, str]] = {}

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        if name in self._moved:
            raise WrongPlaceError(f"{kind}.{name} was removed in gensim 4: use {self._moved[name]}")
        if name in self._absent:
            raise WrongPlaceError(f"{kind} has no {name}: {self._absent[name]}")
        raise AttributeError(f"{kind} has no attribute {name!r}")

    def add_lifecycle_event(self, event_name: str, log_level: int = logging.INFO, **event: Any) -> None:
        """Log an event."""
        logger.log(log_level, "%s: %s %s", self, event_name, event)


@functools.cache
def say_once(message: str) -> None:
    """Log a warning once per process."""
    logger.warning(message)
