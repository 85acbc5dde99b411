"""Words (or other keys) and their vectors, with methods for neighbours, vectors of texts, files and gensim."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.options import refuse_unknown
from wordsparse.types import Array
from wordsparse.vectors import names, neighbours, queries
from wordsparse.vectors.compact import DTYPES, CompactRows, most_shared, part_of, unit_of
from wordsparse.vectors.evidence import FEW, SHARE, factors
from wordsparse.vectors.ngrams import NgramVectors
from wordsparse.vectors.table import Key, VectorTable

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from matplotlib.axes import Axes

logger = logging.getLogger(__name__)

Neighbours: TypeAlias = list[tuple[Any, float]]


class Query(NamedTuple):
    """A unit vector (dim,) float64, the rows of the words that its neighbours leave out, and the count K of
    :mod:`wordsparse.vectors.evidence`."""

    direction: Array
    left_out: set[int]
    doubt: float


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
    "doesnt_match": "wordsparse.gensim.KeyedVectors.of(vectors).doesnt_match(words)",
    **dict.fromkeys(("transform", "fit_transform"), "encode(texts)"),
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
        """Return the vector of a word, (dim,), or the vectors of a list of words, (n, dim); see :meth:`vector`. If the
        vector of a word is composed, a warning says so the first time."""
        self._tell_of_compositions(word)
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

    def similar(
        self,
        word: Key | Sequence[Key] | Array,
        n: int = 10,
        *,
        candidates: Iterable[Key] | Array | None = None,
        evidence: bool = True,
        **unknown: NoReturn,
    ) -> Neighbours:
        """Return the ``n`` words nearest to ``word``, and the cosines of their vectors with the vector of ``word``.

        Words are ranked by evidence: by cosine, less for words that are rare in the text
        (:mod:`wordsparse.vectors.evidence`). If the counts of words are unknown, words are ranked by cosine. Equal
        words are ordered by row. A zero vector has the cosine 0 with every other vector.

        Parameters
        ----------
        word : str, list of str, or vector (dim,)
            A list stands for the mean of its words' unit vectors. If a word has no row, the tokeniser splits the word.
            The words of the query are left out of the result. The log has a warning for each word whose vector is
            composed from n-grams, once.
        n : int
            The number of words to return, at least 1.
        candidates : iterable of str, or row numbers, optional
            The only words that may be returned. Row numbers are a range or an array of integers, such as
            ``most_frequent(5000)``. Words without a row are ignored.
        evidence : bool
            Whether words are ranked by evidence; otherwise, by cosine alone.

        Raises
        ------
        InputError
            If a word is unknown, a vector is not finite or does not have ``dim`` numbers, ``n`` is below 1, or no
            candidate has a row.
        """
        refuse_unknown(unknown, ["n", "candidates", "evidence"])
        query = self._query_of(word)
        self._tell_of_compositions(word)
        return self._best(query, n, candidates, evidence)

    def _tell_of_compositions(self, word: Any) -> None:
        for part in [] if self.ngrams is None or isinstance(word, np.ndarray) else self.new_compositions(word):
            logger.warning("%r is not in the vocabulary: its vector is composed of its n-grams", part)

    def new_compositions(self, word: Key | Sequence[Key]) -> list[str]:
        """Return the words of a query of :meth:`similar` whose vectors are composed from n-grams, except for words that
        this method has returned before."""
        query = word if isinstance(word, list) else [word]
        parts = dict.fromkeys(part for one in query for part, _ in queries.parts(self, one))
        found = [str(part) for part in parts if part not in self._composed and self.is_composed(part)]
        self._composed.update(found)
        return found

    def similar_to_each(
        self,
        words: Iterable[Any],
        n: int = 10,
        *,
        candidates: Iterable[Key] | Array | None = None,
        evidence: bool = True,
    ) -> tuple[Array, Array]:
        """Return the ``n`` nearest words of each of many words, (m, k) object, and their cosines, (m, k) float32.

        Each row has the words and cosines that :meth:`similar` returns for one of the ``words``, to the last bit, in a
        fraction of the time. Here k is the largest number of words in a row, at most ``n``. Shorter rows are padded
        with None and NaN.

        Parameters
        ----------
        words : iterable of str, of lists of str, or of vectors; or array (m, dim)
        n, candidates, evidence
            See :meth:`similar`.

        Raises
        ------
        InputError
            As :meth:`similar`, or if ``words`` is a single word.
        """
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise InputError(f"words={words!r:.80} must be a list of words")
        return self._nearest([self._query_of(word) for word in words], n, candidates, evidence)

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

    def analogy(
        self,
        a: Key = None,
        b: Key = None,
        c: Key = None,
        n: int = 10,
        *,
        positive: Key | Sequence[Key] = (),
        negative: Key | Sequence[Key] = (),
        candidates: Iterable[Key] | Array | None = None,
        evidence: bool = True,
        **unknown: NoReturn,
    ) -> Neighbours:
        """Return words x such that ``a`` is to ``b`` as ``c`` is to x: the words nearest to b - a + c (3CosAdd), and
        their cosines with it.

        The vectors are normalised before the sum; ``a``, ``b`` and ``c`` are excluded from the result. In place of
        ``a``, ``b`` and ``c``, you may give gensim's lists of ``positive`` and ``negative`` words. ``candidates`` are
        the only words that may be returned, as in :meth:`similar`. ``evidence`` says whether the cosines of words that
        occur a few times count less.

        Raises
        ------
        InputError
            If a word is unknown or missing, ``n`` is below 1, or no candidate has a row.
        """
        refuse_unknown(unknown, ["a", "b", "c", "n", "positive", "negative", "candidates", "evidence"], skip=3)
        lists = [words if isinstance(words, list | tuple) else [words] for words in (positive, negative)]
        weighted = [(word, sign) for words, sign in zip(lists, (1.0, -1.0), strict=True) for word in words]
        missing = [word is None for word in (a, b, c)]
        if any(missing) != all(missing) or any(missing) != bool(weighted):
            raise InputError("an analogy needs three words, a is to b as c, or the lists positive= and negative=")
        query = self._direction(weighted or [(a, -1.0), (b, 1.0), (c, 1.0)])._replace(doubt=FEW)
        return self._best(query, n, candidates, evidence)

    def with_evidence(self) -> WordVectors:
        """Return the same words with vectors that are shorter for rare words.

        Another program can then rank words as :meth:`similar` ranks them for a vector: by the inner product with a
        vector of length one. Cosines do not change. Raise InputError if the counts of words are unknown.
        """
        if self.rarity is None:
            raise InputError("the counts of the words are unknown, so there is no evidence: export the model itself")
        return self._with(unit_of(self.vectors, self.divisors / factors(self.doubt, self.rarity)), self.ngrams)

    def plot(self, words: Key | Sequence[Key], n: int = 20, ax: Axes | None = None, **unknown: NoReturn) -> Axes:
        """Draw words in the plane, by the two principal components of their unit vectors.

        Parameters
        ----------
        words : list of str, or str
            The words to draw, at least three. A single word stands for itself and its ``n`` nearest neighbours.
        n : int
            Number of neighbours of a single word.
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default, in a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Has the title, the figure and so on: ``wv.plot(words).figure.savefig("words.pdf")``.

        Raises
        ------
        InputError
            If a word is unknown, or there are too few words or dimensions.
        MissingDependencyError
            If matplotlib is not installed (``wordsparse[plot]``).
        """
        from wordsparse.vectors.figure import plotted  # a circular import otherwise

        refuse_unknown(unknown, ["words", "n", "ax"], skip=1)

        chosen = (
            list(words) if isinstance(words, list | tuple) else [words, *(word for word, _ in self.similar(words, n))]
        )
        return plotted(self, chosen, ax)

    def with_text(self) -> WordVectors:
        """Return the same vectors with every key converted to text. If all keys are words, return this object."""
        texts = names.as_text(self.words)
        if texts == self.words:
            return self
        return self._with(self.vectors, self.ngrams, texts)

    def truncated(self, dim: int) -> WordVectors:
        """Return the same words with the first ``dim`` numbers of each vector, and of the rows of n-grams.

        The vectors of a model are in principal axes, so the first numbers tell most. The weights of words in texts do
        not change. Raise InputError if ``dim`` is not between 1 and the number of dimensions.
        """
        dim = validation.whole("dim", dim, 1, self.dim)
        ngrams = None if self.ngrams is None else self.ngrams.truncated(dim)
        return self._with(part_of(self.vectors, slice(None), dim), ngrams)

    def rounded(self, dtype: str) -> WordVectors:
        """Return the same words with vectors rounded to "float16", or to "int8" with a scale per vector.

        The vectors take a half or a quarter of the memory, and files that :meth:`export` writes keep the type. Rows are
        converted to float32 when they are used. With "float32", all rows are converted. Raise InputError for another
        type, or if a number is too large for float16.
        """
        dtype = validation.one_of(*DTYPES)("dtype", dtype)
        vectors = np.asarray(self.vectors) if dtype == "float32" else CompactRows.of(self.vectors, dtype)
        return self._with(vectors, self.ngrams)

    def selected(self, words: Iterable[Key] | Array) -> WordVectors:
        """Return the vectors of some words, in the order of this table, and the n-grams that these words share most: at
        most one n-gram per word.

        The ``words`` may be row numbers, such as ``most_frequent(5000)``. Words without a row are ignored, and the
        weights of words in texts do not change. Raise InputError if none of the words has a row.
        """
        rows = neighbours.rows_of(self, words, "words")
        chosen = [self.words[row] for row in rows.tolist()]
        ngrams = None if self.ngrams is None else most_shared(self.ngrams, chosen, len(chosen))
        return self._with(part_of(self.vectors, rows, self.dim), ngrams, chosen, rows)

    def _with(
        self,
        vectors: Array | CompactRows,
        ngrams: NgramVectors | None,
        words: list[Any] | None = None,
        rows: Any = slice(None),
    ) -> WordVectors:
        """Return other vectors, with the counts and weights of some ``rows`` of this table and with its tokeniser. By
        default, the words stay the same."""
        counts = None if self.counts is None else self.counts[rows]
        changed = WordVectors(self.words if words is None else words, vectors, counts)
        changed.split, changed.tokens, changed.ngrams = self.split, self.tokens, ngrams
        changed.weights, changed.doubt = self.weights[rows], self.doubt
        return changed

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
        keyed.vectors = np.array(self.vectors)
        if self.counts is not None:
            keyed.allocate_vecattrs(["count"], [np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    def _best(self, query: Query, n: int, candidates: Any, evidence: bool = True) -> Neighbours:
        """Return the ``n`` words nearest to one query, and their cosines."""
        words, cosines = self._nearest([query], n, candidates, evidence)
        return [*zip(words[0].tolist(), cosines[0].tolist(), strict=True)]

    def _nearest(self, asked: Sequence[Query], n: int, candidates: Any, evidence: bool) -> tuple[Array, Array]:
        """Compute :meth:`similar_to_each` for queries."""
        directions = np.array([query.direction for query in asked]).reshape(-1, self.dim)
        doubts = np.array([query.doubt for query in asked]) if evidence else None
        left_out = [query.left_out for query in asked]
        rows, cosines = neighbours.nearest(self, directions, left_out, n, candidates, doubts)
        return self.named(rows), cosines

    def named(self, rows: Array) -> Array:
        """Return the words of rows, object of any shape. The word of −1 is None."""
        words = (self.words[row] if row >= 0 else None for row in rows.ravel().tolist())
        return np.fromiter(words, object, rows.size).reshape(rows.shape)

    def _query_of(self, word: Key | Sequence[Key] | Array) -> Query:
        """Return the query that a word, a list of words or a vector (dim,) stands for."""
        if isinstance(word, np.ndarray) and word.dtype.kind in "fiu":
            if word.shape != (self.dim,):
                raise InputError(f"a vector must have the shape {(self.dim,)}, not {word.shape}")
            vector = validation.matrix("the vector", word[None], self.dim, np.dtype(np.float64))[0]
            return Query(vector / (float(np.linalg.norm(vector)) or 1.0), set(), self.doubt)
        words = list(word) if isinstance(word, list | np.ndarray) else [word]
        if len(words) == 1 and (row := self.find(words[0])) is not None:
            return Query(self.some_unit(np.array([row]))[0].astype(np.float64), {row}, self.doubt_of([row]))
        return self._direction([(one, 1.0) for one in words])

    def _direction(self, asked: Sequence[tuple[Key, float]]) -> Query:
        """Return the query for the weighted sum of words' unit vectors."""
        weighted = [(word, weight * share) for query, weight in asked for word, share in queries.parts(self, query)]
        total = np.zeros(self.dim)
        for word, weight in weighted:
            total += weight * self.vector(word, unit=True)
        total /= sum(abs(weight) for _, weight in weighted)
        total /= float(np.linalg.norm(total)) or 1.0
        rows = [self.find(word) for word, _ in weighted]
        return Query(total, {row for row in rows if row is not None}, self.doubt_of(rows))

    def doubt_of(self, rows: Sequence[int | None]) -> float:
        """Return the count K of :mod:`wordsparse.vectors.evidence` for a query of words with these rows; None is a word
        without a row. Several words have the K of the rarest."""
        known = [row for row in rows if row is not None]
        if self.rarity is None or self.counts is None or len(known) < len(rows):
            return 0.0
        return min(SHARE * float(self.counts[known].min()), self.doubt)
