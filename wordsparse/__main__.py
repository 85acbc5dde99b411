"""The ``wordsparse`` script, and ``python -m wordsparse``.

A signal ends the process with status 130 and without a traceback from here on: before the command line takes over,
while it is imported, the process ends at once; once the work is done, a signal does not matter any more.
"""

import contextlib
import os
import signal
import sys
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run() -> None:
    """Run the command line and leave with its exit status."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    from wordsparse.cli import main, terminal

    terminal.prepare()
    status = main()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def leave(number: int, frame: FrameType | None) -> None:
    """End the process: a handler of signals."""
    with contextlib.suppress(OSError):
        os.write(2, b"wordsparse: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    run()
