"""Rows with labels, for tests of classifiers."""

import numpy as np
import scipy.sparse as sp


def topics(rows: int = 400, seed: int = 1) -> tuple[sp.csr_array, sp.csr_array]:
    """Make rows with words of two topics and other words. A row has one of two labels for each of its topics."""
    random = np.random.default_rng(seed)
    words, labels = np.zeros((rows, 90), np.float32), np.zeros((rows, 30), np.float32)
    for i in range(rows):
        for topic in random.choice(15, 2, replace=False):
            words[i, topic * 5 + random.integers(0, 5, 3)] = 1
            labels[i, topic * 2 + (random.random() < 0.2)] = 1
        words[i, 75 + random.integers(0, 15, 4)] += random.random(4)
    return sp.csr_array(words), sp.csr_array(labels)


def linear(rows: int, seed: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Make rows of 400 features with three of 400 labels: those with the largest linear outputs and noise."""
    random = np.random.default_rng(seed)
    W = random.standard_normal((400, 400))
    X = sp.random_array((rows, 400), density=0.05, format="csr", dtype=np.float32, rng=random)
    scores = X @ W + 0.3 * random.standard_normal((rows, 400))
    return X, sp.csr_array((scores > np.sort(scores, 1)[:, [-4]]).astype(np.float32))
