"""The normalised discounted cumulative gain of rankings whose entries are right or wrong."""

import numpy as np

from wordsparse.types import Array


def ndcg(hits: Array, right: Array, k: int) -> Array:
    """Compute nDCG@k for each row, (n,): Σ 1/log2(1 + rank) over the first k entries that are right, divided by its
    maximum.

    ``hits`` (n, K) marks the ranked entries that are right, and ``right`` (n,) is the number of all right entries. Rows
    without any get 0.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[np.inf], np.cumsum(discounts)])
    quotient: Array = hits[:, :k] @ discounts[: hits.shape[1]] / best[np.minimum(right, k)]
    return quotient
