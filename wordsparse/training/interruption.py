"""SIGINT and SIGTERM as a wish to stop that is granted between two minibatches, when a checkpoint can be written."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A run that was asked to stop has stopped; the message says where it can go on."""


class Wish:
    """Whether a signal asked to stop. While it is not ``patient``, and from the second signal on, it is an exception.

    Attributes
    ----------
    patient : bool
        Set while someone looks at ``stop`` again and again.
    """

    def __init__(self) -> None:
        self.stop = self.patient = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.stop or not self.patient:
            raise KeyboardInterrupt
        self.stop = True


@contextmanager
def watched() -> Iterator[Wish]:
    """Signals as a wish inside the block. Only the main thread may set handlers: elsewhere they stay as they are."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish._receive) for number in SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
