"""Estimators for huge sets of sparse labels, targets and items, and the files of their data; they need scikit-learn."""

from wordsparse.labels.base import FitProgress
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.data import LabelledRows, read_data, write_text
from wordsparse.labels.recommender import SparseTargetRecommender
from wordsparse.labels.regressor import SparseTargetRegressor
from wordsparse.labels.text_classifier import TextClassifier
from wordsparse.labels.texts import LabelledTexts, read_texts

__all__ = [
    "FitProgress",
    "LabelledRows",
    "LabelledTexts",
    "SparseTargetClassifier",
    "SparseTargetRecommender",
    "SparseTargetRegressor",
    "TextClassifier",
    "read_data",
    "read_texts",
    "write_text",
]
