"""One call at a time on one object: the calls of other threads wait until the current call has ended."""

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
    """A lock. If a process is forked while the lock is held, the object may be half changed: the child refuses calls.

    A copy, pickled or not, is a new guard that is not held.
    """

    def __init__(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold the lock while kernels run, for a call of ``what``; InputError if a fork cut off an earlier call."""
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
    """Return the method such that it holds the ``guard`` of its object."""

    @wraps(method)
    def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.guard.held(method.__name__):
            return method(self, *args, **kwargs)

    return guarded
