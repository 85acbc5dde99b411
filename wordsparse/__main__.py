"""The ``wordsparse`` script, and ``python -m wordsparse``.

Signals end the process with status 130 and without a traceback. While the command line is still being imported, a
signal ends the process at once.
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
    gc.freeze()  # skip the final search for reference cycles, which takes 0.1 seconds
    sys.exit(status)


if __name__ == "__main__":
    run()
