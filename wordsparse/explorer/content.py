"""The page's data about the models: words, counts, int8 vectors, maps, and the movement of each word.

Arrays are little-endian bytes in base64. A vector is stored as q = round(127 v / max|v|), so v ≈ q max|v| / 127: the
scale of a row changes no cosine, and the page divides by |q| instead of storing it.
"""

import base64
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from wordsparse.errors import InputError
from wordsparse.explorer.projection import Projection
from wordsparse.vectors import precision
from wordsparse.vectors.alignment import distances
from wordsparse.vectors.word_vectors import WordVectors

Content = dict[str, Any]
# Characters of a longer word.
MAX_SHOWN = 80
# Most groups on the map, the words that a group should have, and the words of its name.
MOST_GROUPS, WORDS_OF_GROUP, NAMES_OF_GROUP = 10, 40, 3


def content_of(
    vectors: Mapping[str, WordVectors],
    words: int,
    map_words: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Content:
    """The data of the page, as numbers, strings, lists and dictionaries.

    Raises
    ------
    InputError
        If two models have no word in common, or a word is not valid Unicode.
    """
    kept = {name: most_frequent(of_model.with_text(), words) for name, of_model in vectors.items()}
    moved = []
    for (i, first), (j, second) in itertools.combinations(enumerate(kept), 2):
        progress(f"aligning {first} and {second}")
        moved.append({"first": i, "second": j, **_moved(first, kept[first], second, kept[second]), "beyond": None})
    projection = Projection()
    models = []
    for name, of_model in kept.items():
        shown = min(map_words, len(of_model))
        method = projection.method(shown)
        progress(f"mapping {shown:,} words of {name} by {method}{projection.advice}")
        groups, titles = grouped(of_model.words[:shown], of_model.unit[:shown])
        models.append(
            {
                "name": name,
                "dim": of_model.dim,
                "vocabSize": len(vectors[name]),
                "words": [word if len(word) <= MAX_SHOWN else f"{word[: MAX_SHOWN - 1]}…" for word in of_model.words],
                "counts": None if of_model.counts is None else of_model.counts.tolist(),
                "vectors": encoded(precision.packed(of_model.unit, "int8")[0]),
                "returned": None,
                "mapMethod": method,
                "map": encoded(_grid(projection.of(of_model.words[:shown], of_model.unit[:shown]))),
                "groups": encoded(groups),
                "groupNames": titles,
            }
        )
    return {"models": models, "moved": moved}


def most_frequent(vectors: WordVectors, n: int) -> WordVectors:
    """The ``n`` words of largest count, most frequent first; if counts are unknown, the first ``n``."""
    if vectors.counts is None:
        return WordVectors(vectors.words[:n], vectors.vectors[:n])
    rows = np.argsort(-vectors.counts, kind="stable")[:n]
    return WordVectors([vectors.words[row] for row in rows], vectors.vectors[rows], vectors.counts[rows])


def grouped(words: Sequence[str], unit: NDArray[np.float32]) -> tuple[NDArray[np.uint8], list[list[str]]]:
    """A group for each word (n,), by k-means on the vectors, and of each group the most central of its frequent words.

    Groups are the largest first; a map of few words is one group.
    """
    k = int(min(MOST_GROUPS, len(words) // WORDS_OF_GROUP))
    if k < 2:
        return np.zeros(len(words), np.uint8), [[]]
    centres, of_word = kmeans2(unit.astype(np.float64), k, minit="++", seed=np.random.default_rng(0))
    sizes = np.bincount(of_word, minlength=k)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    titles = []
    for group in order:
        members = np.flatnonzero(of_word == group)
        frequent = members[: max(NAMES_OF_GROUP, len(members) // 4)]
        central = frequent[np.argsort(-(unit[frequent] @ centres[group]), kind="stable")[:NAMES_OF_GROUP]]
        titles.append([words[row] for row in central])
    place = np.zeros(k, np.uint8)
    place[order] = np.arange(len(order))
    return place[of_word], titles


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
