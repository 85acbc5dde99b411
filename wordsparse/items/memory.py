"""The memory of pairs: how often, and how soon, one item came after another.

    C_ij = Σ FADE^(k − 1)               over the places where j stands k ≤ REACH places after i; where j stands k places
                                        before i, the term is multiplied by BACK
    r_j  = Σ_i w_i C_ij n_i^-GIVEN n_j^-SOUGHT    over the items i of a history, w_i = DECAY^(items after i)

n_i is the count of item i. If the items have no order, FADE, BACK and DECAY are 1. For each item, only the STRONGEST
entries C_ij are kept. These are item-to-item counts (Linden et al., 2003), weighted by distance and by popularity. The
constants were chosen by the last items but one of the users of two public logs (docs/recommend.md).
"""

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus.pairs import pair_rows
from wordsparse.types import Array

REACH, STRONGEST = 20, 100
FADE, BACK, DECAY = 0.8, 0.5, 0.7
# The number of histories that are ranked at a time.
BLOCK = 1024
GIVEN, SOUGHT = 0.5, 0.2


def counted(ids: Array, V: int, is_ordered: bool, weights: Any = None, before: Any = None, threads: int = 1) -> Any:
    """Return C, CSR (V, V) float32, of histories.

    ``ids`` (n,) int32 holds the row numbers of the items, and END_OF_SENTENCE after each history. With ``weights`` w
    and v (n,) of two items, their pair counts √(w v) times. ``before`` is a C of fewer items to add to.
    """
    fade, back = (FADE, BACK) if is_ordered else (1.0, 1.0)
    ahead, times = fade ** np.arange(REACH, dtype=np.float64), np.bincount(ids[ids >= 0], minlength=V)
    by_distance, places = np.stack([back * ahead, ahead]), np.empty(int(times.sum()), np.int64)
    of_ids = np.empty(0) if weights is None else np.asarray(weights, np.float64)
    blocks = [sp.csr_array((0, V), dtype=np.float32)]
    for first, rows in pair_rows(ids, times, by_distance, of_ids, places, threads):
        rows.data = rows.data.astype(np.float32)
        if before is not None:
            rows = rows + _resized(before, first, rows.shape)
        blocks.append(_strongest(rows, first))
    pairs = sp.vstack(blocks, "csr")
    pairs.sort_indices()
    return pairs


def associations(weights: Any, pairs: Any, counts: Array) -> Any:
    """Return r, CSR (m, V) float32, from the ``weights`` w of histories (m, V), the ``pairs`` C, and the ``counts``
    (V,) of the items."""
    occurrences = np.maximum(counts, 1).astype(np.float64)
    given, sought = ((occurrences**-power).astype(np.float32) for power in (GIVEN, SOUGHT))
    scores = (
        sp.csr_array((weights.data * given[weights.indices], weights.indices, weights.indptr), weights.shape) @ pairs
    )
    scores.data *= sought[scores.indices]
    return scores


def histories(items: Array, owners: Array, shape: tuple[int, int], is_ordered: bool) -> Any:
    """Return the weights w of the items of histories, CSR (histories, V) float32. The items of a history stand
    together, in order."""
    ages = np.searchsorted(owners, owners, side="right") - 1 - np.arange(len(owners))
    weights = np.maximum(DECAY if is_ordered else 1.0, 0) ** np.minimum(ages, 200.0)  # float32 holds DECAY^200
    return sp.coo_array((weights.astype(np.float32), (owners, items)), shape).tocsr()


def ranked(histories: Any, pairs: Any, counts: Array, n: int) -> Array:
    """Return the n items with the highest r that are not in the history, (histories, n), padded with −1."""
    rows = np.full((histories.shape[0], n), -1)
    for start in range(0, histories.shape[0], BLOCK):
        block = histories[start : start + BLOCK]
        scores = associations(block, pairs, counts)
        scores.sort_indices()
        for user, (first, last) in enumerate(pairwise(scores.indptr.tolist())):
            items, values = scores.indices[first:last], scores.data[first:last]
            is_new = ~np.isin(items, block.indices[slice(*block.indptr[user : user + 2])])
            best = items[is_new][np.argsort(-values[is_new], kind="stable")[:n]]
            rows[start + user, : len(best)] = best
    return rows


def _resized(before: Any, first: int, shape: tuple[int, int]) -> Any:
    """Return rows of a C of fewer items, from the row ``first`` on, in the given shape."""
    rows = before[first : first + shape[0]]
    indptr = np.pad(rows.indptr, (0, shape[0] - rows.shape[0]), "edge")
    return sp.csr_array((rows.data, rows.indices, indptr), shape)


def _strongest(rows: Any, first: int) -> Any:
    """Return rows of C, from the row ``first`` on, with only the STRONGEST entries of each row, without the diagonal.
    If entries are equal, the first ones are kept."""
    sizes = np.diff(rows.indptr)
    is_kept = rows.indices != np.repeat(np.arange(first, first + len(sizes)), sizes)
    rows.data[~is_kept] = 0
    for start, end in zip(rows.indptr[:-1][sizes > STRONGEST], rows.indptr[1:][sizes > STRONGEST], strict=True):
        values = rows.data[start:end]
        least = np.partition(values, -STRONGEST)[-STRONGEST]
        is_stronger, equal = values > least, np.flatnonzero(values == least)
        is_stronger[equal[: STRONGEST - int(is_stronger.sum())]] = True
        is_kept[start:end] &= is_stronger
    indptr = np.append(0, np.cumsum(is_kept))[rows.indptr]
    return sp.csr_array((rows.data[is_kept], rows.indices[is_kept], indptr), rows.shape)
