"""One call at a time on one object: other threads wait, and a signal handler in the middle of a call is refused."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from wordsparse.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """A lock that no thread waits for in vain: one that holds it already is refused.

    A copy, pickled or not, is a free guard of its own.
    """

    def __init__(self) -> None:
        # Reentrant, so that a signal handler gets as far as the flag: a plain lock would block it for ever.
        self._lock, self._busy = threading.RLock(), False

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold it, for a call of ``what``.

        Raises
        ------
        InputError
            If this thread is in the middle of another call.
        """
        with self._lock:
            if self._busy:
                raise InputError(
                    f"{what} was called in the middle of another call on the same object, as by a signal handler: "
                    "call it when that one has returned"
                )
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    def __reduce__(self) -> tuple[type["Guard"], tuple[()]]:
        return Guard, ()


class Guarded(Protocol):
    """An object with a guard."""

    @property
    def guard(self) -> Guard:
        """Its guard."""


G = TypeVar("G", bound=Guarded)


def one_at_a_time(method: Callable[Concatenate[G, P], R]) -> Callable[Concatenate[G, P], R]:
    """A method that holds the guard of its object."""

    @wraps(method)
    def guarded(self: G, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.guard.held(method.__name__):
            return method(self, *args, **kwargs)

    return guarded
