"""Writes the format of ``gensim.models.KeyedVectors.load``: a pickle, and separate files for large arrays.

The format is only written, for users of gensim, and never read: reading a pickle can run arbitrary code.
"""

from pathlib import Path

from wordsparse.vectors.word_vectors import WordVectors, keyed_vectors_class


def check(word_vectors: WordVectors) -> None:
    """Raise MissingDependencyError if gensim is not installed."""
    keyed_vectors_class()


def write(word_vectors: WordVectors, path: Path) -> None:
    """Write ``path`` and, for large arrays, files beside it whose names begin with the name of ``path``."""
    word_vectors.keyed_vectors().save(str(path))
