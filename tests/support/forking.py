"""A child of a process one of whose threads is inside something."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def held_by_a_thread(held: AbstractContextManager[Any]) -> Iterator[None]:
    """Another thread is inside ``held`` while the block runs."""
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with held:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    try:
        yield
    finally:
        leave.set()
        thread.join()


def status_of_a_child(work: Callable[[], object]) -> int:
    """0 where ``work`` comes to its end in a forked process; a hang is a failure."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]
