"""Rows with labels, for tests of classifiers."""

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp

from wordsparse.labels import reranking


@contextlib.contextmanager
def always_reranked(is_better: bool = True) -> Iterator[None]:
    """Let every re-ranking that is tried seem better, or worse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranking, "_is_better", lambda *_: is_better)
        yield


def topics(rows=400, seed=1):
    """Make rows with words of two topics and other words. A row has one of two labels for each of its topics."""
    random = np.random.default_rng(seed)
    words, labels = np.zeros((rows, 90), np.float32), np.zeros((rows, 30), np.float32)
    for i in range(rows):
        for topic in random.choice(15, 2, replace=False):
            words[i, topic * 5 + random.integers(0, 5, 3)] = 1
            labels[i, topic * 2 + (random.random() < 0.2)] = 1
        words[i, 75 + random.integers(0, 15, 4)] += random.random(4)
    return sp.csr_array(words), sp.csr_array(labels)


def linear(rows, seed):
    """Make rows of 400 features with three of 400 labels: those with the largest linear outputs and noise."""
    random = np.random.default_rng(seed)
    W = random.standard_normal((400, 400))
    X = sp.random_array((rows, 400), density=0.05, format="csr", dtype=np.float32, rng=random)
    scores = X @ W + 0.3 * random.standard_normal((rows, 400))
    return X, sp.csr_array((scores > np.sort(scores, 1)[:, [-4]]).astype(np.float32))


def of_kind(kind, rows, seed):
    """Make rows and labels of one of the :data:`KINDS` of data."""
    random = np.random.default_rng([seed, len(kind)])
    if kind in ("topics", "linear"):
        return {"topics": topics, "linear": linear}[kind](rows, seed)
    if kind == "noisy labels":
        X, Y = topics(rows, seed)
        noise = sp.random_array((rows, 30), density=0.05, rng=random) > 0
        return X, sp.csr_array(((Y + noise) > 0).astype(np.float32))
    if kind == "random labels":
        X = sp.random_array((rows, 200), density=0.05, format="csr", dtype=np.float32, rng=random)
        return X, _ones(random.integers(0, 50, (rows, 2)), 50)
    if kind == "one class":
        centres = random.standard_normal((60, 40))
        classes = random.integers(0, 60, rows)
        return sp.csr_array((centres[classes] + 2 * random.standard_normal((rows, 40))).astype(np.float32)), _ones(
            classes[:, None], 60
        )
    if kind == "nearest prototype":
        prototypes = np.random.default_rng(seed).standard_normal((300, 20))
        X = random.standard_normal((rows, 20))
        near = np.argsort(-X @ prototypes.T, 1)[:, :2]
        return sp.csr_array(X.astype(np.float32)), _ones(near % 100, 100)
    if kind == "dense":
        X = random.random((rows, 100))
        scores = X @ np.random.default_rng(seed).standard_normal((100, 80)) + random.standard_normal((rows, 80))
        return sp.csr_array(X.astype(np.float32)), _ones(np.argsort(-scores, 1)[:, :3], 80)
    if kind == "duplicates":
        X, Y = linear(rows // 3 + 1, seed)
        copies = random.integers(0, X.shape[0], rows)
        return X[copies], Y[copies]
    if kind == "xor":
        X = random.integers(0, 2, (rows, 30))
        return sp.csr_array(X.astype(np.float32)), _ones(
            (X[:, :20:2] ^ X[:, 1:20:2]) @ 2 ** np.arange(10)[:, None] % 60, 60
        )
    if kind == "long tail":
        labels = np.minimum(random.zipf(1.5, (rows, 2)) - 1, 399)
        words = np.concatenate(
            [labels * 2 + random.integers(0, 2, labels.shape), random.integers(800, 900, (rows, 6))], 1
        )
        return _ones(words, 900), _ones(labels, 400)
    if kind == "memory":  # a rare word of few rows decides
        rare, labels = random.integers(0, rows // 4, rows), np.random.default_rng(seed).integers(0, 200, rows)
        words = np.column_stack([rare, rows + random.integers(0, 50, (rows, 8))])
        return _ones(words, rows + 50), _ones(labels[rare][:, None], 200)
    if kind in TEXTS:
        return _texts(rows, np.random.default_rng(seed), **TEXTS[kind])
    assert kind == "hierarchy"
    leaf = random.integers(0, 100, rows)
    words = np.column_stack(
        [leaf * 3 + random.integers(0, 3, rows), 300 + leaf // 10, random.integers(310, 400, (rows, 5))]
    )
    return _ones(words, 400), _ones(np.column_stack([leaf, 100 + leaf // 10, 110 + leaf // 50]), 112)


# Bags of words, by the arguments of _texts.
TEXTS = {
    "bags": {},
    "two classes": {"labels": 2, "length": 8},
    "imbalance": {"shares": 0.97 ** np.arange(40) * 0.5 ** np.arange(40)},
    "empty rows": {"empty": 0.4},
    "unlabelled rows": {"unlabelled": 0.5},
    "many labels per row": {"of_row": 12, "length": 60},
    "many labels": {"labels": 1000, "length": 30},
    "large counts": {"scale": 2},
}
KINDS = [
    *TEXTS,
    "topics",
    "linear",
    "long tail",
    "noisy labels",
    "random labels",
    "one class",
    "nearest prototype",
    "dense",
    "duplicates",
    "xor",
    "memory",
    "hierarchy",
]


def _texts(rows, random, labels=40, length=15, of_row=1, shares=None, empty=0, unlabelled=0, scale=0):
    """Make bags of 600 words. Each label has its own distribution of words; each word comes from a label of its row.
    Some rows are empty, or have no label; ``scale`` is the standard deviation of the logarithms of the values."""
    words = (random.gamma(0.05, size=(labels, 600)) + 1e-4).cumsum(axis=1)
    p = None if shares is None else shares / shares.sum()
    X, Y = np.zeros((rows, 600), np.float32), np.zeros((rows, labels), np.float32)
    for i in range(rows):
        own = random.choice(labels, of_row, replace=False, p=p)
        for label in random.choice(own, length) if of_row > 1 else np.repeat(own, length):
            X[i, np.searchsorted(words[label], words[label, -1] * random.random())] += np.exp(scale * random.normal())
        Y[i, own] = 1
    X[random.random(rows) < empty] = 0
    Y[random.random(rows) < unlabelled] = 0
    return sp.csr_array(X), sp.csr_array(Y)


def _ones(columns, width):
    """Return a matrix with ones in these columns of each row."""
    matrix = np.zeros((len(columns), width), np.float32)
    np.put_along_axis(matrix, columns, 1, 1)
    return sp.csr_array(matrix)
