"""Computes the vector of a text: the weighted mean of its words' unit vectors, scaled to unit length.

    d ∝ Σ_w a_w v_w/|v_w|      over every occurrence of a word, with the weights a of :mod:`wordsparse.vectors.weights`

For a word without a vector, :mod:`wordsparse.vectors.queries` tries other spellings. If no spelling has a vector, the
word gets the weight 1 and a vector composed from its n-grams, provided that an n-gram is known. Unlike in SIF, no
common component is subtracted from the vectors of texts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Any, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.validation import texts_of, words_of
from wordsparse.vectors import queries
from wordsparse.vectors.compact import CompactRows
from wordsparse.vectors.word_vectors import WordVectors

T = TypeVar("T")
Document: TypeAlias = str | Sequence[str]
"""A text as a str, which the tokeniser splits, or as a sequence of words."""

# The number of documents that are encoded at a time.
BATCH = 4096
# The number of unknown words for which a column (the row of another spelling, or a composed vector) is cached.
MOST_UNKNOWN = 2**13


class Encoder:
    """An encoder of texts that uses the vectors of words. Several threads, such as the threads of a web service, may
    use one encoder at once."""

    def __init__(self, vectors: WordVectors) -> None:
        # Dividing the weights by the lengths of the vectors makes a scaled copy of the vectors unnecessary.
        self._vectors, self._weights = vectors, (vectors.weights / vectors.divisors).astype(np.float32)
        self._columns = _Columns(vectors)

    def encode(self, documents: Iterable[Document]) -> NDArray[np.float32]:
        """Return the vectors of documents, (n, dim) float32. If no word of a text has a vector, the vector of the text
        is zero.

        The bytes of a text's vector do not depend on the other texts. Raise InputError if an item is not a text.
        """
        if getattr(documents, "shape", None) == ():
            raise InputError(f"give texts, not {documents!r:.80}")
        parts = [self._means(*batch) for batch in self._numbered(documents)]
        return np.concatenate(parts or [np.zeros((0, self._vectors.dim), np.float32)])

    def counted(self, documents: Iterable[Document]) -> Iterator[sp.csr_array]:
        """Yield, in batches, how often each document contains each word that has a row, (documents, V)."""
        V = len(self._vectors)
        for _, n, rows, columns in self._numbered(documents):
            known = (columns >= 0) & (columns < V)
            entries = np.ones(int(known.sum()), np.float32), (rows[known], columns[known])
            yield sp.coo_array(entries, (n, V)).tocsr()

    def _numbered(self, documents: Iterable[Document]) -> Iterator[tuple["_Columns", int, Array, Array]]:
        """Yield, for each batch of documents, the table of columns, the number of documents, and two arrays with the
        document and the column of each word."""
        words = (self._words(row, document) for row, document in enumerate(texts_of(documents)))
        for batch in batches(words, BATCH):
            if len(self._columns) > len(self._vectors) + MOST_UNKNOWN:
                self._columns = _Columns(self._vectors)
            table, sizes = self._columns, np.fromiter(map(len, batch), np.int64, len(batch))
            columns = np.fromiter(map(table.__getitem__, chain.from_iterable(batch)), np.int64, int(sizes.sum()))
            yield table, len(batch), np.repeat(np.arange(len(batch)), sizes), columns

    def _words(self, row: int, document: Any) -> Sequence[str]:
        if isinstance(document, str):
            return document.split() if self._vectors.split is None else self._vectors.split(document)
        return words_of(f"document {row}", document)

    def _means(self, table: "_Columns", n: int, rows: Array, columns: Array) -> NDArray[np.float32]:
        """Return the vectors of ``n`` documents. Document ``rows[i]`` contains the word with column ``columns[i]``."""
        V = len(self._vectors)
        known, unknown = (columns >= 0) & (columns < V), columns >= V
        sums = _product(rows[known], columns[known], self._weights[columns[known]], n, self._vectors.vectors)
        if unknown.any():
            used, column = np.unique(columns[unknown] - V, return_inverse=True)
            composed = np.array([table.composed[i] for i in used.tolist()])
            composed /= lengths(composed)
            sums += _product(rows[unknown], column, np.ones(len(column), np.float32), n, composed)
        sums /= lengths(sums)
        return sums


class _Columns(dict[Any, int]):
    """A dict from words to columns of the matrices that :class:`Encoder` multiplies with vectors. If a word or another
    spelling of it has a row, the word's column is the number of the row. A word with a composed vector has the column V
    + i, where i is the key of the vector in ``composed``. If a word has no vector, its column is −1."""

    def __init__(self, vectors: WordVectors) -> None:
        super().__init__(zip(vectors.words, range(len(vectors)), strict=True))
        self._vectors, self.composed = vectors, dict[int, Array]()
        self._keys = count()

    def __missing__(self, word: Any) -> int:
        meant = queries.spelt(self._vectors, word)
        if (column := self.get(meant)) is None:
            column = self[meant] = self._compose(meant)
        self[word] = column
        return column

    def _compose(self, word: Any) -> int:
        ngrams = self._vectors.ngrams
        vector = ngrams.vector(word) if ngrams is not None and isinstance(word, str) else None
        if vector is None:
            return -1
        key = next(self._keys)  # unique, even if another thread adds a vector at the same time
        self.composed[key] = vector
        return len(self._vectors) + key


def _product(rows: Array, columns: Array, values: Array, n: int, vectors: Any) -> NDArray[np.float32]:
    """Return S @ vectors, where the sparse matrix S has n rows, and entry ``values[i]`` is in row ``rows[i]``,
    ascending, and in column ``columns[i]``."""
    if isinstance(vectors, CompactRows):
        used, columns = np.unique(columns, return_inverse=True)
        vectors = vectors[used]
    indptr = np.searchsorted(rows, np.arange(n + 1))
    product: NDArray[np.float32] = sp.csr_array((values, columns, indptr), (n, len(vectors))) @ vectors
    return product


def lengths(rows: Array) -> Array:
    """Return the Euclidean norm of each row, (n, 1). A row of zeros gets 1, so rows can be divided by the result."""
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(np.where(norms > 0, norms, np.float32(1)))


def batches(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Yield the items in lists, each of at most ``most`` items."""
    waiting = iter(items)
    while batch := list(islice(waiting, most)):
        yield batch
