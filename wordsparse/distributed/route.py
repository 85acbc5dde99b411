"""The way of a minibatch's rows: from their owners to the ranks whose examples touch them, and their sums back.

O(rows touched) rows travel: neither the whole matrix nor the examples.
"""

import numpy as np

from wordsparse.distributed.ranks import Ranks
from wordsparse.kernels import Csr, Kernels, mapped
from wordsparse.types import Array


class Route:
    """Made once for each minibatch, collectively, by ranks that take the arrays of these kernels (gpus.py).

    ``wanted`` (u,) int64, of NumPy, are the rows that this rank's examples touch, distinct, by their numbers in the
    whole matrix, grouped by their owners in the order of ranks. Of the kernels' arrays, ``rows`` (n,) are the rows of
    this rank that any rank wants, ascending, by their numbers among its own, and ``asked`` (a,) the same, rank for rank
    as each wants them.
    """

    def __init__(self, ranks: Ranks, kernels: Kernels, wanted: Array) -> None:
        self._ranks, self._kernels = ranks, kernels
        self._ask = np.bincount(wanted % ranks.size, minlength=ranks.size).tolist()
        ones = [1] * ranks.size
        self._give = ranks.exchange(np.array(self._ask)[:, None], ones, ones)[:, 0].tolist()
        asked = ranks.exchange((wanted // ranks.size)[:, None], self._ask, self._give)[:, 0]
        order = np.argsort(asked, kind="stable")
        ordered = asked[order]
        begins = np.ones(ordered.shape[0], np.bool_)
        begins[1:] = ordered[1:] != ordered[:-1]
        place = np.empty_like(order)
        place[order] = np.cumsum(begins) - 1
        # The rows that came for each of `rows`, in the order of the ranks.
        ends = np.append(np.flatnonzero(begins), order.shape[0]).astype(np.int64)
        self._parts = mapped(Csr(ends, order.astype(np.int32), order.shape[0]), kernels.to_device)
        self.asked, self.rows, self._place = map(kernels.to_device, (asked, ordered[begins], place))

    def fetch(self, rows: Array) -> Array:
        """What this rank wants, (u, k), of the owners' ``rows`` (n, k), those of :attr:`rows`."""
        return self.deliver(self._kernels.take(rows, self._place))

    def deliver(self, rows: Array) -> Array:
        """What this rank wants, (u, k), of the owners' ``rows`` (a, k), those of :attr:`asked`."""
        return self._ranks.exchange(rows, self._give, self._ask)

    def collect(self, parts: Array) -> Array:
        """The sums over all ranks, (n, k) at the owners, of ``parts`` (u, k), one for each row that a rank wants."""
        came = self._ranks.exchange(parts, self._ask, self._give)
        return self._kernels.combine(self._parts, self._kernels.xp.ones(came.shape[0], came.dtype), came)
