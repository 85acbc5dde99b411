"""Words (or other keys) and their vectors, with methods for neighbours, vectors of texts, files and gensim."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.options import refuse_unknown
from wordsparse.types import Array
from wordsparse.vectors import names, queries
from wordsparse.vectors.table import Key, VectorTable

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Neighbours: TypeAlias = list[tuple[Any, float]]

# A map from the names of methods and attributes in gensim and fastText to our names, for the message of AttributeError.
ELSEWHERE = {
    **dict.fromkeys(("most_similar", "similar_by_word", "similar_by_vector"), "similar(word_or_vector, n)"),
    "get_nearest_neighbors": "similar(word, n)",
    "get_analogies": "analogy(a, b, c)",
    **dict.fromkeys(("get_word_vector", "get_vector", "word_vec"), "vector(word)"),
    **dict.fromkeys(("get_sentence_vector", "get_mean_vector"), "encode([text])"),
    **dict.fromkeys(("index_to_key", "get_words", "labels", "vocab"), "words"),
    **dict.fromkeys(("key_to_index", "get_word_id", "get_index"), "row(word)"),
    **dict.fromkeys(("vector_size", "get_dimension"), "dim"),
    **dict.fromkeys(("get_input_matrix", "syn0"), "vectors"),
    **dict.fromkeys(("save", "save_word2vec_format"), "export(path, format)"),
}


class WordVectors(VectorTable):
    """A set of words or other keys with one vector each.

    :class:`wordsparse.gensim.KeyedVectors` also has all methods of gensim's class.

    Parameters
    ----------
    words : iterable of hashable, length V
        The words, all different. Without ``counts``, the most frequent word must come first.
    vectors : array (V, dim)
        One row of finite numbers per word. The array is stored as float32 in C order, and is copied only if its type or
        order differs.
    counts : array (V,), optional
        Number of occurrences of each word, not negative. The array is stored as int64.

    Attributes
    ----------
    words : list, length V
    ngrams : NgramVectors or None
        The n-grams that compose the vectors of words without a row; None if such words have no vector.
    split : callable or None
        The tokeniser that split the training text into words; None if the tokeniser is unknown.
    tokens : str
        The name of this tokeniser; "split" if the training text was split at white space.

    Raises
    ------
    InputError
        If the sizes do not agree, a word occurs twice or is not hashable, or a number is not finite.
    """

    def __getattr__(self, name: str) -> NoReturn:
        hint = f": it is {ELSEWHERE[name]}" if name in ELSEWHERE else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def __getitem__(self, word: Any) -> Array:
        """Return the vector of a word, (dim,), or the vectors of a list of words, (n, dim); see :meth:`vector`."""
        if isinstance(word, list | np.ndarray) or (isinstance(word, tuple) and word not in self._row_of):
            return np.vstack([self.vector(one) for one in word])
        return self.vector(word)

    def row(self, word: Key) -> int:
        """Return the row of ``word`` in ``vectors``.

        Raises
        ------
        UnknownWordError
            If the word has no row. The message names words of similar spelling.
        """
        row = self.find(word)
        if row is None:
            raise queries.unknown(self, word)
        return row

    def vector(self, word: Key, *, unit: bool = False) -> Array:
        """Return the vector of ``word``, (dim,), read-only. With ``unit``, the vector is scaled to unit length.

        If ``word`` has no row, the tokeniser splits it into words, and the result is the weighted mean of their
        vectors. If the tokeniser returns a single word without a row, the vector is composed from the n-grams of this
        word. Raise UnknownWordError if the word has no vector.
        """
        row = self.find(word)
        composed = queries.composed(self, word) if row is None else None
        vector: Array = self._vectors[self.row(word)] if composed is None else composed
        if unit:
            divisor = float(np.linalg.norm(composed)) if composed is not None else self.norms[row]
            vector = np.divide(vector, divisor or 1.0, out=np.empty_like(vector), casting="same_kind")
        vector.flags.writeable = False  # writing to the vector would make the cached norms wrong
        return vector

    def is_composed(self, word: object) -> bool:
        """Return whether ``word`` has no row, but does have a vector composed from n-grams or other words."""
        return self.find(word) is None and queries.composed(self, word) is not None

    def similar(self, word: Key | Sequence[Key] | Array, n: int = 10, **unknown: NoReturn) -> Neighbours:
        """Return the ``n`` words whose vectors have the largest cosines with the vector of ``word``, and the cosines.

        Words with equal cosines are ordered by row. A zero vector has the cosine 0 with every other vector.

        Parameters
        ----------
        word : str, list of str, or vector (dim,)
            A list stands for the mean of its words' unit vectors. If a word has no row, the tokeniser splits the word.
            The words of the query are left out of the result.
        n : int
            The number of words to return, at least 1.

        Raises
        ------
        InputError
            If a word is unknown, a vector is not finite or does not have ``dim`` numbers, or ``n`` is below 1.
        """
        refuse_unknown(unknown, ["n"])
        if isinstance(word, np.ndarray) and word.dtype.kind in "fiu":
            if word.shape != (self.dim,):
                raise InputError(f"a vector must have the shape {(self.dim,)}, not {word.shape}")
            vector = validation.matrix("the vector", word[None], self.dim, np.dtype(np.float64))[0]
            return self._best_of(vector / (float(np.linalg.norm(vector)) or 1.0), set(), n)
        words = list(word) if isinstance(word, list | np.ndarray) else [word]
        return self._nearest([(one, 1.0) for one in words], n)

    def similarity(self, a: Key, b: Key) -> float:
        """Return the cosine of the vectors of two words, computed in float64. The cosine is 0 if one of the vectors is
        zero.

        The vector of a word without a row is composed as in :meth:`vector`.

        Raises
        ------
        UnknownWordError
            If a word has no vector.
        """
        first, second = (self._direction([(word, 1.0)])[0] for word in (a, b))
        return float(first @ second)

    def project(self, words: Iterable[Key], positive: Iterable[Key], negative: Iterable[Key]) -> Array:
        """Return the cosines (n,) of words with an axis. The axis is the mean of ``positive`` minus the mean of
        ``negative``.

        The means are computed from unit vectors, in float64. A positive cosine says that a word lies on the side of
        ``positive`` (Kozlowski et al., 2019). The vector of a word without a row is composed as in :meth:`vector`.

        Raises
        ------
        InputError
            If a word has no vector, or a list is empty.
        """
        rows = []
        for name, side in (("words", words), ("positive", positive), ("negative", negative)):
            if isinstance(side, str) or not (side := list(side)):
                raise InputError(f"{name}={side!r:.80} must be a list of words, at least one")
            rows.append(np.array([self.vector(word, unit=True) for word in side], np.float64))
        axis = rows[1].mean(0) - rows[2].mean(0)
        axis /= float(np.linalg.norm(axis)) or 1.0
        return np.asarray(rows[0] @ axis)

    def encode(self, texts: Iterable[str | Sequence[str]]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts, (n, dim) float32 of unit length: see :mod:`wordsparse.vectors.encoder`.

        Raise InputError if an item is not a text, or ``texts`` is a single str or a table of several columns.
        """
        from wordsparse.vectors.encoder import Encoder  # a circular import otherwise

        if self._encoder is None:
            self._encoder = Encoder(self)
        vectors: npt.NDArray[np.float32] = self._encoder.encode(texts)
        return vectors

    def analogy(self, a: Key, b: Key, c: Key, n: int = 10) -> Neighbours:
        """Return words x such that ``a`` is to ``b`` as ``c`` is to x: the words of largest cosine with b - a + c
        (3CosAdd).

        The vectors are normalised before the sum; ``a``, ``b`` and ``c`` are excluded from the result.

        Raises
        ------
        InputError
            If a word is unknown or ``n`` is below 1.
        """
        return self._nearest([(a, -1.0), (b, 1.0), (c, 1.0)], n)

    def with_text(self) -> WordVectors:
        """Return the same vectors with every key converted to text. If all keys are words, return this object."""
        texts = names.as_text(self.words)
        if texts == self.words:
            return self
        renamed = WordVectors(texts, self.vectors, self.counts)
        renamed.split, renamed.tokens, renamed.ngrams = self.split, self.tokens, self.ngrams
        renamed.weights = self._weights
        return renamed

    def export(self, path: str | PathLike[str], format: str | None = None) -> list[Path]:
        """Write the vectors in a format that other programs read; see
        :func:`wordsparse.vectors.formats.save_vectors`."""
        from wordsparse.vectors.formats import save_vectors  # a circular import otherwise

        return save_vectors(self, path, format)

    def keyed_vectors(self) -> KeyedVectors:
        """Return a copy as ``gensim.models.KeyedVectors``, with the attribute "count" if the counts are known.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        # The attributes are set directly, because add_vectors would copy the matrix three times.
        keyed: KeyedVectors = optional.load("KeyedVectors", "gensim.models").KeyedVectors(vector_size=self.dim)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = {key: row for row, key in enumerate(self.words)}
        keyed.vectors = self.vectors.copy()
        if self.counts is not None:
            keyed.allocate_vecattrs(["count"], [np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    def _nearest(self, asked: Sequence[tuple[Key, float]], n: int) -> Neighbours:
        """Return the words nearest to a weighted sum of words' unit vectors. The words in the sum are left out."""
        return self._best_of(*self._direction(asked), n)

    def _best_of(self, direction: Array, left_out: Collection[int], n: int) -> Neighbours:
        """Return the ``n`` keys nearest to a unit vector, (dim,)."""
        n = validation.positive_int("the number of words to show", n)
        return self._best(self._cosines(direction.astype(self._vectors.dtype)), left_out, n)

    def _direction(self, asked: Sequence[tuple[Key, float]]) -> tuple[Array, set[int]]:
        """Return the weighted sum of words' unit vectors, scaled to unit length, (dim,) float64, and the rows of these
        words."""
        weighted = [(word, weight * share) for query, weight in asked for word, share in queries.parts(self, query)]
        total = np.zeros(self.dim)
        for word, weight in weighted:
            total += weight * self.vector(word, unit=True)
        total /= sum(abs(weight) for _, weight in weighted)
        total /= float(np.linalg.norm(total)) or 1.0
        return total, {row for word, _ in weighted if (row := self.find(word)) is not None}

    def _cosines(self, query: Array, rows: slice = slice(None)) -> Array:
        """Return the cosines of the vectors of these rows with ``query``, which has unit length."""
        cosines = self.vectors[rows] @ query / self.divisors[rows]
        return np.asarray(cosines, np.float32)

    def _best(self, cosines: Array, left_out: Collection[int], n: int, first: int = 0) -> Neighbours:
        """Return the ``n`` keys of largest cosine, without the rows in ``left_out``. ``cosines[0]`` belongs to row
        ``first``."""
        values = cosines.copy()
        values[[row - first for row in left_out if 0 <= row - first < len(values)]] = -np.inf
        n = min(n, int(np.count_nonzero(values > -np.inf)))
        top = np.argpartition(-values, n)[:n] if n < len(values) else np.arange(n)
        top = top[np.lexsort((top, -values[top]))]
        return [(self.words[first + row], float(values[row])) for row in top.tolist()]
