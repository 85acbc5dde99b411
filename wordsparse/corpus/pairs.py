"""Counts the pairs of words of a text that are near each other, word by word.

Compiled code adds up the contexts at all occurrences of a word, so each row of the table is complete when it is
yielded.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import _examples  # type: ignore[attr-defined] # compiled
from wordsparse.machine.threads import ordered_map
from wordsparse.types import Array

MOST = 2**21
"""The approximate number of pairs for which a block of rows has space."""


def pair_rows(
    ids: Array, times: Array, by_distance: Array, weights: Array, places: Array, threads: int
) -> Iterator[tuple[int, Any]]:
    """Yield blocks of rows: the first word of a block, and the contexts of its words, CSR (words, V) float64, with
    int32 columns in order of appearance. The rows do not depend on ``threads``.

    Parameters
    ----------
    ids : (n,) int32
        The ids of the words of the text, and END_OF_SENTENCE.
    times : (V,)
        The number of occurrences of each word.
    by_distance : (2, window) float64
        How much a context counts at each distance, before the word and after it.
    weights : (n,) or (0,) float64
        If there are weights, a pair counts √(w v) times, with the weights w and v of its places.
    places : (sum of times,) int64
        Space for the positions of all words.
    """
    size, starts = len(times), np.append(0, np.cumsum(times))
    _examples.word_places(ids, starts[:-1].copy(), places)
    # Cumulative sums of upper bounds on the number of different contexts of each word.
    most = np.append(0, np.cumsum(np.minimum(np.diff(starts) * 2 * by_distance.shape[1], size)))
    full = np.searchsorted(most, np.arange(1, most[-1] // MOST + 2) * MOST, "right") - 1
    ends = sorted({0, size, *full.tolist()})
    free = [(np.full(size, -1, np.int32), np.empty(size)) for _ in range(threads)]

    def counted(block: tuple[int, int]) -> tuple[int, Any]:
        low, high = block
        indptr, space = np.empty(high - low + 1, np.int64), int(most[high] - most[low])
        columns, counts, scratch = np.empty(space, np.int32), np.empty(space), free.pop()
        _examples.count_rows(ids, weights, starts, places, by_distance, low, *scratch, indptr, columns, counts)
        free.append(scratch)
        filled = int(indptr[-1])
        return low, sp.csr_array((counts[:filled], columns[:filled], indptr), shape=(high - low, size))

    return ordered_map(counted, pairwise(ends), threads)
