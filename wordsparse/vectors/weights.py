"""The weight of a word in the vector of a text, computed from the word's frequency or from a collection to be searched.

    s/(s + p)                           p is the word's relative frequency (SIF; Arora et al., 2017)
    2 · idf(n)/idf(0) · (cos/c)^(ρ/2)   idf(n) = log(1 + (N − n + ½)/(n + ½)); n of the N documents of a collection hold
                                        the word; cos is the mean cosine of the word and the SIF mean of the other words
                                        of its document, and ρ = L/(L + NOISE) its reliability, where L is the mean
                                        number of other words; c is the constant PRIOR

The weight s/(s + p) is for sentences, in which all words matter. The weight for collections is for queries of a few
content words. The idf is that of BM25, which stresses rare words. The cosine stresses words that indicate the topic of
their documents. The mean of a few words is a noisy estimate of a topic, so the logarithm of the cosine is shrunk
towards log c: in documents of 200 words the factor is nearly √(cos/c), and in documents of six words nearly 1. To limit
the noise of rare words, too, the mean cosine is computed as if each word had occurred MASS more times with the cosine
c. An out-of-vocabulary word has the weight 1, half the weight of a word that is in no document and has the cosine c.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.types import Array

# SMOOTHING is s, the relative frequency of a word with the weight 1/2. NOISE is the number of words with ρ = 1/2.
SMOOTHING = 1e-3
PRIOR, MASS, NOISE = 0.3, 5.0, 20.0
# The number of cosines computed at a time. The vectors for this many cosines fit into a core's cache.
_CHUNK = 2**11


def weights(counts: Array | None, words: int) -> NDArray[np.float32]:
    """Return the SIF weight of each word, (words,). A weight is computed from the count or, without counts, from the
    rank by Zipf's law."""
    occurrences = 1 / np.arange(1, words + 1) if counts is None or not counts.any() else np.asarray(counts, np.float64)
    return np.asarray(SMOOTHING / (SMOOTHING + occurrences / occurrences.sum()), np.float32)


def of_collection(unit: Array, sif: Array, batches: Iterable[sp.csr_array]) -> NDArray[np.float32]:
    """Return the weight of each word for search in a collection, (V,).

    ``unit`` (V, dim) float32 holds unit vectors, or zeros, and ``sif`` (V,) the words' :func:`weights`. Each
    of the ``batches`` (documents, V) says how often each document contains each word. A batch must not have duplicate
    entries.
    """
    sif = np.where(unit.any(axis=1), sif, 0)
    documents, holding = 0, np.zeros(len(unit))
    sums, occurrences, sizes, pairs = np.zeros(len(unit)), np.zeros(len(unit)), 0.0, 0.0
    for counts in batches:
        documents += counts.shape[0]
        words = counts.sum(axis=1, dtype=np.float64)
        sizes, pairs = sizes + words.sum(), pairs + words @ (words - 1)
        holding += np.bincount(counts.indices, minlength=len(unit))
        cosines = _cosines_to_the_rest(unit, sif, counts)
        sums += np.bincount(counts.indices, counts.data * np.nan_to_num(cosines), len(unit))
        occurrences += np.bincount(counts.indices, counts.data * np.isfinite(cosines), len(unit))
    cos = np.maximum((sums + PRIOR * MASS) / (occurrences + MASS), 0)
    others = pairs / max(sizes, 1)
    topics = (cos / PRIOR) ** (0.5 * others / (others + NOISE))
    return np.asarray(2 * _idf(documents, holding) / _idf(documents, 0) * topics, np.float32)


def _idf(documents: int, holding: Array | int) -> Any:
    """Return the idf of words that ``holding`` of the documents hold, by BM25's formula."""
    return np.log1p((documents - holding + 0.5) / (holding + 0.5))


def _cosines_to_the_rest(unit: Array, sif: Array, counts: sp.csr_array) -> Array:
    """Return, for each entry of ``counts``, the cosine of the word with the mean of the rest of the document. The rest
    is the document without one occurrence of the word. The cosine is NaN if the rest is empty."""
    words, documents = counts.indices, np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    whole = sp.csr_array((counts.data * sif[words], words, counts.indptr), counts.shape) @ unit
    squares = np.einsum("ij,ij->i", whole, whole)[documents]
    dots, own = np.empty(len(words)), sif[words].astype(np.float64)
    for start in range(0, len(words), _CHUNK):
        part = slice(start, start + _CHUNK)
        dots[part] = np.einsum("ij,ij->i", unit[words[part]], whole[documents[part]])
    rest = squares - 2 * own * dots + own**2
    return np.where(rest > 1e-4 * squares, (dots - own) / np.sqrt(np.maximum(rest, 1e-30)), np.nan)
