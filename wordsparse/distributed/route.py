"""The way of a minibatch's rows: from their owners to the ranks whose examples touch them, and their sums back.

O(rows touched) rows travel: neither the whole matrix nor the examples.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.distributed.ranks import Ranks
from wordsparse.kernels import Kernels

Array = NDArray[Any]


class Route:
    """Made once for each minibatch, collectively.

    Parameters
    ----------
    ranks : Ranks
    kernels : Kernels
        Of the CPU.
    wanted : (u,) int64
        The rows that this rank's examples touch, distinct, by their numbers in the whole matrix.

    Attributes
    ----------
    rows : (n,) int64
        The rows of this rank that any rank wants, ascending, by their numbers among this rank's own.
    """

    def __init__(self, ranks: Ranks, kernels: Kernels, wanted: Array) -> None:
        self._ranks, self._kernels = ranks, kernels
        owner = wanted % ranks.size
        self._by_owner = np.argsort(owner, kind="stable")
        self._ask = np.bincount(owner, minlength=ranks.size).tolist()
        ones = [1] * ranks.size
        self._give = ranks.exchange(np.array(self._ask)[:, None], ones, ones)[:, 0].tolist()
        asked = ranks.exchange((wanted // ranks.size)[self._by_owner, None], self._ask, self._give)[:, 0]
        self.rows, self._place = np.unique(asked, return_inverse=True)

    def fetch(self, rows: Array) -> Array:
        """What this rank wants, (u, k), of the owners' ``rows`` (n, k), those of :attr:`rows`."""
        came = self._ranks.exchange(self._taken(rows, self._place), self._give, self._ask)
        fetched = np.empty_like(came)
        fetched[self._by_owner] = came
        return fetched

    def collect(self, parts: Array) -> Array:
        """The sums over all ranks, (n, k) at the owners, of ``parts`` (u, k), one for each row that a rank wants."""
        came = self._ranks.exchange(
            self._kernels.take(np.ascontiguousarray(parts), self._by_owner), self._ask, self._give
        )
        sums, at = np.zeros((self.rows.shape[0], parts.shape[1]), parts.dtype), 0
        for count in self._give:
            self._kernels.add_rows(sums, self._place[at : at + count], came[at : at + count])
            at += count
        return sums

    def _taken(self, matrix: Array, rows: Array) -> Array:
        # Rows that kernels have made may stand apart in memory.
        return self._kernels.take(np.ascontiguousarray(matrix), rows)
