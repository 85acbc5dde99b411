"""Ends a rank that the others have left, which MPI itself lets wait for ever: where a host is cut off, or the launcher
is killed."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wordsparse.distributed import hydra
from wordsparse.errors import InputError

# Seconds of waiting, and the variable that sets another number; 0 waits for ever.
PATIENCE, VARIABLE = 300.0, "WORDSPARSE_MPI_PATIENCE"
# Ended so, a rank has this exit status.
STATUS = 1


def patience() -> float:
    """The seconds that the environment sets, or else PATIENCE; InputError if they are no number."""
    given = os.environ.get(VARIABLE, str(PATIENCE))
    try:
        return float(given)
    except ValueError:
        raise InputError(f"{VARIABLE} must be a number of seconds, not {given!r:.40}") from None


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End this process by SIGALRM if the block takes longer; 0 for no limit.

    MPICH's launcher does not notice a rank that dies before it has started MPI. The others wait for it in the start of
    MPI, which lets no thread of Python run.
    """
    if seconds <= 0 or not hasattr(signal, "setitimer"):  # Windows has none
        yield
        return
    before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


class Watchdog:
    """Watches, from a thread of its own, how long this rank has been in a call that waits for others.

    Parameters
    ----------
    patience : float
        Seconds; 0 for no end.
    say : callable
        Takes the line for people before the process ends.
    silent : callable, optional
        Returns a rank that has not been heard of for so many seconds, or None.
    """

    def __init__(
        self,
        patience: float,
        say: Callable[[str], object],
        silent: Callable[[float], int | None] = lambda seconds: None,
    ) -> None:
        self._patience, self._say, self._silent = patience, say, silent
        self._since: float | None = None
        self._watches = False
        if patience > 0:
            threading.Thread(target=self._look, name="wordsparse-watchdog", daemon=True).start()

    def watch(self, watches: bool) -> None:
        """Whether a long wait ends the process from now on. Where others may work alone for long, it does so only if
        one of them is silent."""
        self._watches = watches

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._since = None

    def _look(self) -> None:
        patience = self._patience
        looked = awake = time.monotonic()
        while True:
            time.sleep(min(1.0, patience / 4))
            before, looked = looked, time.monotonic()
            if looked - before > patience / 2:
                awake = looked  # this process was suspended, and has heard nothing meanwhile
            since = self._since
            if since is not None and looked - max(since, awake) > patience and (line := self._judged()):
                self._say(line)
                hydra.wait_until_read()
                os._exit(STATUS)

    def _judged(self) -> str:
        """Why a wait that long is the end; empty where it is not."""
        remedy = f"({VARIABLE} sets the seconds)"
        if self._watches:
            return (
                f"no answer of the other ranks for {self._patience:g} s: a host may be cut off {remedy}; the newest "
                "checkpoint is kept; resume from it with --resume"
            )
        rank = self._silent(self._patience)
        if rank is None:
            return ""
        return (
            f"nothing heard of rank {rank} for {self._patience:g} s: it has stopped, or its host is cut off {remedy}; "
            "start all ranks again, a training with --resume"
        )


def end_with_parent(say: Callable[[str], object], every: float = 1.0) -> None:
    """End this process, from a thread, soon after the process that started it has ended.

    A launcher that is killed cannot end its ranks. One that waits for another in MPI would poll for ever.
    """
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        say("the launcher has ended; the newest checkpoint is kept; resume from it with --resume")
        os._exit(STATUS)

    threading.Thread(target=look, name="wordsparse-parent", daemon=True).start()
