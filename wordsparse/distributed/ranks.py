"""The ranks of a run, over MPI. All communication goes through :class:`Ranks`, and nothing is pickled."""

import sys
import time
from collections.abc import Sequence
from functools import cache, reduce
from itertools import accumulate
from typing import Any, NoReturn

import numpy as np

from wordsparse import optional
from wordsparse.kernels.pool import ArrayPool
from wordsparse.types import Array

# READ: seconds for the launcher to read a rank's last output. LOOK: seconds between checks that all ranks have joined.
READ, LOOK = 1.0, 0.005


class Ranks:
    """The ranks of a run, as one rank sees them. MissingDependencyError is raised if mpi4py or MPI is missing.

    All methods except ``abort`` are collective: all ranks call the same methods in the same order, from the main
    thread. Arrays are NumPy arrays. Sums are taken in the order of the ranks, so a repeated run gives the same bytes.
    ``rank`` is the number of this rank, from 0, of ``size`` ranks, and ``local_rank`` its number among the
    ``local_size`` ranks of its host. ``agreed`` is the last error that all ranks raised together.
    """

    agreed: BaseException | None = None

    def __init__(self) -> None:
        mpi = optional.load("training over several processes", "mpi4py.MPI")
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = int(self._world.rank), int(self._world.size)
        host = self._world.Split_type(mpi.COMM_TYPE_SHARED)
        self.local_size, self.local_rank = int(host.size), int(host.rank)
        self._pool = ArrayPool()

    def sum(self, part: Array) -> Array:
        """Return the sum over all ranks of ``part``, whose shape and dtype are equal. All ranks get the same bytes."""
        # Each rank sums one slice of all parts, in the order of the ranks, and sends its sums to the other ranks.
        each = -(-part.size // self.size)
        sliced = np.zeros((self.size, each), part.dtype)
        sliced.reshape(-1)[: part.size] = part.reshape(-1)
        received = np.empty_like(sliced)
        self._world.Alltoall(self._bytes(sliced), self._bytes(received))
        self._world.Allgather(self._bytes(reduce(np.add, received)), self._bytes(sliced))
        return sliced.reshape(-1)[: part.size].reshape(part.shape)

    def rows(self, part: Array, counts: Sequence[int]) -> Array:
        """Return the rows of all ranks, in the order of the ranks. ``part`` (n, k) has the rows of this rank,
        ``counts`` the n of every rank."""
        ends = list(accumulate(counts))
        received = self._pool.empty((ends[-1], part.shape[1]), part.dtype)
        received[ends[self.rank] - part.shape[0] : ends[self.rank]] = part
        sizes = [count * part.shape[1] * part.itemsize for count in counts]
        content, byte = self._bytes(received)
        self._world.Allgatherv(self._mpi.IN_PLACE, [content, sizes, byte])
        return received

    def gather(self, content: bytes) -> list[bytes]:
        """Return the ``content`` of every rank, on all ranks."""
        sizes = np.empty(self.size, np.int64)
        self._world.Allgather(self._bytes(np.array([len(content)])), self._bytes(sizes))
        received = np.empty(int(sizes.sum()), np.uint8)
        self._world.Allgatherv([content, self._mpi.BYTE], [received, sizes.tolist(), self._mpi.BYTE])
        ends = np.cumsum(sizes)
        return [received[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)]

    def copy(self, array: Array) -> None:
        """Overwrite ``array``, which must be contiguous, with the array of rank 0."""
        self._world.Bcast(self._bytes(array))

    def wait(self) -> None:
        """Wait until all ranks have called this method, possibly for a long time."""
        request = self._world.Ibarrier()
        while not request.Test():  # MPI's own wait would spin, and take a core from the working rank
            time.sleep(LOOK)

    def abort(self, status: int) -> NoReturn:
        """End all ranks at once with this exit status, whatever they are doing."""
        sys.stderr.flush()
        time.sleep(READ)  # MPICH's launcher stops reading output when it ends a job
        self._world.Abort(status)
        raise SystemExit(status)

    def _bytes(self, array: Array) -> list[Any]:
        return [array.reshape(-1).view(np.uint8), self._mpi.BYTE]


@cache
def world() -> Ranks:
    """Return the ranks that the launcher started, or a single rank without a launcher."""
    return Ranks()
