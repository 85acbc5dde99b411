"""Labelled rows and results of trials, of which advice is given."""

import numpy as np
import scipy.sparse as sp

from wordsparse.advice import label_trial
from wordsparse.advice.sizes import of_labels
from wordsparse.advice.trial import Result
from wordsparse.labels import LabelledRows

OURS, TREES = label_trial.OURS, label_trial.TREES
# Labels that are seen once each, and one label that all rows have.
TAIL = of_labels(sp.csr_array((3000, 500)), sp.csr_array(np.eye(3000)), 300)
OFTEN = of_labels(sp.csr_array((3000, 500)), sp.csr_array(np.ones((3000, 1)) @ np.eye(1, 3000)), 300)


def result(method: str, quality: float, amount: int = 1000, seconds: float = 1.0) -> Result:
    return Result(method, amount, seconds, quality, quality - 0.02, quality + 0.02, "P@1")


def rows(n: int, words: int, labels: int, power: float, seed: int = 0) -> LabelledRows:
    """Rows with two labels each, drawn towards the first ones by ``power``; each label has a word of its own."""
    random = np.random.default_rng(seed)
    chosen = (labels * random.random((n, 2)) ** power).astype(int)
    starts = np.arange(0, 2 * n + 1, 2)
    X = sp.csr_array((np.ones(2 * n, np.float32), (chosen * 7919 % words).ravel(), starts), shape=(n, words))
    noise = sp.random_array((n, words), density=0.01, rng=random, format="csr", dtype=np.float32)
    Y = sp.csr_array((np.ones(2 * n, np.float32), chosen.ravel(), starts), shape=(n, labels))
    for matrix in (X, Y):
        matrix.sum_duplicates()
        matrix.data[:] = 1
    return LabelledRows(sp.csr_array(X + noise), Y)
