"""The data of a model for the page: words, counts, int8 vectors and a map.

Arrays are little-endian bytes in base64. Vectors are 8-bit numbers (:mod:`wordsparse.vectors.compact`) without their
scales: the page divides each row by its norm, which gives the same cosines.
"""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.explorer.projection import projected
from wordsparse.vectors.compact import CompactRows
from wordsparse.vectors.evidence import FEW, SHARE
from wordsparse.vectors.word_vectors import WordVectors

# The maximum number of characters of a word; longer words are truncated.
MAX_SHOWN = 80


def content_of(name: str, vectors: WordVectors, words: int, map_words: int) -> dict[str, Any]:
    """Return the data of the page as numbers, strings and lists. Raise InputError if a word is not valid Unicode."""
    page = _most_frequent(vectors.with_text(), words)
    doubt = None if vectors.rarity is None else {"share": SHARE, "most": vectors.doubt, "answers": FEW}
    method, points = projected(page.unit[:map_words], name)
    return {
        "name": name,
        "dim": page.dim,
        "vocabSize": len(vectors),
        "words": [word if len(word) <= MAX_SHOWN else f"{word[: MAX_SHOWN - 1]}…" for word in page.words],
        "counts": None if page.counts is None else page.counts.tolist(),
        "doubt": doubt,
        "vectors": encoded(CompactRows.of(page.unit, "int8").numbers),
        "mapMethod": method,
        "map": encoded(_grid(points)),
    }


def _most_frequent(vectors: WordVectors, n: int) -> WordVectors:
    """Return the vectors of the ``n`` most frequent words, most frequent first."""
    rows = vectors.most_frequent(n)
    words = [vectors.words[row] for row in rows.tolist()]
    return WordVectors(words, vectors.vectors[rows], None if vectors.counts is None else vectors.counts[rows])


def encoded(array: NDArray[Any]) -> str:
    """Return the bytes of an array in base64, little-endian and in C order."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()


def _grid(points: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return points (n, 2) on a grid of 65,536 steps, with the same scale on both axes."""
    lowest = points.min(axis=0)
    extent = float((points.max(axis=0) - lowest).max()) or 1.0
    return np.asarray(np.rint((points - lowest) * (65_535 / extent)), np.uint16)
