"""The names of gensim.models.keyedvectors."""

from wordsparse.gensim.keyed_vectors import KeyedVectors

__all__ = ["KeyedVectors"]
