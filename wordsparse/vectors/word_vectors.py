"""Words or other keys and their vectors: validation, neighbours, and conversion to and from files and gensim."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse import optional, validation
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.options import refuse_unknown
from wordsparse.types import Array
from wordsparse.vectors import names
from wordsparse.vectors.ngrams import NgramVectors
from wordsparse.vectors.spelling import spellings
from wordsparse.vectors.weights import weights

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Key: TypeAlias = Hashable
Neighbours: TypeAlias = list[tuple[Any, float]]

# Similar spellings are searched among this many of the most frequent words, which takes a few milliseconds.
_SPELLING_CANDIDATES = 50_000
# Names of methods and attributes of vectors in gensim and fastText → ours.
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


class WordVectors:
    """A set of words or other keys with one vector each.

    :class:`wordsparse.gensim.KeyedVectors` also has all methods of gensim's class.

    Parameters
    ----------
    words : iterable of hashable, length V
        Distinct; without ``counts``, most frequent first.
    vectors : array (V, dim)
        One row per word, finite; stored as float32 in C order, without a copy if it has this form already.
    counts : array (V,), optional
        Number of occurrences of each word, not negative; stored as int64.

    Attributes
    ----------
    words : list, length V
    ngrams : NgramVectors or None
        The n-grams that compose the vectors of words without a row; None if these words have no vector.
    split : callable or None
        The tokeniser that split the text of the vectors into words; None if it is unknown.
    tokens : str
        The name of this tokeniser. With "split" (white space), :mod:`wordsparse.vectors.spelling` tries other
        spellings of unknown words.

    Raises
    ------
    InputError
        If the sizes do not agree, a word occurs twice or is not hashable, or a number is not finite.
    """

    def __init__(self, words: Iterable[Key], vectors: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> None:
        with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which is refused below
            matrix: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
        try:
            self._begin(words, matrix)
        except TypeError as error:
            raise InputError(f"words must be hashable: {error}") from error
        self._counts: npt.NDArray[np.int64] | None = None if counts is None else _whole_numbers(counts)
        self._check()

    def _begin(self, words: Iterable[Key], vectors: Array) -> None:
        """Adopt the words and their vectors, unchecked."""
        self.words: list[Any] = list(words)
        self._row_of: dict[Any, int] = {word: row for row, word in enumerate(self.words)}
        self._counts = None
        self.ngrams: NgramVectors | None = None
        self.split: Callable[[str], list[str]] | None = None
        self.tokens = "split"
        self.vectors = vectors

    @property
    def vectors(self) -> Array:
        """The matrix (V, dim), one row per word."""
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: Array) -> None:
        self._vectors = vectors
        self._norms: Array | None = None
        self._unit: Array | None = None
        self._encoder: Any = None

    @property
    def counts(self) -> npt.NDArray[np.int64] | None:
        """Number of occurrences of each word, (V,); None if unknown."""
        return self._counts

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    @property
    def norms(self) -> Array:
        """The Euclidean length of each vector, (V,); computed once."""
        if self._norms is None:
            # In float64: the square of a large float32 number overflows float32.
            squares = np.einsum("ij,ij->i", self._vectors, self._vectors, dtype=np.float64)
            self._norms = np.sqrt(squares)
        return self._norms

    @property
    def unit(self) -> Array:
        """The vectors scaled to length one, (V, dim); a zero vector stays zero. Computed once."""
        if self._unit is None:
            self._unit = np.empty_like(self._vectors)
            np.divide(self._vectors, self._divisors()[:, None], out=self._unit, casting="same_kind")
        return self._unit

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.words)

    def __getattr__(self, name: str) -> NoReturn:
        hint = f": it is {ELSEWHERE[name]}" if name in ELSEWHERE else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def __contains__(self, word: object) -> bool:
        return self._find(word) is not None

    def __repr__(self) -> str:
        shown = ", ".join(f"{word!r:.20}" for word in self.words[:3])
        more = ", …" if len(self) > 3 else ""
        return f"<{type(self).__name__} of {len(self):,} words, dim {self.dim}: {shown}{more}>"

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
            If the word has no row; the message names close spellings.
        """
        row = self._find(word)
        if row is None:
            raise UnknownWordError(self._unknown(word))
        return row

    def vector(self, word: Key, *, unit: bool = False) -> Array:
        """Return the vector of ``word``, (dim,), read-only; scaled to length one if ``unit``.

        If a word has no row, its vector is the mean of its :meth:`parts`, if the tokeniser takes it apart; else it is
        composed from the word's n-grams, if there are any. UnknownWordError otherwise.
        """
        row = self._find(word)
        composed = self._composed_or_mean(word) if row is None else None
        vector: Array = self._vectors[self.row(word)] if composed is None else composed
        if unit:
            divisor = float(np.linalg.norm(composed)) if composed is not None else self.norms[row]
            vector = np.divide(vector, divisor or 1.0, out=np.empty_like(vector), casting="same_kind")
        vector.flags.writeable = False  # a write would invalidate the cached lengths
        return vector

    def most_frequent(self, n: int) -> npt.NDArray[np.intp]:
        """Return the rows of the ``n`` most frequent words, in this order; the first rows if counts are unknown."""
        if self.counts is None:
            return np.arange(min(n, len(self)))
        return np.argsort(-self.counts, kind="stable")[:n]

    def is_composed(self, word: object) -> bool:
        """Return whether ``word`` has no row, and its vector is composed from n-grams or other words."""
        return self._find(word) is None and self._composed_or_mean(word) is not None

    def meant(self, query: Key) -> Sequence[Key]:
        """Return the words that a query stands for: itself if it has a row, else the words into which ``split`` splits
        it, in their known spelling."""
        if not isinstance(query, str) or self._find(query) is not None:
            return [query]
        words = [query] if self.split is None else self.split(query) or [query]
        return [self.spelt(word) for word in words]

    def parts(self, query: Key) -> list[tuple[Key, float]]:
        """Return the words whose weighted mean is the vector of a query, with weights that sum to 1.

        They are the words that the query stands for (:meth:`meant`), weighted as in texts
        (:mod:`wordsparse.vectors.weights`). If one of several has no vector, it is left out.
        """
        words = self.meant(query)
        if len(words) == 1:
            return [(words[0], 1.0)]
        rows = {word: self._find(word) for word in words}
        known = [word for word in words if rows[word] is not None or self._composed(word) is not None] or words
        shares = [1.0 if (row := rows[word]) is None else float(self._weights[row]) for word in known]
        return [(word, share / sum(shares)) for word, share in zip(known, shares, strict=True)]

    @cached_property
    def _weights(self) -> npt.NDArray[np.float32]:
        return weights(self.counts, len(self))

    def spelt(self, word: Key) -> Key:
        """Return the spelling of a word that has a row, else the spelling from which to compose a vector: see
        :mod:`wordsparse.vectors.spelling`."""
        if self.tokens != "split" or not isinstance(word, str) or self._find(word) is not None:
            return word
        _, bare, lower = spellings(word)
        return bare if self._find(bare) is not None or (self._has_capitals and self._find(lower) is None) else lower

    @cached_property
    def _has_capitals(self) -> bool:
        return any(isinstance(word, str) and word != word.lower() for word in self.words)

    def similar(self, word: Key | Sequence[Key] | Array, n: int = 10, **unknown: NoReturn) -> Neighbours:
        """Return the ``n`` words whose vectors have the largest cosines with the vector of ``word``, and the cosines.

        Ties are ordered by row; a zero vector has the cosine 0 with every other vector.

        Parameters
        ----------
        word : str, list of str, or vector (dim,)
            A list stands for the mean of its words' unit vectors. :meth:`meant` replaces a word without a row. The
            words themselves are not among the answers.
        n : int
            At least 1.

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
        """Return the cosine of the vectors of two words, in float64; it is 0 for a zero vector.

        :meth:`meant` replaces a word without a row, and its vector may be composed from n-grams.

        Raises
        ------
        UnknownWordError
            If a word has no vector.
        """
        first, second = (self._direction([(word, 1.0)])[0] for word in (a, b))
        return float(first @ second)

    def encode(self, texts: Iterable[str | Sequence[str]]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts, (n, dim) float32 of length one: see :mod:`wordsparse.vectors.encoder`.

        InputError if an item is not a text, or ``texts`` is a single str or a table of several columns.
        """
        from wordsparse.vectors.encoder import Encoder  # it imports this class

        if self._encoder is None:
            self._encoder = Encoder(self)
        vectors: npt.NDArray[np.float32] = self._encoder.encode(texts)
        return vectors

    def analogy(self, a: Key, b: Key, c: Key, n: int = 10) -> Neighbours:
        """Return words x such that ``a`` is to ``b`` as ``c`` is to x, by the cosines of x with b - a + c (3CosAdd).

        The vectors are normalised before the sum; ``a``, ``b`` and ``c`` are excluded from the result.

        Raises
        ------
        InputError
            If a word is unknown or ``n`` is below 1.
        """
        return self._nearest([(a, -1.0), (b, 1.0), (c, 1.0)], n)

    def with_text(self) -> WordVectors:
        """Return the same vectors with keys as text; the vectors themselves if all keys are words."""
        texts = names.as_text(self.words)
        if texts == self.words:
            return self
        renamed = WordVectors(texts, self.vectors, self.counts)
        renamed.split, renamed.tokens, renamed.ngrams = self.split, self.tokens, self.ngrams
        return renamed

    def export(self, path: str | PathLike[str], format: str | None = None) -> list[Path]:
        """Write the vectors in a format of other programs; see :func:`wordsparse.vectors.formats.save_vectors`."""
        from wordsparse.vectors.formats import save_vectors  # it imports this class

        return save_vectors(self, path, format)

    def keyed_vectors(self) -> KeyedVectors:
        """Return a copy as ``gensim.models.KeyedVectors``, with the attribute "count" if the counts are known.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        # add_vectors would copy the matrix three times.
        keyed: KeyedVectors = optional.load("KeyedVectors", "gensim.models").KeyedVectors(vector_size=self.dim)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = {key: row for row, key in enumerate(self.words)}
        keyed.vectors = self.vectors.copy()
        if self.counts is not None:
            keyed.allocate_vecattrs(["count"], [np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    def _find(self, word: Any) -> int | None:
        """Return the row of ``word``; None if it has no row."""
        return self._row_of.get(word)

    def _nearest(self, queries: Sequence[tuple[Key, float]], n: int) -> Neighbours:
        """Return the words nearest to the weighted sum of unit vectors, without the words of the sum."""
        return self._best_of(*self._direction(queries), n)

    def _best_of(self, direction: Array, left_out: Collection[int], n: int) -> Neighbours:
        """Return the ``n`` keys nearest to a direction, (dim,) of length one."""
        n = validation.positive_int("the number of words to show", n)
        return self._best(self._cosines(direction.astype(self._vectors.dtype)), left_out, n)

    def _direction(self, queries: Sequence[tuple[Key, float]]) -> tuple[Array, set[int]]:
        """Return the direction of the weighted sum of unit vectors, (dim,) float64, and the rows of the words."""
        weighted = [(word, weight * share) for query, weight in queries for word, share in self.parts(query)]
        total = np.zeros(self.dim)
        for word, weight in weighted:
            total += weight * self.vector(word, unit=True)
        total /= sum(abs(weight) for _, weight in weighted)
        total /= float(np.linalg.norm(total)) or 1.0
        return total, {row for word, _ in weighted if (row := self._find(word)) is not None}

    def _cosines(self, query: Array, rows: slice = slice(None)) -> Array:
        """Return the cosines of rows with ``query``, which has length one."""
        cosines = self.vectors[rows] @ query / self._divisors()[rows]
        return np.asarray(cosines, np.float32)

    def _best(self, cosines: Array, left_out: Collection[int], n: int, first: int = 0) -> Neighbours:
        """Return the ``n`` keys with the largest cosines, without the rows left out; ``first`` is the first row."""
        values = cosines.copy()
        values[[row - first for row in left_out if 0 <= row - first < len(values)]] = -np.inf
        n = min(n, int(np.count_nonzero(values > -np.inf)))
        top = np.argpartition(-values, n)[:n] if n < len(values) else np.arange(n)
        top = top[np.lexsort((top, -values[top]))]
        return [(self.words[first + row], float(values[row])) for row in top.tolist()]

    def _composed(self, key: object) -> Array | None:
        """Return the vector of a key without a row, (vector_size,); None if it has no vector."""
        return self.ngrams.vector(key) if self.ngrams is not None and isinstance(key, str) else None

    def _composed_or_mean(self, key: object) -> Array | None:
        """Return the vector of a key without a row, composed or the mean of its parts, (dim,); None if it has none."""
        if not isinstance(key, str) or len(parts := self.parts(key)) == 1:
            return self._composed(key)
        mean = np.zeros(self.dim)
        for word, share in parts:
            row = self._find(word)
            vector = self._composed(word) if row is None else self._vectors[row]
            if vector is None:
                return None
            mean += share / (float(np.linalg.norm(vector)) or 1.0) * vector
        return mean.astype(self._vectors.dtype)

    def _divisors(self) -> Array:
        """Return the divisors that scale each vector to length one, (V,) float64; 1 for a zero vector."""
        return np.where(self.norms > 0, self.norms, 1.0)

    def _unknown(self, key: object) -> str:
        """Return the error message for a missing key, with similar spellings if there are any."""
        if not isinstance(key, str):
            return f"{key!r:.80} is not in the vocabulary"
        close = self.close_to(key)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        why = ", and none of its n-grams is known" if self.ngrams is not None else ""
        return f"the word {key!r} is not in the vocabulary{why}{hint}"

    def close_to(self, key: str) -> list[str]:
        """Return at most three frequent words with a spelling similar to an unknown word's."""
        candidates = [
            word
            for word in (self.words[row] for row in self.most_frequent(_SPELLING_CANDIDATES).tolist())
            if isinstance(word, str) and abs(len(word) - len(key)) <= 2 and word[:1].lower() == key[:1].lower()
        ]
        return difflib.get_close_matches(key, candidates, n=3)

    def _check(self) -> None:
        """Raise InputError if the sizes do not agree, a word is repeated, or a number is invalid."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words) or self.vectors.size == 0:
            raise InputError(f"{len(self.words)} words need one vector each, not an array {self.vectors.shape}")
        if len(self._row_of) != len(self.words):
            row = next(row for row, word in enumerate(self.words) if self._row_of[word] != row)
            word = self.words[row]
            raise InputError(
                f"the word {word!r:.80} occurs twice (words {row + 1} and {self._row_of[word] + 1}); leave one out"
            )
        if self.counts is not None and (self.counts.shape != (len(self),) or self.counts.min() < 0):
            raise InputError(f"counts must be {len(self)} numbers, not negative")
        with np.errstate(invalid="ignore"):
            # A float64 sum of float32 numbers cannot overflow, so it is finite if and only if all numbers are.
            finite = np.isfinite(self.vectors.sum(axis=1, dtype=np.float64))
        if not finite.all():
            row = int(finite.argmin())
            raise InputError(
                f"the vector of {self.words[row]!r} (word {row + 1}) holds a number that is not finite; leave it out"
            )


def _whole_numbers(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(counts)
    if array.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {array.dtype}")
    return array.astype(np.int64, copy=False)
