"""Zipfian whitening: vectors centred and whitened with each word weighted by its frequency."""

import numpy as np

from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors

# Directions with less variance than this share of the largest are rounding errors and are left out.
_SMALLEST = 1e-10


def zipf_whitened(word_vectors: WordVectors) -> WordVectors:
    """The vectors x → (x − μ) S^-½, with μ = Σ p x and S = Σ p (x − μ)(x − μ)ᵀ, p a word's share of the text.

    Under p their mean is 0 and their covariance the identity; a rare word then has a long vector, so that sums of
    vectors weigh words by their information (Yokoi et al., NeurIPS 2024). S^-½ is symmetric: no other whitening moves
    the vectors less (Kessy et al., 2018). InputError if the counts of the words are not known.
    """
    if word_vectors.counts is None or not word_vectors.counts.any():
        raise InputError(
            "whitening by frequency needs the words' counts, which this file does not hold: export from the model"
        )
    share = word_vectors.counts / word_vectors.counts.sum()
    x = word_vectors.vectors.astype(np.float64)
    x -= share @ x
    weighted = x * np.sqrt(share)[:, None]
    values, vectors = np.linalg.eigh(weighted.T @ weighted)
    kept = values > _SMALLEST * values.max()
    map_ = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return WordVectors(word_vectors.words, x @ map_, word_vectors.counts)
