"""The ``wordsparse`` script, and ``python -m wordsparse``.

A signal ends the process with status 130 and without a traceback from here on: before the command line takes over,
while it is imported, the process ends at once; once the work is done, signals are ignored.
"""

import atexit
import contextlib
import os
import signal
import sys
from types import FrameType

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
INTERRUPTED = 130


def run() -> None:
    """Run the command line and leave with its exit status."""
    ended: list[int] = []
    atexit.register(_keep_status, ended)  # registered first, so it is called last
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    from wordsparse.cli import main, terminal

    terminal.prepare()
    ended.append(main())
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(ended[0])


def leave(number: int, frame: FrameType | None) -> None:
    """End the process: a handler of signals."""
    with contextlib.suppress(OSError):
        os.write(2, b"wordsparse: interrupted\n")
    os._exit(INTERRUPTED)


def _keep_status(ended: list[int]) -> None:
    """End an interrupted process with its own status.

    CPython ends a process of ``python -m`` by SIGINT if a KeyboardInterrupt, although caught, has passed through an
    ``exec`` of text, as in modules that were being imported.
    """
    if ended == [INTERRUPTED]:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    run()
