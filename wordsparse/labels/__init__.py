"""Estimators for huge sets of sparse labels, targets and items, and the files of their data."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wordsparse.labels.classifier import SparseTargetClassifier
    from wordsparse.labels.data import LabelledRows, read_data, write_text
    from wordsparse.labels.progress import FitProgress
    from wordsparse.labels.recommender import SparseTargetRecommender
    from wordsparse.labels.regressor import SparseTargetRegressor

__all__ = [
    "FitProgress",
    "LabelledRows",
    "SparseTargetClassifier",
    "SparseTargetRecommender",
    "SparseTargetRegressor",
    "read_data",
    "write_text",
]

# Where each name is defined: the estimators need scikit-learn, the files of their data do not.
_MODULES = {
    "FitProgress": "wordsparse.labels.progress",
    "LabelledRows": "wordsparse.labels.data",
    "SparseTargetClassifier": "wordsparse.labels.classifier",
    "SparseTargetRecommender": "wordsparse.labels.recommender",
    "SparseTargetRegressor": "wordsparse.labels.regressor",
    "read_data": "wordsparse.labels.data",
    "write_text": "wordsparse.labels.data",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'wordsparse.labels' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
