"""The ranks of a run, over MPI. All communication goes through :class:`Ranks`, and nothing is pickled."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any, NoReturn

import numpy as np

from wordsparse import optional
from wordsparse.kernels.pool import CACHE_LINE, ArrayPool, row_bytes
from wordsparse.types import Array

# READ: seconds for the launcher to read a rank's last output. LOOK: seconds between checks that all ranks have joined.
READ, LOOK = 1.0, 0.005
# Rows of at least WIDE bytes travel in the layout in which kernels read rows (ArrayPool.rows), so they are not copied.
WIDE = 4 * CACHE_LINE


class Ranks:
    """The ranks of a run, as one rank sees them. MissingDependencyError is raised if mpi4py or MPI is missing.

    All methods except ``abort`` are collective: all ranks call the same methods in the same order, from the main
    thread. Arrays are NumPy arrays. Sums are taken in the order of the ranks, so a repeated run gives the same bytes.
    ``rank`` is the number of this rank, from 0, of ``size`` ranks, and ``local_rank`` its number among the
    ``local_size`` ranks of its host. ``agreed`` is the last error that all ranks raised together. ``waiting`` is the
    CPU time in seconds that this thread has spent in MPI, where a rank polls while it waits for others. ``sent`` and
    ``received`` are the bytes of arrays that went to other ranks, and came from them.
    """

    agreed: BaseException | None = None

    def __init__(self) -> None:
        mpi = optional.load("training over several processes", "mpi4py.MPI")
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = int(self._world.rank), int(self._world.size)
        host = self._world.Split_type(mpi.COMM_TYPE_SHARED)
        self.local_size, self.local_rank = int(host.size), int(host.rank)
        self.waiting, self.sent, self.received = 0.0, 0, 0
        self._pool, self._types = ArrayPool(), dict[int, Any]()

    def sum(self, part: Array) -> Array:
        """Return the sum over all ranks of ``part``, whose shape and dtype are equal. All ranks get the same bytes."""
        # Each rank sums one slice of all parts, in the order of the ranks, and sends its sums to the other ranks.
        starts = [part.size * i // self.size for i in range(self.size + 1)]
        counts = [part.itemsize * (stop - start) for start, stop in pairwise(starts)]
        own = counts[self.rank]
        received = self._pool.empty((self.size, own // part.itemsize), part.dtype)
        total = self._pool.empty(part.shape, part.dtype)
        parts = self._bytes(part, counts), self._bytes(received, [own] * self.size)
        self._in_mpi(self._world.Alltoallv, *parts, sent=part.nbytes - own, received=received.nbytes - own)
        sums = received[0]
        for other in received[1:]:
            sums += other
        parts = self._bytes(sums), self._bytes(total, counts)
        self._in_mpi(self._world.Allgatherv, *parts, sent=received.nbytes - own, received=part.nbytes - own)
        return total

    def share(self, arrays: Sequence[Array], root: int) -> list[Array]:
        """Return the ``arrays`` of the rank ``root``. On other ranks, ``arrays`` is not used."""
        described = json.dumps([(part.dtype.str, part.shape) for part in arrays]).encode()
        header = np.zeros(1024, np.uint8)
        header[: len(described)] = bytearray(described)
        self._broadcast(header, root)
        shapes = json.loads(header.tobytes().rstrip(b"\0"))
        sizes = [_padded(prod(shape, start=np.dtype(dtype).itemsize)) for dtype, shape in shapes]
        content = self._pool.empty((sum(sizes),), np.uint8, aligned=True)
        places = zip(shapes, _starts(sizes), strict=True)
        shared = [np.ndarray(shape, dtype, content, start) for (dtype, shape), start in places]
        if root == self.rank:
            for part, place in zip(arrays, shared, strict=True):
                place[...] = part
        self._broadcast(content, root)
        return shared

    def transposed(self, numbers: Sequence[int]) -> list[int]:
        """Send ``numbers[i]`` to rank i. Return the number received from each rank."""
        received = np.empty(self.size, np.int64)
        self._in_mpi(self._world.Alltoall, self._bytes(np.array(numbers, np.int64)), self._bytes(received))
        return received.tolist()

    def exchange(self, rows: Array, outbound: Sequence[int], inbound: Sequence[int]) -> Array:
        """Send consecutive ``rows`` (n, k) to the ranks, ``outbound[i]`` rows to rank i. Return the rows received,
        ``inbound[i]`` from rank i, in the order of the ranks."""
        k, dtype, is_wide = rows.shape[1], rows.dtype, rows.shape[1] * rows.itemsize >= WIDE
        size = row_bytes(k, dtype.itemsize) if is_wide else k * dtype.itemsize
        sent = self._pool.on_lines(rows) if is_wide else np.ascontiguousarray(rows)
        received = self._pool.rows(sum(inbound), k, dtype, on_lines=is_wide)
        parts = self._rows(sent, size, outbound), self._rows(received, size, inbound)
        to_others, from_others = (size * (sum(counts) - counts[self.rank]) for counts in (outbound, inbound))
        self._in_mpi(self._world.Alltoallv, *parts, sent=to_others, received=from_others)
        return received

    def collect(self, rows: Array, bounds: Array) -> None:
        """Overwrite rows of the array of rank 0: rank i sends its rows from ``bounds[i]`` to ``bounds[i + 1]``. The
        array must be contiguous."""
        size, counts = rows.strides[0], np.diff(bounds).tolist()
        own = rows[bounds[self.rank] : bounds[self.rank + 1]]
        if self.rank == 0:
            received = size * sum(counts[1:])
            self._in_mpi(self._world.Gatherv, self._mpi.IN_PLACE, self._rows(rows, size, counts), received=received)
        else:
            memory, *_, row = self._rows(own, size, counts)
            self._in_mpi(self._world.Gatherv, [memory, len(own), row], None, sent=own.nbytes)

    def gather(self, content: bytes) -> list[bytes]:
        """Return the ``content`` of every rank, on all ranks."""
        sizes = np.empty(self.size, np.int64)
        self._in_mpi(self._world.Allgather, self._bytes(np.array([len(content)])), self._bytes(sizes))
        received, byte = np.empty(int(sizes.sum()), np.uint8), self._mpi.BYTE
        self._in_mpi(self._world.Allgatherv, [content, byte], [received, sizes.tolist(), byte])
        ends = np.cumsum(sizes)
        return [received[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)]

    def copy(self, array: Array) -> None:
        """Overwrite ``array``, which must be contiguous, with the array of rank 0."""
        self._broadcast(array, 0)

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

    def _broadcast(self, array: Array, root: int) -> None:
        sent, received = (array.nbytes, 0) if root == self.rank else (0, array.nbytes)
        self._in_mpi(self._world.Bcast, self._bytes(array), root, sent=sent, received=received)

    def _in_mpi(self, call: Callable[..., Any], *arguments: Any, sent: int = 0, received: int = 0) -> None:
        begun = time.thread_time()
        call(*arguments)
        self.waiting += time.thread_time() - begun
        self.sent, self.received = self.sent + sent, self.received + received

    def _rows(self, rows: Array, size: int, counts: Sequence[int]) -> list[Any]:
        """Describe consecutive parts of an array to MPI: ``counts`` rows, which begin every ``size`` bytes. Counts of
        rows stay below MPI's limit where counts of bytes do not."""
        if size not in self._types:
            self._types[size] = self._mpi.BYTE.Create_contiguous(size).Commit()
        memory = self._mpi.memory.fromaddress(rows.__array_interface__["data"][0], rows.shape[0] * size)
        return [memory, counts, _starts(counts), self._types[size]]

    def _bytes(self, array: Array, counts: Sequence[int] | None = None) -> list[Any]:
        """Describe an array to MPI, or consecutive parts of it with ``counts`` bytes."""
        memory = array.reshape(-1).view(np.uint8)
        return [memory, self._mpi.BYTE] if counts is None else [memory, counts, _starts(counts), self._mpi.BYTE]


def _starts(counts: Sequence[int]) -> list[int]:
    return [0, *accumulate(counts[:-1])]


def _padded(size: int) -> int:
    return -(-size // CACHE_LINE) * CACHE_LINE


@cache
def world() -> Ranks:
    """Return the ranks that the launcher started, or a single rank without a launcher."""
    return Ranks()
