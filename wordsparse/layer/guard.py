"""A lock that allows one call at a time on an object. Calls from other threads wait until the current call has
ended."""

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
    """A lock that takes forks into account. If a process was forked while another thread held the lock, the lock
    refuses all calls in the new process, because the guarded object may be half changed there.

    A copy of a guard, pickled or not, is a new guard that is not held.
    """

    def __init__(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold the lock. ``what`` is the name of the call for messages. Raise InputError if the process was forked
        during another thread's call."""
        if self._process != os.getpid():
            if self._lock.locked():
                raise InputError(
                    f"{what}: this process was forked while another thread used the object, which may be half changed "
                    "here: fork when no thread uses it, or make the object in this process"
                )
            self._process = os.getpid()
        with self._lock:
            yield

    def __reduce__(self) -> tuple[type["Guard"], tuple[()]]:
        return Guard, ()


def one_at_a_time(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Wrap a method that runs kernels so that it holds the ``guard`` of its object meanwhile."""

    @wraps(method)
    def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.guard.held(method.__name__), at_work():
            return method(self, *args, **kwargs)

    return guarded
