"""The ``wordsparse`` script, and ``python -m wordsparse``.

A signal ends the process with status 130 and without a traceback from here on: before the command line takes over,
while it is imported, the process ends at once.
"""

import contextlib
import gc
import os
import signal
import sys
from types import FrameType

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
INTERRUPTED = 130


def run() -> None:
    """Run the command line and leave with its exit status."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    sys.unraisablehook = heed
    from wordsparse.cli import main, terminal

    terminal.prepare()
    status = main()
    gc.freeze()  # At its end Python would search all that was imported and read for circles: a tenth of a second.
    sys.exit(status)


def leave(number: int, frame: FrameType | None) -> None:
    """End the process: a handler of signals."""
    with contextlib.suppress(OSError):
        os.write(2, b"wordsparse: interrupted\n")
    os._exit(INTERRUPTED)


def heed(unraisable: "sys.UnraisableHookArgs") -> None:
    """End the process if a signal came in a callback, such as one of an import: Python drops the exceptions of those,
    so the interruption would be printed and forgotten."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    run()
