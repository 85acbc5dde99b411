"""The handling of signals that ask a run to stop. The run stops between two minibatches, where it can write a
checkpoint.

SIGINT (Ctrl-C), SIGTERM (a scheduler, ``kill``) and SIGHUP (the terminal was closed) have the same effect. A signal
that the parent process ignores (as with ``nohup``, or in a background job of a shell) stays ignored.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from wordsparse.errors import InputError
from wordsparse.signals import SIGNALS

if TYPE_CHECKING:
    from wordsparse.training.loop import Run
    from wordsparse.training.progress import Progress
    from wordsparse.words.model import Model

logger = logging.getLogger(__name__)


class Interrupted(KeyboardInterrupt):
    """The exception for a run that was stopped by a signal. If the run has an output, the message names the checkpoint;
    otherwise :func:`interrupted_model` returns the model trained so far."""


_last: "list[Model]" = []


def keep(model: "Model | None") -> None:
    """Keep the model of an interrupted run, and discard the model kept before. With None, only discard."""
    _last[:] = [] if model is None else [model]


def interrupted_model() -> "Model":
    """Return the model of the last run without an output in this process, if that run was interrupted.

    Raises
    ------
    InputError
        If the last run was not interrupted, or was interrupted before its first minibatch was finished.
    """
    if not _last:
        raise InputError("no run is interrupted: the last run without an output finished, or took no step")
    return _last[0]


class StopRequest:
    """A counter, ``received``, of the signals that request a stop.

    ``awaited`` is True while the training loop polls ``received``. While ``awaited`` is False, a signal raises
    KeyboardInterrupt. A second signal always raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.awaited = False
        self.received = 0

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received += 1
        if self.received > 1 or not self.awaited:
            raise KeyboardInterrupt
        logger.warning("the run stops after this minibatch; a second signal stops it now, without a checkpoint")


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Count signals in a :class:`StopRequest` inside the block.

    Only the main thread may set signal handlers. In any other thread, this context leaves the handling of signals
    unchanged.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, request._receive) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_steps(run: "Run", stop: StopRequest, progress: "Callable[[Progress], None]", leave: Callable[[], str]) -> None:
    """Train to the end. If a signal stops the run between two minibatches, call ``leave``, which stores the progress
    and returns text that says where the progress is. This text is appended to the message of Interrupted."""
    stop.awaited = True
    for step in run.steps():
        progress(step)
        if stop.received and run.can_be_saved():
            where = f"{run.state.tokens:,} of {run.total_tokens:,} tokens"
            raise Interrupted(f"interrupted after {where}{leave()}")
