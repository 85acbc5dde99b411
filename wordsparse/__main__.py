"""The ``wordsparse`` script, and ``python -m wordsparse``.

A signal ends the process with status 130 and without a traceback from here on: before the command line takes over,
while it is imported, the process ends at once.
"""

import gc
import sys

from wordsparse import signals


def run() -> None:
    """Run the command line and leave with its exit status."""
    signals.answer()
    from wordsparse.cli import main, terminal

    terminal.prepare()
    status = main()
    gc.freeze()  # At its end Python would search all that was imported and read for circles: a tenth of a second.
    sys.exit(status)


if __name__ == "__main__":
    run()
