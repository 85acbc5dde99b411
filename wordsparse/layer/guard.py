"""One call at a time on one object: other threads wait, and a signal handler in the middle of a call is refused.

A process that is forked while another thread is in the middle of a call has a copy of the object that may be half
changed, and a lock that no thread of it will release: there, every call is refused.
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from wordsparse.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """A lock that no thread waits for in vain: one that holds it already is refused.

    A copy, pickled or not, is a free guard of its own.
    """

    def __init__(self) -> None:
        # Reentrant, so that a signal handler gets as far as the flag: a plain lock would block it for ever.
        self._lock, self._busy, self._cut_off = threading.RLock(), False, False
        _GUARDS.add(self)

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold it, for a call of ``what``; InputError if this thread is in the middle of another call, or a call was
        cut off by a fork."""
        if self._cut_off:
            raise InputError(
                f"{what}: this process was forked while another thread used the object, which may be half changed "
                "here: fork when no thread uses it, or make the object in this process"
            )
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

    def _after_fork(self) -> None:
        """In a forked process, whose only thread is the one that forked."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._cut_off = True


_GUARDS: "weakref.WeakSet[Guard]" = weakref.WeakSet()


def _after_fork() -> None:
    for guard in list(_GUARDS):
        guard._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def one_at_a_time(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A method that holds the ``guard`` of its object."""

    @wraps(method)
    def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.guard.held(method.__name__):
            return method(self, *args, **kwargs)

    return guarded
