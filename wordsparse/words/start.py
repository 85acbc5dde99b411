"""Word vectors of another text as the starting point of training.

Training finds E in its own basis, in which any invertible map of the vectors is as good as another (see
coordinates.py). So the vectors are whitened under the words' frequencies, E = SCALE · X C^-½ with C = Σ f x xᵀ: then
they are distributed like trained vectors, whatever tool made them. W is fitted to them while E does not move, as in any
run. A start that one minibatch overrides would help little: for each occurrence of a word in the text, its start counts
as much as MASS pairs seen before (see m0 and M_w in embedding.py).
"""

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.embedding import WordEmbedding

SCALE = 0.3
MASS = {"cbow": 1.0, "skipgram": 20.0}


def start_from(init: WordVectors, embedding: WordEmbedding, vocabulary: Vocabulary, model: str) -> int:
    """Start the words of ``vocabulary`` that are in ``init`` from their vectors there; return their number. InputError
    if the dimensions differ, or the two have no word in common."""
    dim = embedding.E.shape[1]
    if init.dim != dim:
        raise InputError(f"init: its vectors have {init.dim} dimensions, not {dim}: train with dim {init.dim}")
    rows = np.array([row for row, word in enumerate(vocabulary.words) if word in init], np.int64)
    if not rows.size:
        raise InputError("init: none of the words of the text is among its words: are both split and cased alike?")
    X = init.vectors[[init.row(vocabulary.words[row]) for row in rows]].astype(np.float64)
    counts = vocabulary.counts[rows].astype(np.float64)
    values, vectors = np.linalg.eigh((X * (counts / counts.sum())[:, None]).T @ X)
    # Directions that the vectors of init do not use stay zero.
    used = values > 1e-10 * values.max()
    whitened = X @ (vectors[:, used] / np.sqrt(values[used])) @ vectors[:, used].T
    embedding.start(rows, (SCALE * whitened).astype(np.float32), MASS[model] * counts)
    return len(rows)
