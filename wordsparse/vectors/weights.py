"""The weight of a word in the vector of a text: s/(s + p), where p is its share of the vectors' text (SIF)."""

import numpy as np
from numpy.typing import NDArray

from wordsparse.types import Array

# s: a word with this relative frequency has weight 1/2.
SMOOTHING = 1e-3


def weights(counts: Array | None, words: int) -> NDArray[np.float32]:
    """Return the weight of each word, (words,), from its count; without counts, from Zipf's law and the word's rank."""
    occurrences = 1 / np.arange(1, words + 1) if counts is None or not counts.any() else np.asarray(counts, np.float64)
    return np.asarray(SMOOTHING / (SMOOTHING + occurrences / occurrences.sum()), np.float32)
