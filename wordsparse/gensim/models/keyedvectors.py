"""The names of gensim.models.keyedvectors."""

from wordsparse.gensim.keyed_vectors import KeyedVectors
from wordsparse.gensim.passing import gensims

__all__ = ["KeyedVectors"]

__getattr__ = gensims(__name__)
