"""The keys nearest to a combination of others."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.vectors.lookup import Array, Key
from wordsparse.vectors.similarity import Similarity

Found = list[tuple[Any, float]]


LARGEST = 1e18
"""Length of a vector beyond which, or below whose inverse, float32 is too narrow for its products."""


class Indexer(Protocol):
    """An approximate index, as those of ``gensim.similarities``."""

    def most_similar(self, vector: Array, num_neighbors: int) -> Any:
        """The keys nearest to ``vector`` (vector_size,) and their cosines."""


class Neighbours(Similarity):
    """Nearest keys. Ties are ordered by row, that is by frequency if the most frequent key comes first."""

    def similar(self, word: Key | Sequence[Key], n: int = 10) -> Found:
        """The ``n`` keys whose vectors have the largest cosine with that of ``word``, and the cosines.

        Of a list of words it is the mean of their unit vectors. A word without a row is written as :meth:`meant` does.

        Raises
        ------
        InputError
            If the word is not known or ``n`` is below 1.
        """
        words = word if isinstance(word, list) else [word]
        return self._best(
            self._cosines(*self._query([pair for one in words for pair in self._meant(one, 1.0)])), _wanted(n)
        )

    def analogy(self, a: Key, b: Key, c: Key, n: int = 10) -> Found:
        """Keys x such that ``a`` is to ``b`` as ``c`` is to x: the cosines of x with b - a + c (3CosAdd).

        The vectors are normalised before the sum; the three given words are excluded from the result.

        Raises
        ------
        InputError
            If a word is not known or ``n`` is below 1.
        """
        given = [pair for word, weight in ((a, -1.0), (b, 1.0), (c, 1.0)) for pair in self._meant(word, weight)]
        return self._best(self._cosines(*self._query(given)), _wanted(n))

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> Found | Array:
        """The keys of the largest cosine with the sum of the positive vectors less the negative ones.

        Parameters
        ----------
        positive, negative : key, vector (vector_size,), or list of these, optional
            The vectors of keys are scaled to length one; ``(key, weight)`` gives a weight other than 1 or −1. The given
            keys are excluded from the result.
        topn : int or None
            Number of keys; None returns the cosines of all keys.
        clip_start, clip_end : int
            The range of rows that are searched.
        restrict_vocab : int, optional
            Number of rows that are searched; overrides the range.
        indexer : Indexer, optional
            An approximate index to use instead of the exact search.

        Returns
        -------
        list of (key, float), or array (rows searched,) float32 if ``topn`` is None

        Raises
        ------
        InputError
            If nothing is given, or a key is not known (UnknownWordError).
        """
        if topn is not None and topn < 1:
            return []
        given = _weighted(positive, 1.0, self) + _weighted(negative, -1.0, self)
        query, rows = self._query(given)
        if indexer is not None and topn is not None:
            found: Found = indexer.most_similar(query, topn)
            return found
        clip = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end)
        cosines, left_out, first = self._cosines(query, rows, *clip)
        return cosines if topn is None else self._best((cosines, left_out, first), topn)

    def most_similar_cosmul(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Found | Array:
        """Like :meth:`most_similar`, by the product of (1 + cos)/2 of the positive keys over that of the negative ones.

        With two positive keys and a negative one, this is 3CosMul, equation (4) of Levy & Goldberg (2014). Weights are
        ignored.
        """
        if topn is not None and topn < 1:
            return []
        sides = [_weighted(items, 1.0, self) for items in (positive, negative)]
        if not sides[0]:
            raise InputError("nothing is given that should be similar: name a word (positive)")
        products, given = [], set()
        for side in sides:
            product = np.ones(min(restrict_vocab or len(self), len(self)), np.float32)
            for item in side:
                query, rows = self._query([item])
                product *= (1 + self._cosines(query, rows, 0, restrict_vocab)[0]) / 2
                given |= rows
            products.append(product)
        scores = products[0] / (products[1] + np.float32(1e-6))
        return scores if topn is None else self._best((scores, given, 0), topn)

    def similar_by_key(self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """:meth:`most_similar` of one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """:meth:`most_similar` of one key."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: Array, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Found | Array:
        """:meth:`most_similar` of one vector (vector_size,)."""
        return self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """The cosine of two keys over the sum of the ``topn`` largest ones with ``wa`` (Leeuwenberg et al., 2016)."""
        return self.similarity(wa, wb) / sum(cosine for _, cosine in self.similar(wa, topn))

    def _meant(self, query: Key, weight: float) -> list[tuple[Key, float]]:
        """The keys that a query stands for, which share its weight."""
        keys = self.meant(query)
        return [(key, weight / len(keys)) for key in keys]

    def _query(self, given: list[tuple[Any, float]]) -> tuple[Array, set[int]]:
        """The direction of the weighted sum, (vector_size,), and the rows of the given keys."""
        keys, weights = zip(*given, strict=True) if given else ((), ())
        mean = self.get_mean_vector(keys, weights, post_normalize=True, ignore_missing=False)
        return mean, {
            self.get_index(key) for key in keys if not isinstance(key, np.ndarray) and self.has_index_for(key)
        }

    def _cosines(
        self, query: Array, left_out: set[int], start: int = 0, stop: int | None = None
    ) -> tuple[Array, set[int], int]:
        """The cosines of rows start:stop with ``query``, and the other arguments of :meth:`_best`."""
        rows = slice(*slice(start, stop or None).indices(len(self)))
        norms = self._divisors()[rows]
        # Products of float32 numbers near its largest one overflow, and those of its smallest ones round away.
        extreme = len(norms) and (norms.max() > LARGEST or norms.min() < 1 / LARGEST)
        matrix = self.vectors[rows].astype(np.float64) if extreme else self.vectors[rows]
        cosines = matrix @ query / norms
        return cosines.astype(np.float32), left_out, rows.start

    def _best(self, scores: tuple[Array, Collection[int], int], n: int) -> Found:
        """The ``n`` keys of the largest scores, without the excluded rows; the first score belongs to row ``first``."""
        values, left_out, first = scores
        values = values.copy()
        values[[row - first for row in left_out if 0 <= row - first < len(values)]] = -np.inf
        n = min(n, int(np.count_nonzero(values > -np.inf)))
        top = np.argpartition(-values, n)[:n] if n < len(values) else np.arange(n)
        top = top[np.lexsort((top, -values[top]))]
        return [(self.index_to_key[first + row], float(values[row])) for row in top.tolist()]


def _wanted(n: int) -> int:
    return validation.positive_int("the number of words to show", n)


def _weighted(items: Any, weight: float, table: Similarity) -> list[tuple[Any, float]]:
    """The positive or negative arguments as pairs (key or vector, weight)."""
    if items is None:
        return []
    is_one = not isinstance(items, list | tuple | np.ndarray) or (isinstance(items, np.ndarray) and items.ndim == 1)
    pairs = []
    for item in [items] if is_one else items:
        has_weight = isinstance(item, tuple) and len(item) == 2 and item not in table.key_to_index
        pairs.append((item[0], float(item[1])) if has_weight else (item, weight))
    return pairs
