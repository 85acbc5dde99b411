"""Ranks that are threads of one process, for tests of distributed training without MPI."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

import numpy as np

from wordsparse.distributed.ranks import Ranks
from wordsparse.types import Array

T = TypeVar("T")


class ThreadRanks(Ranks):
    """One of several ranks. Each rank writes its part to the shared list ``board``, then waits for all ranks at
    ``gate``."""

    def __init__(self, rank: int, board: list[Any], gate: threading.Barrier) -> None:
        self.rank, self.size, self.local_rank, self.local_size = rank, len(board), rank, len(board)
        self._board, self._gate = board, gate

    def _all(self, part: Any) -> list[Any]:
        self._board[self.rank] = part
        self._gate.wait()
        parts = list(self._board)
        self._gate.wait()
        return parts

    def sum(self, part: Array) -> Array:
        parts = self._all(part.copy())
        return sum(parts[1:], start=parts[0].copy())

    def share(self, arrays: Sequence[Array], root: int) -> list[Array]:
        shared: list[Array] = self._all([part.copy() for part in arrays])[root]
        return [part.copy() for part in shared]

    def transposed(self, numbers: Sequence[int]) -> list[int]:
        return [row[self.rank] for row in self._all(list(numbers))]

    def exchange(self, rows: Array, outbound: Sequence[int], inbound: Sequence[int]) -> Array:
        assert len(rows) == sum(outbound)
        sent = self._all(np.split(rows.copy(), np.cumsum(outbound)[:-1]))
        parts = [each[self.rank] for each in sent]
        assert [len(part) for part in parts] == list(inbound)
        return np.concatenate(parts)

    def collect(self, rows: Array, bounds: Array) -> None:
        parts = self._all(rows[bounds[self.rank] : bounds[self.rank + 1]].copy())
        if self.rank == 0:
            rows[...] = np.concatenate(parts)

    def gather(self, content: bytes) -> list[bytes]:
        return self._all(content)

    def copy(self, array: Array) -> None:
        array[...] = self._all(array.copy())[0]

    def wait(self) -> None:
        self._gate.wait()

    def abort(self, status: int) -> NoReturn:
        self._gate.abort()
        raise SystemExit(status)


def on_ranks(size: int, work: Callable[[ThreadRanks], T]) -> list[T]:
    """Return the results of ``work`` on every rank. If a rank failed, raise its error, not the errors of the ranks that
    waited for the failed rank."""
    board: list[Any] = [None] * size
    gate = threading.Barrier(size, timeout=60)

    def of_rank(rank: int) -> T:
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
