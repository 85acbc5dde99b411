"""The names of gensim.models.word2vec."""

from wordsparse.gensim.passing import gensims
from wordsparse.gensim.sentences import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from wordsparse.gensim.word2vec import Word2Vec

__all__ = ["BrownCorpus", "LineSentence", "PathLineSentences", "Text8Corpus", "Word2Vec"]

__getattr__ = gensims(__name__)
