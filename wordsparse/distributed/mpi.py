"""The interface of communication over MPI, through mpi4py's buffers: nothing is pickled."""

import sys
import time
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wordsparse import optional
from wordsparse.distributed.ranks import Ranks
from wordsparse.errors import InputError
from wordsparse.kernels.pool import ArrayPool
from wordsparse.types import Array

# Seconds in which the launcher has read what a rank has written.
READ = 1.0


class MpiRanks(Ranks):
    """The processes of MPI's world.

    Raises
    ------
    MissingDependencyError
        If mpi4py is not installed, or finds no MPI.
    InputError
        If their number is not ``expected``.
    """

    def __init__(self, expected: int | None = None) -> None:
        mpi = optional.load("training over several processes", "mpi4py.MPI")
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = int(self._world.rank), int(self._world.size)
        if expected not in (None, self.size):
            library = mpi.Get_library_version().split(",")[0].splitlines()[0]
            raise InputError(
                f"the launcher started {expected} processes, but the MPI of mpi4py ({library}) sees {self.size}: start "
                "them with the mpiexec of that MPI"
            )
        host = self._world.Split_type(mpi.COMM_TYPE_SHARED)
        self.beside, self.local_rank = int(host.size), int(host.rank)
        self._pool = ArrayPool()

    def sum(self, part: Array) -> Array:
        part = np.asarray(part, order="C")  # (a single number stays one)
        # Each rank sums one slice of all parts, in the order of the ranks, and sends its sums to the others.
        each = -(-part.size // self.size)
        sliced = np.zeros((self.size, each), part.dtype)
        sliced.reshape(-1)[: part.size] = part.reshape(-1)
        received = np.empty_like(sliced)
        self._world.Alltoall(self._bytes(sliced), self._bytes(received))
        self._world.Allgather(self._bytes(reduce(np.add, received)), self._bytes(sliced))
        self.sent += 2 * (self.size - 1) * each * part.itemsize
        return sliced.reshape(-1)[: part.size].reshape(part.shape)

    def exchange(self, rows: Array, to: Sequence[int], from_: Sequence[int]) -> Array:
        received = self._pool.rows(sum(from_), rows.shape[1], rows.dtype)
        if rows.strides != received.strides:  # rows that kernels have made stand apart in memory, as in the pool
            rows, given = self._pool.rows(rows.shape[0], rows.shape[1], rows.dtype), rows
            rows[...] = given
        # What stays is copied by NumPy, which takes half of MPI's time.
        starts, places = _starts(to), _starts(from_)
        at, place, stays = starts[self.rank], places[self.rank], to[self.rank]
        received[place : place + stays] = rows[at : at + stays]
        sends, receives = list(to), list(from_)
        sends[self.rank] = receives[self.rank] = 0
        # Counted in rows: a count of MPI has 31 bits.
        row = rows.strides[0]
        kind = self._mpi.BYTE.Create_contiguous(row).Commit()
        try:
            sent, came = [_memory(rows), sends, starts, kind], [_memory(received), receives, places, kind]
            self._world.Alltoallv(sent, came)
        finally:
            kind.Free()
        self.sent += sum(sends) * row
        return received

    def gather(self, content: bytes) -> list[bytes]:
        sizes = np.empty(self.size, np.int64)
        self._world.Allgather(self._bytes(np.array([len(content)])), self._bytes(sizes))
        received = np.empty(int(sizes.sum()), np.uint8)
        self._world.Allgatherv([content, self._mpi.BYTE], [received, sizes.tolist(), self._mpi.BYTE])
        self.sent += (self.size - 1) * (len(content) + 8)
        ends = np.cumsum(sizes)
        return [received[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)]

    def abort(self, status: int) -> NoReturn:
        sys.stderr.flush()
        time.sleep(READ)  # of a job that it ends, MPICH's launcher reads nothing more
        self._world.Abort(status)
        raise SystemExit(status)

    def _bytes(self, array: Array) -> list[Any]:
        return [array.reshape(-1).view(np.uint8), self._mpi.BYTE]


def _memory(rows: Array) -> Array:
    """The bytes of rows (n, k), with those between them."""
    parts = rows.view(np.uint8)
    memory: Array = as_strided(parts, (rows.shape[0] * rows.strides[0],), (1,))
    return memory


def _starts(counts: Sequence[int]) -> list[int]:
    """Where the rows of each rank begin."""
    return [0, *accumulate(counts)][:-1]
