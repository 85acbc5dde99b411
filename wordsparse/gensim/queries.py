"""gensim's queries: cosines of keys, and the keys that are nearest to a combination of keys."""

import logging
from typing import Any

import numpy as np

from wordsparse import validation
from wordsparse.gensim.table import KeyTable
from wordsparse.types import Array
from wordsparse.vectors.table import Key
from wordsparse.vectors.word_vectors import Neighbours as Found

logger = logging.getLogger(__name__)


class Queries(KeyTable):
    """Cosines and distances of keys, in float64, and nearest keys.

    Ties are ordered by row, which is by frequency if the most frequent key comes first. Zero vectors have the cosine 0
    with all other vectors.
    """

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Found | Array:
        """Return the keys with the largest cosines to the sum of positive vectors minus negative vectors.

        Parameters
        ----------
        positive, negative : key, vector (vector_size,), or list of these, optional
            Vectors of keys are scaled to length one. A pair (key, number) has this number as its weight, in place of 1
            or −1. The result excludes these keys.
        topn : int or None
            The number of keys. None returns the cosines of all keys.
        clip_start, clip_end : int
            The range of rows that are searched.
        restrict_vocab : int, optional
            The number of rows that are searched, which overrides the range.
        indexer : optional
            An approximate index of gensim.similarities to use in place of the exact search.

        Returns
        -------
        list of (key, float), or array (rows searched,) float32 if ``topn`` is None

        Raises
        ------
        InputError
            If there are no keys or vectors, or a key is unknown (UnknownWordError).
        """
        if topn is not None and validation.whole("topn", topn, -validation.LARGEST) < 1:
            return []
        query, rows = self._query(_weighted(positive, 1.0, self) + _weighted(negative, -1.0, self))
        if indexer is not None and topn is not None:
            nearest: Found = indexer.most_similar(query, topn)
            return nearest
        start, end = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end or None)
        start, stop, _ = slice(start, end).indices(len(self))
        cosines = self._cosines(query, slice(start, stop))
        return cosines if topn is None else self._best(cosines, rows, topn, start)

    def similar_by_key(self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """Return :meth:`most_similar` of one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """Return :meth:`most_similar` of one key."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: Array, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Found | Array:
        """Return :meth:`most_similar` of one vector (vector_size,)."""
        return self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Return the cosine of the vectors of two keys."""
        return _cosine(self.get_vector(w1), self.get_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """Return 1 minus the cosine of the vectors of two keys."""
        return 1 - self.similarity(w1, w2)

    def _query(self, pairs: list[tuple[Any, float]]) -> tuple[Array, set[int]]:
        """Return the direction of the weighted sum, (vector_size,), and the rows of the keys in the pairs."""
        keys, weights = zip(*pairs, strict=True) if pairs else ((), ())
        mean = self.get_mean_vector(keys, weights, post_normalize=True, ignore_missing=False)
        return mean, {
            self.get_index(key) for key in keys if not isinstance(key, np.ndarray) and self.has_index_for(key)
        }


def _weighted(items: Any, weight: float, table: KeyTable) -> list[tuple[Any, float]]:
    """Return the positive or negative arguments as pairs (key or vector, weight)."""
    if items is None:
        return []
    is_one = not isinstance(items, list | tuple | np.ndarray) or (isinstance(items, np.ndarray) and items.ndim == 1)
    pairs = []
    for item in [items] if is_one else items:
        is_pair = isinstance(item, tuple) and len(item) == 2
        has_weight = is_pair and (isinstance(item[0], np.ndarray) or item not in table.key_to_index)
        pairs.append((item[0], float(item[1])) if has_weight else (item, weight))
    return pairs


def _cosine(a: Array, b: Array) -> float:
    """Return the cosine of two vectors (d,). The cosine of a vector with itself is exactly 1, because √(x²) = x."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt(np.dot(x, x) * np.dot(y, y))
    return float(np.dot(x, y) / lengths) if lengths > 0 else 0.0
