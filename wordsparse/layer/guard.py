"""One call at a time on one object: other threads wait, and so does the next call until the one before has ended."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from wordsparse.errors import InputError
from wordsparse.kernels import at_work

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """A lock. In a process that was forked while it was held, the object may be half changed: every call is refused.

    A copy, pickled or not, is a free guard of its own.
    """

    def __init__(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold it while kernels run, for a call of ``what``; InputError if a call was cut off by a fork."""
        if self._process != os.getpid():
            if self._lock.locked():
                raise InputError(
                    f"{what}: this process was forked while another thread used the object, which may be half changed "
                    "here: fork when no thread uses it, or make the object in this process"
                )
            self._process = os.getpid()
        with self._lock, at_work():
            yield

    def __reduce__(self) -> tuple[type["Guard"], tuple[()]]:
        return Guard, ()


def one_at_a_time(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A method that holds the ``guard`` of its object."""

    @wraps(method)
    def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.guard.held(method.__name__):
            return method(self, *args, **kwargs)

    return guarded
