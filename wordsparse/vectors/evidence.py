"""The ranking of neighbours by evidence: how often the text shows each word, beside how near its vector is.

A word that occurs six times has a vector whose direction is mostly chance and spelling, and comes as near to a query as
a word that occurs ten thousand times. Neighbours are therefore ranked by

    cos(q, w) / √(1 + K / n_w)            n_w the count of word w
    K = min(SHARE · n_q, DOUBT · Σ n)     for a word q; FEW for answers to analogies

The neighbours of a rare word may be rare, because rare words have rare topics. The answer to an analogy is one word,
which may be rare, too. A vector has no count, and K is DOUBT · Σ n. If the vector of a query is composed from n-grams,
K is 0, because such a query is nearest to words of its own spelling. docs/notes/recipe.md has the measurements.
"""

import numpy as np
from numpy.typing import NDArray

from wordsparse.types import Array

SHARE, DOUBT, FEW = 0.7, 6e-5, 3.0


def rarity(counts: Array | None) -> NDArray[np.float32] | None:
    """Return 1/n for each count n, (V,), and 0 for a count of 0: the vector of such a word does not come from the text.

    Return None if the counts say nothing: there are none, or all are 0, or they are the ranks V, V − 1, … 1 that gensim
    gives to the V words of a file without counts. Words that are added to such a file have the count 0.
    """
    if counts is None:
        return None
    seen = counts[counts > 0]
    if np.array_equal(seen, np.arange(len(seen), 0, -1)):
        return None
    return np.where(counts > 0, 1 / np.maximum(counts, 1), 0).astype(np.float32)


def factors(doubt: Array | float, rarity: Array) -> Array:
    """Return 1/√(1 + K/n) for doubts K and rarities 1/n, which are broadcast."""
    result: Array = np.multiply(np.float32(doubt), rarity, dtype=np.float32)
    result += 1
    np.sqrt(result, out=result)
    return np.divide(1, result, out=result)
