"""Handles signals until the command line takes over: a signal ends the program without a traceback."""

import contextlib
import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130


def answer() -> None:
    """Install handlers, so that signals end the process. A signal that the parent process ignores stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    sys.unraisablehook = heed


def leave(number: int, frame: FrameType | None) -> None:
    """End the process. This is a signal handler."""
    with contextlib.suppress(OSError):
        os.write(2, b"wordsparse: interrupted\n")
    os._exit(INTERRUPTED)


def heed(unraisable: "sys.UnraisableHookArgs") -> None:
    """End the process if a signal arrived while Python ran a finalizer or another callback, for example in an import.
    Python prints and then ignores exceptions raised in callbacks, so the signal would otherwise have no effect."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)
