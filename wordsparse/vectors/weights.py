"""How much a word counts in the vector of a text: s/(s + p), p its share of the text of the vectors (SIF)."""

import numpy as np
from numpy.typing import NDArray

from wordsparse.types import Array

# s: a word of this share of the text counts half.
SMOOTHING = 1e-3


def weights(counts: Array | None, words: int) -> NDArray[np.float32]:
    """The weight of each word, (words,), by their counts; without counts, by Zipf's law and their rank."""
    occurrences = 1 / np.arange(1, words + 1) if counts is None or not counts.any() else np.asarray(counts, np.float64)
    return np.asarray(SMOOTHING / (SMOOTHING + occurrences / occurrences.sum()), np.float32)
