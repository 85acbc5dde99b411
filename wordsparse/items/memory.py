"""The memory of pairs: how often, and how soon, one item came after another.

    C_ij = Σ FADE^(k − 1)               over the places where j stands k ≤ REACH places after i; where j stands k places
                                        before i, the term is multiplied by BACK
    r_j  = Σ_i w_i C_ij n_i^-GIVEN n_j^-SOUGHT    over the items i of a history, w_i = DECAY^(items after i)

n_i is the count of item i. If the items have no order, FADE, BACK and DECAY are 1. For each item, only the STRONGEST
entries C_ij are kept. These are item-to-item counts (Linden et al., 2003), weighted by distance and by popularity. The
constants were chosen by the last items but one of the users of two public logs (docs/recommend.md).
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse.types import Array

REACH, STRONGEST = 20, 100
FADE, BACK, DECAY = 0.8, 0.5, 0.7
# The number of positions whose pairs are counted at a time, and of histories that are ranked at a time.
POSITIONS, BLOCK = 2**17, 1024
GIVEN, SOUGHT = 0.5, 0.2


class Part(NamedTuple):
    """A part of all histories: the ``items`` of histories in order (row numbers), the ``owners`` of the items (the
    number of the history of each item), and the slice of the items whose pairs are counted; the items around the slice
    belong to other parts. A pair counts √(w v) times, with the ``weights`` w and v of its items."""

    items: Array
    owners: Array
    counts: slice
    weights: Array | None = None


def counted(parts: Iterable[Part], V: int, is_ordered: bool, before: Any = None) -> Any:
    """Return C, CSR (V, V) float32.

    ``before`` is a C of fewer items to add to.
    """
    total = sp.csr_array((V, V), dtype=np.float32)
    if before is not None:
        indptr = np.pad(before.indptr, (0, V - before.shape[0]), "edge")
        total = sp.csr_array((before.data, before.indices, indptr), (V, V))
    for items, owners, counts, weights in parts:
        roots = np.ones(len(items), np.float32) if weights is None else np.sqrt(weights)
        for start in range(counts.start, counts.stop, POSITIONS):
            places = np.arange(start, min(start + POSITIONS, counts.stop))
            numbers = np.arange(len(places), dtype=np.int32)
            is_at = sp.csc_array((roots[places], (items[places], numbers)), (V, len(places)))
            total = _strongest(total + is_at.tocsr() @ _near(items, owners, roots, places, V, is_ordered))
    return total


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


def _near(items: Array, owners: Array, roots: Array, places: Array, V: int, is_ordered: bool) -> Any:
    """Return the weights of the items near each of some places in histories, CSR (places, V) float32."""
    k = np.arange(-REACH, REACH + 1)
    fade, back = (FADE, BACK) if is_ordered else (1.0, 1.0)
    weights = np.where(k < 0, back, 1) * fade ** (np.abs(k) - 1.0) * (k != 0)
    first = np.maximum(places - REACH, np.searchsorted(owners, owners[places], "left"))
    sizes = np.minimum(places + REACH + 1, np.searchsorted(owners, owners[places], "right")) - first
    indptr = np.append(0, np.cumsum(sizes))
    at = np.arange(indptr[-1], dtype=np.int32) + np.repeat((first - indptr[:-1]).astype(np.int32), sizes)
    data = weights.astype(np.float32)[at - np.repeat((places - REACH).astype(np.int32), sizes)]
    return sp.csr_array((data * roots[at], items[at], indptr), (len(places), V))


def _strongest(pairs: Any) -> Any:
    """Return the matrix with only the STRONGEST entries of each row, without the diagonal."""
    sizes = np.diff(pairs.indptr)
    is_kept = pairs.indices != np.repeat(np.arange(len(sizes)), sizes)
    pairs.data[~is_kept] = 0
    for start, size in zip(pairs.indptr[:-1][sizes > STRONGEST], sizes[sizes > STRONGEST], strict=True):
        order = np.argsort(-pairs.data[start : start + size], kind="stable")
        is_kept[start + order[STRONGEST:]] = False
    indptr = np.append(0, np.cumsum(is_kept))[pairs.indptr]
    return sp.csr_array((pairs.data[is_kept], pairs.indices[is_kept], indptr), pairs.shape)
