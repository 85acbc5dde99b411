"""Starts training from existing word vectors, such as vectors trained on another text.

Training finds E up to an invertible map (see coordinates.py), so the scale and basis of the given vectors X do not
matter. X is whitened with the words' frequencies f, E = SCALE · X C^-½ with C = Σ f x xᵀ, so that E is distributed like
trained vectors, whatever tool made X. During the warm-up, W is fitted to the given vectors while E does not move. The
first minibatches must not overwrite the given vectors. Hence each vector gets a weight, as if MASS pairs had already
been seen for each occurrence of its word in the text (see m0 and M_w in embedding.py).
"""

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.embedding import WordEmbedding

SCALE = 0.3
MASS = {"cbow": 1.0, "skipgram": 20.0}


def start_from(init: WordVectors, embedding: WordEmbedding, vocabulary: Vocabulary, model: str) -> int:
    """For each word of ``vocabulary`` that is also in ``init``, set the word's row to the vector in ``init``. Return
    the number of common words. Raise InputError if the dimensions differ, or if ``init`` has no word of
    ``vocabulary``."""
    dim = embedding.E.shape[1]
    if init.dim != dim:
        raise InputError(f"init: its vectors have {init.dim} dimensions, not {dim}: train with dim {init.dim}")
    rows = np.array([row for row, word in enumerate(vocabulary.words) if word in init], np.int64)
    if not rows.size:
        raise InputError("init: it holds none of the words of the text: split both texts in the same way")
    X = init.vectors[[init.row(vocabulary.words[row]) for row in rows]].astype(np.float64)
    counts = vocabulary.counts[rows].astype(np.float64)
    values, vectors = np.linalg.eigh((X * (counts / counts.sum())[:, None]).T @ X)
    # Directions that no vector of init uses stay zero.
    used = values > 1e-10 * values.max()
    whitened = X @ (vectors[:, used] / np.sqrt(values[used])) @ vectors[:, used].T
    embedding.start(rows, (SCALE * whitened).astype(np.float32), MASS[model] * counts)
    return len(rows)
