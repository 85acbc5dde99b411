"""The names of gensim.models.fasttext."""

from wordsparse.gensim.fasttext import FastText, FastTextKeyedVectors
from wordsparse.gensim.passing import gensims

__all__ = ["FastText", "FastTextKeyedVectors"]

__getattr__ = gensims(__name__)
