"""The interface of communication over MPI, through mpi4py's buffers: nothing is pickled."""

import sys
import time
from collections.abc import Sequence
from functools import cache, reduce
from itertools import accumulate
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wordsparse import optional
from wordsparse.distributed.ranks import Ranks
from wordsparse.kernels.pool import ArrayPool
from wordsparse.types import Array

# Seconds in which the launcher has read what a rank has written, and between two looks at the others.
READ, LOOK = 1.0, 0.005
# Bytes of a large array that travel at a time.
BLOCK = 2**28


class MpiRanks(Ranks):
    """The processes of MPI's world. MissingDependencyError if mpi4py is not installed, or finds no MPI."""

    def __init__(self) -> None:
        mpi = optional.load("training over several processes", "mpi4py.MPI")
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = int(self._world.rank), int(self._world.size)
        host = self._world.Split_type(mpi.COMM_TYPE_SHARED)
        self.beside, self.local_rank = int(host.size), int(host.rank)
        self._pool = ArrayPool()

    def sum(self, part: Array) -> Array:
        # Each rank sums one slice of all parts, in the order of the ranks, and sends its sums to the others.
        each = -(-part.size // self.size)
        sliced = np.zeros((self.size, each), part.dtype)
        sliced.reshape(-1)[: part.size] = part.reshape(-1)
        received = np.empty_like(sliced)
        self._world.Alltoall(self._bytes(sliced), self._bytes(received))
        self._world.Allgather(self._bytes(reduce(np.add, received)), self._bytes(sliced))
        return sliced.reshape(-1)[: part.size].reshape(part.shape)

    def rows(self, part: Array, counts: Sequence[int]) -> Array:
        starts = [0, *accumulate(counts)][:-1]
        received = self._pool.rows(sum(counts), part.shape[1], part.dtype)
        received[starts[self.rank] :][: part.shape[0]] = part
        # Counted in rows: a count of MPI has 31 bits.
        row = received.strides[0]
        memory = as_strided(received.view(np.uint8), (received.shape[0] * row,), (1,))
        kind = self._mpi.BYTE.Create_contiguous(row).Commit()
        try:
            self._world.Allgatherv(self._mpi.IN_PLACE, [memory, list(counts), starts, kind])
        finally:
            kind.Free()
        return received

    def gather(self, content: bytes) -> list[bytes]:
        sizes = np.empty(self.size, np.int64)
        self._world.Allgather(self._bytes(np.array([len(content)])), self._bytes(sizes))
        received = np.empty(int(sizes.sum()), np.uint8)
        self._world.Allgatherv([content, self._mpi.BYTE], [received, sizes.tolist(), self._mpi.BYTE])
        ends = np.cumsum(sizes)
        return [received[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)]

    def copy(self, array: Array) -> None:
        content = array.reshape(-1).view(np.uint8)
        for start in range(0, content.size, BLOCK):
            self._world.Bcast(self._bytes(content[start : start + BLOCK]))

    def wait(self) -> None:
        request = self._world.Ibarrier()
        while not request.Test():  # MPI's own waiting takes a core from the rank that works
            time.sleep(LOOK)

    def abort(self, status: int) -> NoReturn:
        sys.stderr.flush()
        time.sleep(READ)  # of a job that it ends, MPICH's launcher reads nothing more
        self._world.Abort(status)
        raise SystemExit(status)

    def _bytes(self, array: Array) -> list[Any]:
        return [array.reshape(-1).view(np.uint8), self._mpi.BYTE]


@cache
def world() -> MpiRanks:
    """The ranks that the launcher has started; one where there was none. See :class:`MpiRanks`."""
    return MpiRanks()
