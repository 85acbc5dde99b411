"""What ``gensim.models.KeyedVectors.load`` reads: a pickle, and side files for large arrays.

Written for gensim's users; never read here, since reading a pickle runs whatever it says.
"""

from pathlib import Path

from wordsparse.vectors.word_vectors import WordVectors, keyed_vectors_class


def check(word_vectors: WordVectors) -> None:
    """Raise MissingDependencyError if gensim is not installed."""
    keyed_vectors_class()


def write(word_vectors: WordVectors, path: Path) -> None:
    """Write ``path`` and, for large arrays, files beside it whose names begin with that of ``path``."""
    word_vectors.keyed_vectors().save(str(path))
