"""Labelled rows for advice."""

import numpy as np
import scipy.sparse as sp

from wordsparse.advice.sizes import of_labels
from wordsparse.labels import LabelledRows

# Labels that are seen once each, and one label that all rows have.
TAIL = of_labels(sp.csr_array((3000, 500)), sp.csr_array(np.eye(3000)), 300)
OFTEN = of_labels(sp.csr_array((3000, 500)), sp.csr_array(np.ones((3000, 1)) @ np.eye(1, 3000)), 300)


def rows(n: int, words: int, labels: int, power: float, seed: int = 0) -> LabelledRows:
    """Rows with two labels each, drawn towards the first ones by ``power``; each label has a word of its own."""
    random = np.random.default_rng(seed)
    chosen = (labels * random.random((n, 2)) ** power).astype(int)
    starts = np.arange(0, 2 * n + 1, 2)
    X = sp.csr_array((np.ones(2 * n, np.float32), (chosen * 7919 % words).ravel(), starts.copy()), shape=(n, words))
    noise = sp.random_array((n, words), density=0.01, rng=random, format="csr", dtype=np.float32)
    Y = sp.csr_array((np.ones(2 * n, np.float32), chosen.ravel(), starts), shape=(n, labels))
    for matrix in (X, Y):
        matrix.sum_duplicates()
        matrix.data[:] = 1
    return LabelledRows(sp.csr_array(X + noise), Y)
