"""Finds the words that a query stands for, and the vector of a query that has no row.

If a query has no row, the tokeniser of the training text splits it into words, and the vector of the query is the
weighted mean of these words. If the training text was split at white space, a word without a row is looked up without
its outer punctuation, and then in lower case: ``Cat,`` stands for ``cat``. Other tokenisers handle punctuation and case
themselves.
"""

import difflib
import unicodedata
from collections.abc import Hashable, Sequence
from itertools import islice

import numpy as np

from wordsparse.errors import UnknownWordError
from wordsparse.types import Array
from wordsparse.vectors.table import VectorTable

# The number of most frequent words that are searched for similar spellings. The search takes a few milliseconds.
_SPELLING_CANDIDATES = 50_000


def meant(vectors: VectorTable, query: Hashable) -> Sequence[Hashable]:
    """Return the words that a query stands for. A query with a row stands for itself. Any other query stands for the
    words into which the tokeniser splits it. If a word has no row, but another spelling of the word has a row, that
    spelling is used."""
    if not isinstance(query, str) or vectors.find(query) is not None:
        return [query]
    words = [query] if vectors.split is None else vectors.split(query) or [query]
    return [spelt(vectors, word) for word in words]


def parts(vectors: VectorTable, query: Hashable) -> list[tuple[Hashable, float]]:
    """Return the words whose weighted mean is the vector of a query, with weights that sum to 1.

    The words are the result of :func:`meant`, and the weights are based on :mod:`wordsparse.vectors.weights`. If there
    are several words, words without a vector are left out.
    """
    words = meant(vectors, query)
    if len(words) == 1:
        return [(words[0], 1.0)]
    rows = {word: vectors.find(word) for word in words}
    known = [word for word in words if rows[word] is not None or _from_ngrams(vectors, word) is not None] or words
    by_row = vectors.weights
    shares = [1.0 if (row := rows[word]) is None else float(by_row[row]) for word in known]
    return [(word, share / sum(shares)) for word, share in zip(known, shares, strict=True)]


def composed(vectors: VectorTable, query: Hashable) -> Array | None:
    """Return the vector of a query without a row, (dim,), or None if the query has no vector.

    If there are several :func:`parts`, the vector is their weighted mean. For a single word, the vector is the row of
    the word or, without a row, composed from the word's n-grams.
    """
    words, mean = parts(vectors, query), np.zeros(vectors.dim)
    for word, share in words:
        row = vectors.find(word)
        vector = _from_ngrams(vectors, word) if row is None else np.asarray(vectors.vectors[row])
        if vector is None or len(words) == 1:
            return vector
        mean += share / (float(np.linalg.norm(vector)) or 1.0) * vector
    return mean.astype(vectors.vectors.dtype)


def spelt(vectors: VectorTable, word: Hashable) -> Hashable:
    """Return a spelling of the word that has a row. If no spelling has a row, return the spelling from which to compose
    a vector."""
    if not vectors.respells or not isinstance(word, str) or vectors.find(word) is not None:
        return word
    _, bare, lower = spellings(word)
    return bare if vectors.find(bare) is not None or (vectors.has_capitals and vectors.find(lower) is None) else lower


def spellings(word: str) -> tuple[str, str, str]:
    """Return the word, the word without outer punctuation, and the word without outer punctuation in lower case. A word
    that consists of punctuation keeps its punctuation."""
    start, end = 0, len(word)
    while start < end and _is_mark(word[start]):
        start += 1
    while start < end and _is_mark(word[end - 1]):
        end -= 1
    bare = word[start:end] or word
    return word, bare, bare.lower()


def unknown(vectors: VectorTable, query: Hashable) -> UnknownWordError:
    """Return the error for a query without a vector. The message names words of similar spelling, if there are any."""
    if not isinstance(query, str):
        return UnknownWordError(f"{query!r:.80} is not in the vocabulary")

    def hint() -> str:
        close = close_to(vectors, query)
        return f"; close to it: {', '.join(close)}" if close else ""

    why = ", and none of its n-grams is known" if vectors.ngrams is not None else ""
    return UnknownWordError(f"the word {query!r} is not in the vocabulary{why}", hint)


def close_to(vectors: VectorTable, word: str) -> list[str]:
    """Return at most three frequent words whose spelling is similar to the spelling of an unknown word or, if there are
    none, that begin with it, as "Star Wars (1977)" begins with "Star Wars"."""
    frequent = [vectors.words[row] for row in vectors.most_frequent(_SPELLING_CANDIDATES).tolist()]
    candidates = [
        key
        for key in frequent
        if isinstance(key, str) and abs(len(key) - len(word)) <= 2 and key[:1].lower() == word[:1].lower()
    ]
    longer = (key for key in frequent if isinstance(key, str) and key.lower().startswith(f"{word.lower()} "))
    return difflib.get_close_matches(word, candidates, n=3) or [*islice(longer, 3)]


def _from_ngrams(vectors: VectorTable, word: Hashable) -> Array | None:
    return vectors.ngrams.vector(word) if vectors.ngrams is not None and isinstance(word, str) else None


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P")
