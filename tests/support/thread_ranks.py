"""Ranks that are threads of one process, for tests of distributed training without MPI."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from wordsparse.distributed.ranks import Ranks

T = TypeVar("T")


class ThreadRanks(Ranks):
    """One of several ranks. Each rank writes its part to the shared list ``board``, then waits for all ranks at
    ``gate``."""

    def __init__(self, rank, board, gate):
        self.rank, self.size, self.local_rank, self.local_size = rank, len(board), rank, len(board)
        self._board, self._gate = board, gate

    def _all(self, part):
        self._board[self.rank] = part
        self._gate.wait()
        parts = list(self._board)
        self._gate.wait()
        return parts

    def sum(self, part):
        parts = self._all(part.copy())
        return sum(parts[1:], start=parts[0].copy())

    def share(self, arrays, root):
        shared = self._all([part.copy() for part in arrays])[root]
        return [part.copy() for part in shared]

    def transposed(self, numbers):
        return [row[self.rank] for row in self._all(list(numbers))]

    def exchange(self, rows, outbound, inbound):
        assert len(rows) == sum(outbound)
        sent = self._all(np.split(rows.copy(), np.cumsum(outbound)[:-1]))
        parts = [each[self.rank] for each in sent]
        assert [len(part) for part in parts] == list(inbound)
        return np.concatenate(parts)

    def collect(self, rows, bounds):
        parts = self._all(rows[bounds[self.rank] : bounds[self.rank + 1]].copy())
        if self.rank == 0:
            rows[...] = np.concatenate(parts)

    def gather(self, content):
        return self._all(content)

    def copy(self, array):
        array[...] = self._all(array.copy())[0]

    def wait(self):
        self._gate.wait()

    def abort(self, status):
        self._gate.abort()
        raise SystemExit(status)


def on_ranks(size, work):
    """Return the results of ``work`` on every rank. If a rank failed, raise its error, not the errors of the ranks that
    waited for the failed rank."""
    board = [None] * size
    gate = threading.Barrier(size, timeout=60)

    def of_rank(rank):
        try:
            return work(ThreadRanks(rank, board, gate))
        except BaseException:
            gate.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(of_rank, rank) for rank in range(size)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]
