"""The names of gensim.models.doc2vec."""

from wordsparse.gensim.doc2vec import Doc2Vec, TaggedDocument, TaggedLineDocument
from wordsparse.gensim.passing import gensims

__all__ = ["Doc2Vec", "TaggedDocument", "TaggedLineDocument"]

__getattr__ = gensims(__name__)
