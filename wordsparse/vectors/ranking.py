"""Ranks documents for a question by the cosines of their vectors, by BM25, and by both in one score.

    score = cos + weight · b · share²
    b = (k₁ + 1) Σ_w idf_w f/(f + k₁ (1 − B + B L/mean L)) / Σ_w idf_w
    share = max(Σ_{w in the document} idf_w / Σ_w idf_w, Σ'_{w in the document} idf_w / Σ_{v in the document} idf_v)

Σ_w is the sum over the words w of the question that some document holds, Σ' counts each of them once, and v are the
different words of the document, which count as three words of the same mean idf if there are fewer. A document of L
words holds the word f times; idf_w = log(1 + (N − n + ½)/(n + ½)) if n of the N documents hold the word. So b is BM25
(Robertson & Zaragoza, 2009), divided such that b is 1 for a document of mean length that holds each word of the
question once. share is the share of the question that the document holds, or the share of the document that the
question holds, whichever is larger. With the weight 2, a document of mean length that holds all words of the question
scores about 2 above the cosine, and a long document that holds half of them scores about .2 above it. A long question
to long documents therefore keeps the order of the cosines. A name, a quotation, and a long question to titles get the
order of BM25.

With stems, weight is multiplied by the mean of b · share² for words and b · share² for stems, where words with the same
stem count as one word: other forms of a word count half of the word itself.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wordsparse.layer.largest import take_in
from wordsparse.machine.threads import ordered_map, resolve_threads, single_threaded_blas
from wordsparse.tokens.languages import Language
from wordsparse.tokens.tokenizers import Splitter
from wordsparse.types import Array
from wordsparse.vectors.encoder import BATCH, batches
from wordsparse.vectors.word_index import WordIndex
from wordsparse.vectors.word_vectors import WordVectors

# The number of documents whose cosines are computed at a time: their vectors fit into a core's cache.
_BLOCK = 1024
# A block of vectors is padded to a multiple of _PANEL rows, so that equal documents have exactly equal cosines: BLAS
# rounds the last rows of a matrix differently.
_PANEL = 64
# The default weight of shared words.
WEIGHT = 2.0


class Parts(NamedTuple):
    """The parts of the scores of all N documents for a question, each (N,) float32: the cosines, b, and the part of
    shared words for the weight 1. With stems, b is that of stems."""

    cosine: Array
    bm25: Array
    overlap: Array

    def score(self, weight: float = WEIGHT) -> Array:
        """Return the score; −inf for a document with neither a vector nor a word of the question."""
        is_ranked = (self.cosine != 0) | (self.overlap > 0)
        return np.where(is_ranked, self.cosine + np.float32(weight) * self.overlap, np.float32(-np.inf))


class Ranking:
    """Documents that can be ranked for questions, by vectors and by words. A ranking never changes: :meth:`added`
    returns another one.

    With ``stem``, a language, stop words of a question do not count, and b · share² is the mean of two numbers: for
    words, and for stems. Raise InputError if the language is unknown, and MissingDependencyError if a package for stems
    is not installed.
    """

    def __init__(self, vectors: WordVectors, stem: str | None = None) -> None:
        self.vectors, self.split = vectors, words_of(vectors)
        self.language = None if stem is None else Language(stem, vectors.words)
        self.index, self._rows = WordIndex(), [np.zeros((0, vectors.dim), np.float32)]
        # An index, its words (and perhaps others), and these words by their stems. A change of documents reuses them.
        self._stemmed: tuple[WordIndex, set[str], dict[str, tuple[str, ...]]] = (self.index, set(), {})

    def __len__(self) -> int:
        return len(self.index)

    def added(self, texts: Iterable[str], rows: Array | None = None) -> "Ranking":
        """Return a ranking of more documents. ``rows`` are their vectors, if they are known, (n, dim)."""
        index, encoded = self.index, [] if rows is None else [rows]
        for batch in batches(texts, BATCH):
            words = [self.split(text) for text in batch]
            index = index.added(words)
            if rows is None:  # the vectors' own tokeniser need not split the texts again
                encoded.append(self.vectors.encode(words if self.split is self.vectors.split else batch))
        return self.restored([*self._rows, *encoded], index)

    def selected(self, rows: Array) -> "Ranking":
        """Return a ranking of the documents in some rows, in the order of ``rows``."""
        return self.restored([self.rows[rows]], self.index.selected(rows))

    def restored(self, rows: list[Array], index: WordIndex) -> "Ranking":
        """Return a ranking of other documents, by the same vectors and words."""
        ranking = copy.copy(self)
        ranking._rows, ranking.index = rows, index
        return ranking

    @property
    def rows(self) -> Array:
        """The vectors of the documents, (N, dim) float32."""
        if len(self._rows) > 1:
            self._rows = [np.concatenate(self._rows)]
        return self._rows[0]

    def words(self, question: str) -> list[str]:
        """Return the words of a question by which documents are ranked: its words without stop words, unless all of
        them are stop words."""
        words = self.split(question)
        stop_words = self.language.stop_words if self.language else ()
        return [word for word in words if word not in stop_words] or words

    def forms(self, words: list[str]) -> Sequence[Sequence[str]]:
        """Return the forms of each word: the words that have the same stem, and that documents hold, or once held.
        Without stems, a word is its only form."""
        if self.language is None:
            return [(word,) for word in words]
        index, known, _ = self._stemmed
        if index is not self.index:
            new = [word for word in self.index.words() if word not in known]
            self.learn(new, self.language.stems(new))
        return [self._stemmed[2].get(stem, ()) for stem in self.language.stems(words)]

    def learn(self, words: list[str], stems: list[str]) -> None:
        """Take over the stems of the words of the index that are not yet known."""
        _, known, forms = self._stemmed
        forms = dict(forms)
        for stem, word in zip(stems, words, strict=True):
            forms[stem] = (*forms.get(stem, ()), word)
        self._stemmed = (self.index, known.union(words), forms)

    def parts(self, questions: Sequence[str]) -> list[Parts]:
        """Return the parts of the scores of all documents, for each question. The scores for a question do not depend
        on other questions, nor on the number of threads."""
        asked = self.vectors.encode(questions)
        cosines = np.zeros((len(questions), len(self)), np.float32)

        def compute(start: int) -> None:
            block = self.rows[start : start + _BLOCK]
            n = len(block)
            if missing := -n % _PANEL:
                block = np.pad(block, ((0, missing), (0, 0)))
            for row, vector in zip(cosines, asked, strict=True):
                row[start : start + n] = (block @ vector)[:n]

        with single_threaded_blas():
            for _ in ordered_map(compute, range(0, len(self), _BLOCK), resolve_threads(None)):
                pass
        return [Parts(row, *self._words_of(self.words(each))) for row, each in zip(cosines, questions, strict=True)]

    def _words_of(self, words: list[str]) -> tuple[Array, Array]:
        """Return b and the part of shared words for the words of a question."""
        bm25, overlap = self.index.scores([[word] for word in words])
        if self.language is None:
            return bm25, overlap
        bm25, of_stems = self.index.scores(self.forms(words))
        return bm25, np.asarray((overlap + of_stems) / 2)


def best(scores: Array, n: int) -> tuple[Array, Array]:
    """Return the rows of the n largest scores (N,), largest first, and these scores. Equal scores are ordered by row.
    Rows whose score is −inf are left out."""
    n = min(n, len(scores))
    rows, largest = np.full((1, n), -1), np.full((1, n), -np.inf, scores.dtype)
    # After the first block, few scores are among the best so far, so the other blocks can be large.
    ends = [0, *range(min(_BLOCK, len(scores)), len(scores), 2**16), len(scores)] if n else [0]
    for start, stop in pairwise(ends):
        take_in(rows, largest, scores[None, start:stop], start)
    return rows[rows >= 0], largest[rows >= 0]


def words_of(vectors: WordVectors) -> Callable[[str], list[str]]:
    """Return the tokeniser for BM25: the tokeniser of the vectors without phrases, whose words a question may name
    alone, or, if the vectors were trained on words between white space, ``simple``."""
    if vectors.split is None or vectors.tokens == "split":
        return Splitter("simple")
    return vectors.split.without_phrases() if isinstance(vectors.split, Splitter) else vectors.split
