"""Vectors for files of every format."""

import numpy as np
import pytest

from wordsparse.vectors.word_vectors import WordVectors

PACKAGES = {"gensim": "gensim"}
ODD_FLOATS = [0.0, -0.0, 1e-45, 3.4028235e38, 0.1, -1 / 3, 1.17549435e-38, 16777217.0]


def some_vectors(words: list[str] | None = None, dim: int = 8) -> WordVectors:
    words = words or ["the", "Ærø", "日本", "a_b", "x\u0301", "1", "100_200"]
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    vectors[1] = np.resize(np.array(ODD_FLOATS, dtype=np.float32), dim)
    return WordVectors(words, vectors, range(len(words), 0, -1))


def needs(name: str) -> None:
    """Skip a test of a format whose package is not installed."""
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed")
