"""Replacements for gensim's Word2Vec, FastText and KeyedVectors that use the exact layer: change one import.

    from wordsparse.gensim import Word2Vec              # instead of gensim.models
    import wordsparse.gensim as gensim                  # gensim.models.Word2Vec, gensim.utils.simple_preprocess

gensim itself need not be installed; if it is, its other names (Phrases, corpora, downloader) are passed through.
docs/gensim.md says whether each argument and method is the same, better, without effect or refused.
"""

from wordsparse.gensim import models, utils
from wordsparse.gensim.models.callbacks import CallbackAny2Vec
from wordsparse.gensim.models.fasttext import FastText
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.models.word2vec import Word2Vec
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.sentences import LineSentence

__all__ = [
    "CallbackAny2Vec",
    "FastText",
    "KeyedVectors",
    "LineSentence",
    "Word2Vec",
    "models",
    "utils",
]

__getattr__ = gensims(__name__)
