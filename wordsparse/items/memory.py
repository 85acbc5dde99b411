"""The memory of pairs: how often, and how soon, one item came after another.

    C_ij = Σ FADE^(k − 1)               over the places where j stands k ≤ REACH places after i; where j stands k places
                                        before i, the term is multiplied by BACK
    r_j  = Σ_i w_i C_ij n_i^-GIVEN n_j^-SOUGHT    over the items i of a history, w_i = DECAY^(items after i)

n_i is the count of item i. If the items have no order, FADE, BACK and DECAY are 1. For each item, only the STRONGEST
entries C_ij are kept. These are item-to-item counts (Linden et al., 2003), weighted by distance and by popularity. The
constants were chosen by the last items but one of the users of two public logs (docs/recommend.md).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.types import Array

REACH, STRONGEST = 20, 100
FADE, BACK, DECAY = 0.8, 0.5, 0.7
GIVEN, SOUGHT = 0.5, 0.2
# The number of positions whose pairs are counted at a time.
POSITIONS = 2**17


def counted(parts: Iterable[tuple[Array, Array, int]], V: int, is_ordered: bool, before: Any = None) -> Any:
    """Return C, CSR (V, V) float32.

    A part holds the ``items`` of histories in order (row numbers), the ``owners`` of the items (the number of the
    history of each item), and a number of items. Pairs whose first item comes after this number of items are not
    counted: they belong to the next part. ``before`` is a C of fewer items to add to.
    """
    total = sp.csr_array((V, V), dtype=np.float32)
    if before is not None:
        indptr = np.pad(before.indptr, (0, V - before.shape[0]), "edge")
        total = sp.csr_array((before.data, before.indices, indptr), (V, V))
    fade, back = (FADE, BACK) if is_ordered else (1.0, 1.0)
    for items, owners, size in parts:
        pairs = [_pairs(items, owners, size, k) for k in range(1, min(REACH, len(items) - 1) + 1)]
        weights = np.repeat(np.float32(fade) ** np.arange(len(pairs)), [len(pair[0]) for pair in pairs])
        first, second = np.concatenate([np.empty((2, 0), np.int32), *pairs], axis=1)
        after = sp.coo_array((weights.astype(np.float32), (first, second)), (V, V)).tocsr()
        total = _strongest(total + after + np.float32(back) * after.T.tocsr())
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


def _pairs(items: Array, owners: Array, size: int, k: int) -> Array:
    """Return the pairs of different items of a history that stand k places apart, (2, n)."""
    first, second = items[:-k][:size], items[k:][:size]
    is_pair = (owners[:-k][:size] == owners[k:][:size]) & (first != second)
    return np.stack([first[is_pair], second[is_pair]])


def _strongest(pairs: Any) -> Any:
    """Return the matrix with only the STRONGEST entries of each row. Of equal entries, the first columns stay."""
    sizes = np.diff(pairs.indptr)
    if sizes.max(initial=0) <= STRONGEST:
        return pairs
    rows = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-pairs.data, rows))
    is_kept = np.zeros(len(rows), bool)
    is_kept[order[np.arange(len(rows)) - np.repeat(pairs.indptr[:-1], sizes) < STRONGEST]] = True
    indptr = np.append(0, np.cumsum(np.minimum(sizes, STRONGEST)))
    return sp.csr_array((pairs.data[is_kept], pairs.indices[is_kept], indptr), pairs.shape)
