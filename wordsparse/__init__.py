"""Word embeddings, and any network with a huge sparse output, trained with the exact gradient over every output."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wordsparse.advice import advise
    from wordsparse.comparison import compare
    from wordsparse.corpus import encode
    from wordsparse.errors import InputError, MissingDependencyError, ReadError, TrainingError, WordsparseError
    from wordsparse.explorer import explore
    from wordsparse.labels.classifier import SparseTargetClassifier
    from wordsparse.labels.recommender import SparseTargetRecommender
    from wordsparse.labels.regressor import SparseTargetRegressor
    from wordsparse.labels.vectorizer import DocumentVectorizer
    from wordsparse.layer import losses
    from wordsparse.layer.least_squares import RecursiveLeastSquares
    from wordsparse.layer.losscheck import check_loss
    from wordsparse.layer.output import FactoredOutput
    from wordsparse.stability.bootstrap import resample
    from wordsparse.stability.movement import moved
    from wordsparse.stability.slice_runs import train_slices
    from wordsparse.training.interruption import Interrupted
    from wordsparse.training.model import Model, load
    from wordsparse.training.runs import train
    from wordsparse.vectors.word_vectors import WordVectors
    from wordsparse.words.embedding import StepSizes
    from wordsparse.words.evaluate import evaluate
    from wordsparse.words.model_directory import read_vectors
    from wordsparse.words.options import Options
    from wordsparse.words.pair_counts import count
    from wordsparse.words.recipe import Recipe

    __version__: str

__all__ = [
    "DocumentVectorizer",
    "FactoredOutput",
    "InputError",
    "Interrupted",
    "MissingDependencyError",
    "Model",
    "Options",
    "ReadError",
    "Recipe",
    "RecursiveLeastSquares",
    "SparseTargetClassifier",
    "SparseTargetRecommender",
    "SparseTargetRegressor",
    "StepSizes",
    "TrainingError",
    "WordVectors",
    "WordsparseError",
    "advise",
    "check_loss",
    "compare",
    "count",
    "encode",
    "evaluate",
    "explore",
    "load",
    "losses",
    "moved",
    "read_vectors",
    "resample",
    "train",
    "train_slices",
]

# Where each name is defined: imported when it is first used, so that a program pays only for the parts that it needs.
_MODULES = {
    "DocumentVectorizer": "wordsparse.labels.vectorizer",
    "FactoredOutput": "wordsparse.layer.output",
    "InputError": "wordsparse.errors",
    "Interrupted": "wordsparse.training.interruption",
    "MissingDependencyError": "wordsparse.errors",
    "Model": "wordsparse.training.model",
    "Options": "wordsparse.words.options",
    "ReadError": "wordsparse.errors",
    "Recipe": "wordsparse.words.recipe",
    "RecursiveLeastSquares": "wordsparse.layer.least_squares",
    "SparseTargetClassifier": "wordsparse.labels.classifier",
    "SparseTargetRecommender": "wordsparse.labels.recommender",
    "SparseTargetRegressor": "wordsparse.labels.regressor",
    "StepSizes": "wordsparse.words.embedding",
    "TrainingError": "wordsparse.errors",
    "WordVectors": "wordsparse.vectors.word_vectors",
    "WordsparseError": "wordsparse.errors",
    "advise": "wordsparse.advice",
    "check_loss": "wordsparse.layer.losscheck",
    "compare": "wordsparse.comparison",
    "encode": "wordsparse.corpus",
    "evaluate": "wordsparse.words.evaluate",
    "explore": "wordsparse.explorer",
    "load": "wordsparse.training.model",
    "moved": "wordsparse.stability.movement",
    "resample": "wordsparse.stability.bootstrap",
    "read_vectors": "wordsparse.words.model_directory",
    "train": "wordsparse.training.runs",
    "train_slices": "wordsparse.stability.slice_runs",
    "count": "wordsparse.words.pair_counts",
}


def _module(name: str) -> str:
    """The module of a name. Processes that a launcher (mpiexec, srun) started train and encode together."""
    if name in ("train", "encode") and importlib.import_module("wordsparse.machine.launcher").place()[1] > 1:
        return "wordsparse.distributed.run"
    return _MODULES[name]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module = _module(name)
        try:
            value = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            raise AttributeError(f"wordsparse.{name} is in {error.name}, which this installation lacks") from error
    elif name == "losses":
        value = importlib.import_module("wordsparse.layer.losses")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("wordsparse")
    else:
        raise AttributeError(f"module 'wordsparse' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
