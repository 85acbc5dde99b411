"""Signals as a request to stop, which a run grants between two minibatches, when a checkpoint can be written.

SIGINT (Ctrl-C), SIGTERM (a scheduler, ``kill``) and SIGHUP (the terminal was closed) mean the same. A signal that the
parent process had ignored (``nohup``, a shell's background job) stays ignored.
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
FIRST_SIGNAL = "the run stops after this minibatch and writes a checkpoint; a second signal stops it now, without one"


class Interrupted(KeyboardInterrupt):
    """A run that was asked to stop has stopped; the message says where it can go on."""


class StopRequest:
    """Whether a signal asked to stop.

    While the request is not ``awaited``, a signal raises KeyboardInterrupt; so does the second one in any case.

    Attributes
    ----------
    awaited : bool
        Set while someone looks at ``received`` again and again.
    received : int
        Signals so far.
    """

    def __init__(self) -> None:
        self.awaited = False
        self.received = 0

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received += 1
        if self.received > 1 or not self.awaited:
            raise KeyboardInterrupt
        logger.warning(FIRST_SIGNAL)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn signals into a :class:`StopRequest` inside the block.

    Only the main thread may set handlers: in other threads signals stay as they are.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, request._receive) for number in heeded}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
