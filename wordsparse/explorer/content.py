"""The page's data about the models: words, counts, int8 vectors, maps, and the movement of each word.

Arrays are little-endian bytes in base64. A vector is stored as q = round(127 v / max|v|), so v ≈ q max|v| / 127: the
scale of a row changes no cosine, and the page divides by |q| instead of storing it.
"""

import base64
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.explorer.projection import Projection
from wordsparse.stability.resamples import Resamples, compared
from wordsparse.vectors import precision
from wordsparse.vectors.alignment import distances
from wordsparse.vectors.word_vectors import WordVectors

Content = dict[str, Any]
# Nearest words whose returns in resamples the page shows, and the characters of a longer word.
RETURNED, MAX_SHOWN = 20, 80


def content_of(
    vectors: Mapping[str, WordVectors],
    words: int,
    map_words: int,
    progress: Callable[[str], None] = lambda _: None,
    resamples: Mapping[str, Resamples] | None = None,
) -> Content:
    """The data of the page, as numbers, strings, lists and dictionaries.

    ``resamples`` are given by model name, for the models that have some.

    Raises
    ------
    InputError
        If two models have no word in common, or a word is not valid Unicode.
    """
    kept = {name: most_frequent(of_model.with_text(), words) for name, of_model in vectors.items()}
    moved = []
    for (i, first), (j, second) in itertools.combinations(enumerate(kept), 2):
        progress(f"aligning {first} and {second}")
        moved.append({"first": i, "second": j, **_moved(first, kept[first], second, kept[second])})
    projection = Projection()
    models = []
    for name, of_model in kept.items():
        shown = min(map_words, len(of_model))
        method = projection.method(shown)
        of_text = (resamples or {}).get(name)
        if of_text:
            progress(f"comparing the neighbours of {shown:,} words of {name} with {len(of_text)} resamples")
        progress(f"mapping {shown:,} words of {name} by {method}{projection.advice}")
        models.append(
            {
                "name": name,
                "dim": of_model.dim,
                "vocabSize": len(vectors[name]),
                "words": [word if len(word) <= MAX_SHOWN else f"{word[: MAX_SHOWN - 1]}…" for word in of_model.words],
                "counts": None if of_model.counts is None else of_model.counts.tolist(),
                "vectors": encoded(precision.packed(of_model.unit, "int8")[0]),
                "returned": _returned(of_model, shown, of_text) if of_text else None,
                "mapMethod": method,
                "map": encoded(_grid(projection.of(of_model.words[:shown], of_model.unit[:shown]))),
            }
        )
    return {"models": models, "moved": moved}


def most_frequent(vectors: WordVectors, n: int) -> WordVectors:
    """The ``n`` words of largest count, most frequent first; if counts are unknown, the first ``n``."""
    if vectors.counts is None:
        return WordVectors(vectors.words[:n], vectors.vectors[:n])
    rows = np.argsort(-vectors.counts, kind="stable")[:n]
    return WordVectors([vectors.words[row] for row in rows], vectors.vectors[rows], vectors.counts[rows])


def _returned(vectors: WordVectors, n: int, resamples: Resamples) -> Content:
    """For the first n words, their nearest words on the page and in how many resamples each came back."""
    unit, count = vectors.unit, min(RETURNED, len(vectors) - 1)
    near = np.empty((n, count), np.int64)
    for start in range(0, n, 128):
        rows = np.arange(start, min(start + 128, n))
        cosines = unit[rows] @ unit.T
        cosines[np.arange(len(rows)), rows] = -np.inf
        near[rows] = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    counts, _ = compared(resamples, np.arange(n), near, among=len(vectors))
    return {
        "resamples": len(resamples),
        "count": count,
        "near": encoded(near.astype(np.uint32)),
        "counts": encoded(counts.astype(np.uint16)),
    }


def encoded(array: NDArray[Any]) -> str:
    """The array's bytes, little-endian and in C order, in base64."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()


def _grid(points: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Points (n, 2) on a grid of 65,536 steps, with the same scale on both axes."""
    lowest = points.min(axis=0)
    extent = float((points.max(axis=0) - lowest).max()) or 1.0
    return np.asarray(np.rint((points - lowest) * (65_535 / extent)), np.uint16)


def _moved(first: str, a: WordVectors, second: str, b: WordVectors) -> Content:
    """The common words' distances after alignment, one float32 a word of ``a``; NaN where ``b`` lacks the word."""
    rows_a = np.array([row for row, word in enumerate(a.words) if word in b], np.int64)
    if not rows_a.size:
        raise InputError(f"{first} and {second} have no word in common: make a page of each")
    rows_b = np.array([b.row(a.words[row]) for row in rows_a])
    by_word = np.full(len(a), np.nan, np.float32)
    by_word[rows_a] = distances(a.unit[rows_a], b.unit[rows_b])
    return {"common": len(rows_a), "distances": encoded(by_word)}
