"""BM25: the words of documents, and the scores of documents for the words of a question."""

import functools
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from wordsparse.types import Array

K1, B = 1.2, 0.75
# The share of a document that a question holds is of at least this number of different words.
_FEWEST = 3
# The number of counts whose words are weighed at a time.
_ENTRIES = 2**20


class WordIndex:
    """An index of the words of documents: for each word, the documents that hold it, and how often.

    An index never changes: :meth:`added` returns another one, which shares its parts. The scores do not depend on
    whether documents were added at once or in parts.
    """

    def __init__(self) -> None:
        # The column of each word. All indexes that were made from one another share this dict, which only grows, so it
        # may hold words of no document.
        self._columns: dict[str, int] = {}
        self._parts: list[sp.csr_array | sp.csc_array] = []
        self._lengths = [np.zeros(0, np.int64)]

    def __len__(self) -> int:
        return sum(map(len, self._lengths))

    def added(self, documents: Sequence[Sequence[str]]) -> "WordIndex":
        """Return an index with more documents, each a list of words."""
        numbers = [self._columns.setdefault(word, len(self._columns)) for words in documents for word in words]
        lengths = np.fromiter(map(len, documents), np.int64, len(documents))
        counts = sp.csr_array(
            (
                np.ones(len(numbers), np.int32),
                np.array(numbers, np.int32),
                np.r_[0, np.cumsum(lengths)].astype(np.int32),
            ),
            (len(documents), len(self._columns)),
        )
        counts.sum_duplicates()
        counts.data = counts.data.astype(np.min_scalar_type(int(counts.data.max(initial=0))))
        index = WordIndex()
        index._columns, index._parts, index._lengths = self._columns, [*self._parts, counts], [*self._lengths, lengths]
        return index

    def selected(self, rows: Array) -> "WordIndex":
        """Return an index of the documents in some rows, in the order of ``rows``."""
        matrix = self._postings.tocsr()[rows].tocsc()
        used = np.flatnonzero(np.diff(matrix.indptr))
        words, index = list(self._columns), WordIndex()
        index._columns = {words[column]: i for i, column in enumerate(used.tolist())}
        index._parts, index._lengths = [matrix[:, used]], [np.concatenate(self._lengths)[rows]]
        return index

    def scores(self, words: Sequence[Sequence[str]]) -> tuple[Array, Array]:
        """Return b and b · share² of each document for the words of a question, (N,) float32; see
        :mod:`wordsparse.vectors.ranking`. Each word is given by its forms, the words that count as this word. Both are
        0 if no document holds a word of the question."""
        bm25, asked, held, total = np.zeros(len(self)), np.zeros(len(self)), np.zeros(len(self)), 0.0
        for forms, times in Counter(map(tuple, words)).items():
            documents, counts = self.postings(forms)
            if not len(documents):
                continue
            idf = np.log1p((len(self) - len(documents) + 0.5) / (len(documents) + 0.5))
            bm25[documents] += (K1 + 1) * times * idf * counts / (counts + self._penalties[documents])
            asked[documents] += times * idf
            held[documents] += idf
            total += times * idf
        bm25 /= total or 1.0
        share = np.maximum(asked / (total or 1.0), held / self._sizes)
        return np.asarray(bm25, np.float32), np.asarray(bm25 * share**2, np.float32)

    def postings(self, forms: Sequence[str]) -> tuple[Array, Array]:
        """Return the documents that hold one of some words, in ascending order, and how often they hold them."""
        matrix = self._postings
        columns = [self._columns.get(form, matrix.shape[1]) for form in forms]
        parts = [slice(*matrix.indptr[column : column + 2]) for column in columns if column < matrix.shape[1]]
        if len(parts) == 1:
            return matrix.indices[parts[0]], matrix.data[parts[0]]
        counts = np.zeros(len(self), np.int64)
        for part in parts:
            counts[matrix.indices[part]] += matrix.data[part]
        documents = np.flatnonzero(counts)
        return documents, counts[documents]

    def holds(self, forms: Sequence[str], rows: Array) -> Array:
        """Return whether the documents with these rows hold one of some words, (n,) bool."""
        documents = self.postings(forms)[0]
        places = np.searchsorted(documents, rows)
        return np.asarray(np.append(documents, -1)[places] == rows)

    @functools.cached_property
    def _postings(self) -> sp.csc_array:
        """The number of times that each document holds each word, by words."""
        V = len(self._columns)
        if len(self._parts) == 1 and self._parts[0].format == "csc" and self._parts[0].shape[1] == V:
            return self._parts[0]
        rows = [part.tocsr() for part in self._parts]
        parts = [sp.csr_array((part.data, part.indices, part.indptr), (part.shape[0], V)) for part in rows]
        whole: sp.csc_array = sp.vstack([sp.csr_array((0, V), dtype=np.uint8), *parts], "csr").tocsc()
        self._parts = [whole]  # the only copy of the counts
        return whole

    @functools.cached_property
    def _penalties(self) -> Array:
        """k₁ (1 − B + B L/mean L) of each document."""
        self._lengths = [np.concatenate(self._lengths)]
        lengths = self._lengths[0]
        return np.asarray(K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9)))

    @functools.cached_property
    def _sizes(self) -> Array:
        """The sum of idf over the different words of each document. If there are fewer than _FEWEST, it is as large as
        for _FEWEST words of the same mean. The sum has 20 binary places, so that it is exact in any order."""
        matrix, sizes, words = self._postings, np.ones(len(self)), np.zeros(len(self))  # no sum is 0
        n = np.diff(matrix.indptr)
        idf = np.rint(2**20 * np.log1p((len(self) - n + 0.5) / (n + 0.5)))
        parts = np.unique([0, *np.searchsorted(matrix.indptr, range(0, matrix.nnz, _ENTRIES)), len(n)])
        for start, stop in pairwise(parts.tolist()):
            documents = matrix.indices[matrix.indptr[start] : matrix.indptr[stop]]
            sizes += np.bincount(documents, np.repeat(idf[start:stop], n[start:stop]), len(self))
            words += np.bincount(documents, minlength=len(self))
        return sizes / 2**20 * np.maximum(1, _FEWEST / np.maximum(words, 1))

    def words(self) -> list[str]:
        """Return the words of the documents."""
        return list(self._columns)[: self._postings.shape[1]]

    def state(self) -> tuple[list[str], dict[str, Array]]:
        """Return the words and the arrays of the index."""
        matrix = self._postings
        arrays = {"documents": matrix.indices, "counts": matrix.data, "starts": matrix.indptr}
        return self.words(), arrays | {"lengths": np.concatenate(self._lengths)}

    @classmethod
    def of_state(cls, words: Sequence[str], arrays: dict[str, Array]) -> "WordIndex":
        """Return the index whose :meth:`state` is given."""
        index = cls()
        index._columns = {word: column for column, word in enumerate(words)}
        matrix = (arrays["counts"], arrays["documents"], arrays["starts"])
        index._lengths = [arrays["lengths"]]
        index._parts = [sp.csc_array(matrix, (len(arrays["lengths"]), len(words)))]
        return index
