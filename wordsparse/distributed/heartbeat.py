"""Ranks tell each other that they are alive, also while one of them works by itself for long."""

import atexit
import threading
import time
from contextlib import suppress
from typing import Any

# Seconds at the end of the process in which a beat that is under way may end.
LAST = 5.0


class Heartbeat:
    """Sends an empty message to every other rank at intervals, from a thread, and notes those that come.

    Made collectively. It needs an MPI that two threads may call at once.

    Parameters
    ----------
    mpi : module
        ``mpi4py.MPI``.
    world : communicator
    every : float
        Seconds between two beats.
    """

    def __init__(self, mpi: Any, world: Any, every: float) -> None:
        self._mpi, self._ranks, self._every = mpi, world.Dup(), every  # a communicator in which nothing else travels
        self._heard = {rank: time.monotonic() for rank in range(world.size) if rank != world.rank}
        self._sending = dict.fromkeys(self._heard, mpi.REQUEST_NULL)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="wordsparse-heartbeat", daemon=True)
        self._thread.start()
        atexit.register(self._stop)  # before MPI ends

    def silent(self, seconds: float) -> int | None:
        """The rank that has been silent for longest, if that is more than so many seconds."""
        rank = min(self._heard, key=self._heard.__getitem__)
        return rank if time.monotonic() - self._heard[rank] > seconds else None

    def _beat(self) -> None:
        nothing, status = [bytearray(), self._mpi.BYTE], self._mpi.Status()
        while not self._ended.wait(self._every):
            with suppress(self._mpi.Exception):  # a rank that cannot be reached is silent
                while self._ranks.Iprobe(status=status):
                    self._ranks.Recv(nothing, status.source)
                    self._heard[status.source] = time.monotonic()
            for rank, sending in self._sending.items():
                with suppress(self._mpi.Exception):
                    if sending.Test():  # one at a time to a rank that takes none
                        self._sending[rank] = self._ranks.Isend(nothing, rank)

    def _stop(self) -> None:
        self._ended.set()
        self._thread.join(LAST)
