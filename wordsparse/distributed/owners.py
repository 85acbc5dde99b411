"""Which rank owns a row: they are dealt out in turn.

Words are ordered by frequency, so every rank has its part of the frequent ones, and none needs a table.
"""

from collections.abc import Callable, Iterator

import numpy as np

from wordsparse.distributed.ranks import Ranks
from wordsparse.types import Array

# Rows that are brought together at a time, where all of them are written or made.
BLOCK_ROWS = 2**14


class Owners:
    """The rows 0 … n − 1 of a matrix, n ≥ R: row i belongs to rank i mod R, as its own row i div R."""

    def __init__(self, n: int, ranks: Ranks) -> None:
        self.n, self.ranks = n, ranks
        self.own = len(range(ranks.rank, n, ranks.size))

    @property
    def mine(self) -> slice:
        """This rank's rows."""
        return slice(self.ranks.rank, None, self.ranks.size)

    def drawn(self, draw: Callable[[int], Array], block: int = BLOCK_ROWS) -> Iterator[tuple[slice, Array]]:
        """This rank's rows of a matrix that ``draw`` makes block by block: (their places, the rows)."""
        at = 0
        for start in range(0, self.n, block):
            rows = draw(min(block, self.n - start))[(self.ranks.rank - start) % self.ranks.size :: self.ranks.size]
            yield slice(at, at + len(rows)), rows
            at += len(rows)

    def gathered(self, own: Array) -> Iterator[Array]:
        """The whole matrix on rank 0, a block of rows at a time, from every rank's own rows; empty blocks on others.

        Collective: every rank goes through the iterator to its end.
        """
        size, rank = self.ranks.size, self.ranks.rank
        each = max(1, BLOCK_ROWS // size)
        for start in range(0, -(-self.n // size), each):
            part = own[start : start + each]
            part = part if part.ndim == 2 else part[:, None]
            rows = min(each * size, self.n - start * size)
            counts = [len(range(r, rows, size)) for r in range(size)] if rank == 0 else [0] * size
            came = self.ranks.exchange(part, [len(part)] + [0] * (size - 1), counts)
            whole, at = np.empty(came.shape, own.dtype), 0
            for r, count in enumerate(counts):
                whole[r::size][:count] = came[at : at + count]
                at += count
            yield whole if own.ndim == 2 else whole[:, 0]
