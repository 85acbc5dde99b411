"""The module paths of gensim.models, so that programs only need to change ``gensim`` to ``wordsparse.gensim``."""

from wordsparse.gensim.models import callbacks, fasttext, keyedvectors, word2vec
from wordsparse.gensim.models.fasttext import FastText
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.models.word2vec import Word2Vec
from wordsparse.gensim.passing import gensims

__all__ = [
    "FastText",
    "KeyedVectors",
    "Word2Vec",
    "callbacks",
    "fasttext",
    "keyedvectors",
    "word2vec",
]

__getattr__ = gensims(__name__)
