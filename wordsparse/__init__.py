"""Word embeddings, and any network with a huge sparse output, trained with the exact gradient over every output."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wordsparse.advice import advise as advise
    from wordsparse.comparison import compare as compare
    from wordsparse.corpus import encode as encode
    from wordsparse.counts.counting import count as count
    from wordsparse.errors import InputError as InputError
    from wordsparse.errors import MissingDependencyError as MissingDependencyError
    from wordsparse.errors import ReadError as ReadError
    from wordsparse.errors import TrainingError as TrainingError
    from wordsparse.errors import WordsparseError as WordsparseError
    from wordsparse.explorer import explore as explore
    from wordsparse.labels.classifier import SparseTargetClassifier as SparseTargetClassifier
    from wordsparse.layer import losses as losses
    from wordsparse.layer.losscheck import check_loss as check_loss
    from wordsparse.layer.output import FactoredOutput as FactoredOutput
    from wordsparse.search import Search as Search
    from wordsparse.training.interruption import Interrupted as Interrupted
    from wordsparse.training.interruption import interrupted_model as interrupted_model
    from wordsparse.training.runs import train as train
    from wordsparse.unseen.vectorizer import DocumentVectorizer as DocumentVectorizer
    from wordsparse.vectors.word_vectors import WordVectors as WordVectors
    from wordsparse.words.alignment import align as align
    from wordsparse.words.embedding import StepSizes as StepSizes
    from wordsparse.words.evaluate import evaluate as evaluate
    from wordsparse.words.loading import load as load
    from wordsparse.words.model import Model as Model
    from wordsparse.words.model_directory import read_vectors as read_vectors
    from wordsparse.words.options import Options as Options
    from wordsparse.words.recipe import Recipe as Recipe

    __version__: str

# A map from each public name to the module that defines the name (losses is itself a module). Modules are imported on
# first use, so that a program loads only the parts that it needs.
_MODULES = {
    "DocumentVectorizer": "wordsparse.unseen.vectorizer",
    "FactoredOutput": "wordsparse.layer.output",
    "InputError": "wordsparse.errors",
    "Interrupted": "wordsparse.training.interruption",
    "MissingDependencyError": "wordsparse.errors",
    "Model": "wordsparse.words.model",
    "Options": "wordsparse.words.options",
    "ReadError": "wordsparse.errors",
    "Recipe": "wordsparse.words.recipe",
    "Search": "wordsparse.search",
    "SparseTargetClassifier": "wordsparse.labels.classifier",
    "StepSizes": "wordsparse.words.embedding",
    "TrainingError": "wordsparse.errors",
    "WordVectors": "wordsparse.vectors.word_vectors",
    "WordsparseError": "wordsparse.errors",
    "advise": "wordsparse.advice",
    "align": "wordsparse.words.alignment",
    "check_loss": "wordsparse.layer.losscheck",
    "compare": "wordsparse.comparison",
    "encode": "wordsparse.corpus",
    "evaluate": "wordsparse.words.evaluate",
    "explore": "wordsparse.explorer",
    "interrupted_model": "wordsparse.training.interruption",
    "load": "wordsparse.words.loading",
    "read_vectors": "wordsparse.words.model_directory",
    "train": "wordsparse.training.runs",
    "count": "wordsparse.counts.counting",
}
# A map from names in gensim and fastText to their counterparts here.
_ELSEWHERE = {
    "train_supervised": "wordsparse.labels.TextClassifier().fit(texts, labels)",
    **dict.fromkeys(("train_unsupervised", "fit"), "wordsparse.train(text)"),
    "load_model": "wordsparse.load(path), or wordsparse.read_vectors(path) for files of other tools",
    "load_word2vec_format": "wordsparse.read_vectors(path)",
    "TextClassifier": "wordsparse.labels.TextClassifier",
    **{name: f"wordsparse.gensim.{name}" for name in ("Word2Vec", "FastText", "KeyedVectors")},
}
__all__ = [*_MODULES, "losses"]  # type checkers cannot evaluate this; they use the imports above


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module = _MODULES[name]
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
        hint = f": it is {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
        raise AttributeError(f"module 'wordsparse' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
