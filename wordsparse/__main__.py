"""The ``wordsparse`` script, and ``python -m wordsparse``.

From the start, signals end the process with status 130 and without a traceback. While the command line is still being
imported, they end it at once.
"""

import gc
import sys

from wordsparse import signals


def run() -> None:
    """Run the command line and exit with its status."""
    signals.answer()
    from wordsparse.cli import main, terminal

    terminal.prepare()
    status = main()
    gc.freeze()  # skips the final search for reference cycles, which takes 0.1 seconds
    sys.exit(status)


if __name__ == "__main__":
    run()
