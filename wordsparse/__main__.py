"""The ``wordsparse`` script, and ``python -m wordsparse``.

From here on, a signal ends the process with status 130 and without a traceback. While the command line is still being
imported, the process ends at once.
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
    gc.freeze()  # skips the final search for reference cycles in all loaded objects: a tenth of a second
    sys.exit(status)


if __name__ == "__main__":
    run()
