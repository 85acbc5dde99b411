"""Estimators for huge sets of sparse labels, and readers of their data files. They need scikit-learn."""

from wordsparse.corpus.tables.sparse import read_data
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.text_classifier import TextClassifier
from wordsparse.labels.texts import read_texts

__all__ = [
    "SparseTargetClassifier",
    "TextClassifier",
    "read_data",
    "read_texts",
]
