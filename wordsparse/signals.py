"""Signals to a program before its command line takes over: they end it, without a traceback."""

import contextlib
import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130


def answer() -> None:
    """Make signals end the process from now on, unless the parent process ignored them."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    sys.unraisablehook = heed


def leave(number: int, frame: FrameType | None) -> None:
    """End the process; a signal handler."""
    with contextlib.suppress(OSError):
        os.write(2, b"wordsparse: interrupted\n")
    os._exit(INTERRUPTED)


def heed(unraisable: "sys.UnraisableHookArgs") -> None:
    """End the process if a signal came in a callback, such as a callback of an import. Python drops exceptions there,
    so the interruption would be printed and forgotten."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)
