"""``python -m wordsparse.distributed``, the program of every rank. Signals wait until it can answer them."""

import signal
import sys

from wordsparse import signals


def run() -> None:
    """Run the command on this rank and exit with its status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.SIGNALS)
    from wordsparse.distributed.command import start

    sys.exit(start())


if __name__ == "__main__":
    run()
