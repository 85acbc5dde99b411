"""Similarity of keys: cosines and distances between given keys, vectors and documents."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError, NothingGivenError
from wordsparse.vectors.lookup import Array, Key, KeyTable

logger = logging.getLogger(__name__)


class Similarity(KeyTable):
    """Cosines and distances, in float64; a zero vector has the cosine 0 with every other."""

    def similarity(self, w1: Key, w2: Key) -> float:
        """The cosine of two keys' vectors."""
        return _cosine(self.get_vector(w1), self.get_vector(w2))

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
        """The cosine of the mean vectors of two lists of keys; unknown keys are ignored.

        Raises
        ------
        NothingGivenError
            If a list is empty.
        """
        if not (len(ws1) and len(ws2)):
            raise NothingGivenError("n_similarity needs two lists of at least one key each")
        return _cosine(*(self.get_mean_vector(keys, pre_normalize=False) for keys in (ws1, ws2)))

    def distance(self, w1: Key, w2: Key) -> float:
        """1 minus the cosine of two keys' vectors."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Any, other_words: Iterable[Key] = ()) -> Array:
        """1 minus the cosine with the vector of each of the other keys, (n,); with those of all keys if none is given.

        ``word_or_vector`` is a key or a vector (vector_size,).
        """
        vector = word_or_vector if isinstance(word_or_vector, np.ndarray) else self.get_vector(word_or_vector)
        rows = [self.get_index(key) for key in other_words]
        return 1 - self.cosine_similarities(vector, self.vectors[rows] if rows else self.vectors)

    @staticmethod
    def cosine_similarities(vector_1: Array, vectors_all: Array) -> Array:
        """The cosine of a vector (d,) with each row of a matrix (n, d); (n,) float64."""
        squares = np.einsum("ij,ij->i", vectors_all, vectors_all, dtype=np.float64)
        products = np.einsum("ij,j->i", vectors_all, vector_1, dtype=np.float64)
        lengths = np.sqrt(squares * np.einsum("i,i->", vector_1, vector_1, dtype=np.float64))
        cosines: Array = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
        return cosines

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Any:
        """The key of the list whose vector has the largest cosine with that of ``key1``."""
        return keys_list[int(np.argmin(self.distances(key1, keys_list)))]

    def closer_than(self, key1: Key, key2: Key) -> list[Any]:
        """All keys closer to ``key1`` than ``key2`` is."""
        distances = self.distances(key1)
        closer = np.flatnonzero(distances < distances[self.get_index(key2)])
        return [self.index_to_key[row] for row in closer if row != self.get_index(key1)]

    def rank(self, key1: Key, key2: Key) -> int:
        """The rank of ``key2`` among the neighbours of ``key1``, counted from 1."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(self, words: Sequence[Key], use_norm: bool = True) -> list[tuple[float, Any]]:
        """The keys with the dot product of their vector and the direction of the mean of all, in descending order.

        Unknown keys are ignored with a warning; InputError if all are unknown.
        """
        known = [word for word in words if word in self]
        if missing := [word for word in words if word not in self]:
            logger.warning("left out, since they are not in the vocabulary: %s", missing)
        if not known:
            raise InputError("none of the given keys is in the vocabulary: give words that are in index_to_key")
        vectors = np.stack([self.get_vector(key, norm=use_norm) for key in known]).astype(np.float64)
        mean = vectors.mean(axis=0)
        products = vectors @ mean / (float(np.linalg.norm(mean)) or 1.0)
        order = np.argsort(-products, kind="stable")
        return [(float(products[i]), known[i]) for i in order]

    def doesnt_match(self, words: Sequence[Key]) -> Any:
        """The key that is farthest from the mean of all."""
        return self.rank_by_centrality(words)[-1][1]

    def wmdistance(self, document1: Sequence[Key], document2: Sequence[Key], norm: bool = True) -> float:
        """The Word Mover's Distance of two documents (Kusner et al., 2015): the least cost of moving one to the other.

        Parameters
        ----------
        document1, document2 : sequence of keys
            Unknown keys are ignored; the distance is infinite if a document has no known keys.
        norm : bool
            Scale the vectors to length one first.

        Raises
        ------
        MissingDependencyError
            If the package POT is not installed.
        """
        emd2 = optional.load("wmdistance", "ot").emd2
        bags = [Counter(key for key in document if key in self) for document in (document1, document2)]
        if not all(bags):
            logger.warning("a document without a known word has an infinite distance to every other")
            return float("inf")
        if bags[0] == bags[1]:
            return 0.0
        first, second = (np.stack([self.get_vector(key, norm=norm) for key in bag]).astype(np.float64) for bag in bags)
        costs = np.sqrt(np.square(first[:, None] - second[None]).sum(axis=2))
        masses = [np.fromiter(bag.values(), np.float64) / bag.total() for bag in bags]
        return float(emd2(*masses, costs))


def _cosine(a: Array, b: Array) -> float:
    """The cosine of two vectors (d,). √(x²) = x exactly, so the cosine of a vector with itself is exactly 1."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt(np.dot(x, x) * np.dot(y, y))
    return float(np.dot(x, y) / lengths) if lengths > 0 else 0.0
