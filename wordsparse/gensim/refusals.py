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
    """An error for a method called on the wrong object, or for a file with the wrong content."""


class Renamed:
    """A base class whose errors name the replacement of a missing attribute. gensim 4 removed most of these
    attributes."""

    _absent: ClassVar[Mapping[str, str]] = {}

    def __getattr__(self, name: str) -> NoReturn:
        kind, advice = type(self).__name__, self._absent.get(name)
        if advice is None and hasattr(vars(self).get("_wv"), name):
            advice = f"use wv.{name}"
        if advice is not None:
            raise WrongPlaceError(f"{kind} has no {name}: {advice}")
        raise AttributeError(f"{kind} has no attribute {name!r}")

    def add_lifecycle_event(self, event_name: str, log_level: int = logging.INFO, **event: Any) -> None:
        """Log an event."""
        logger.log(log_level, "%s: %s %s", self, event_name, event)


@functools.cache
def say_once(message: str) -> None:
    """Log a warning once per process."""
    logger.warning(message)
