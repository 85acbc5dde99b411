"""The names of gensim.models.doc2vec."""

from wordsparse.gensim.doc2vec import Doc2Vec, TaggedDocument

__all__ = ["Doc2Vec", "TaggedDocument"]
