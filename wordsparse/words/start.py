"""Word vectors of another text as the start of a training.

Training finds E in a basis of its own, in which any invertible map of given vectors is as good as another (see
coordinates.py): the given vectors are whitened under the words' frequencies, E = SCALE · X C^-½ with C = Σ f x xᵀ, so
that they lie where trained vectors lie, whatever tool made them. W is fitted to them while E stays put, as in any run.
A start that one minibatch overrides would help little: for each occurrence of a word in the text its start counts as
much as MASS pairs that were seen before (see m0 and M_w in embedding.py).
"""

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.embedding import WordEmbedding

SCALE = 0.3
MASS = {"cbow": 1.0, "skipgram": 20.0}


def start_from(given: WordVectors, embedding: WordEmbedding, vocabulary: Vocabulary, model: str) -> int:
    """Let the words of ``vocabulary`` that are among the given ones start from their vectors; returns how many.
    InputError if the dimensions differ, or the two have no word in common."""
    dim = embedding.E.shape[1]
    if given.dim != dim:
        raise InputError(f"init: its vectors have {given.dim} dimensions, not {dim}: train with dim {given.dim}")
    rows = np.array([row for row, word in enumerate(vocabulary.words) if word in given], np.int64)
    if not rows.size:
        raise InputError("init: none of the words of the text is among its words: are both split and cased alike?")
    X = given.vectors[[given.row(vocabulary.words[row]) for row in rows]].astype(np.float64)
    counts = vocabulary.counts[rows].astype(np.float64)
    values, vectors = np.linalg.eigh((X * (counts / counts.sum())[:, None]).T @ X)
    # Directions that the given vectors do not use stay zero.
    used = values > 1e-10 * values.max()
    whitened = X @ (vectors[:, used] / np.sqrt(values[used])) @ vectors[:, used].T
    embedding.start(rows, (SCALE * whitened).astype(np.float32), MASS[model] * counts)
    return len(rows)
