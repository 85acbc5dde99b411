"""Word embeddings, and any network with a huge sparse output, trained with the exact gradient over every output."""

from importlib.metadata import version

from wordsparse import losses
from wordsparse.corpus import encode
from wordsparse.errors import InputError, MissingDependencyError, TrainingError, WordsparseError
from wordsparse.model import Model, load
from wordsparse.output import FactoredOutput
from wordsparse.training.runs import train
from wordsparse.vectors import WordVectors

__version__ = version("wordsparse")
__all__ = [
    "FactoredOutput",
    "InputError",
    "MissingDependencyError",
    "Model",
    "TrainingError",
    "WordVectors",
    "WordsparseError",
    "encode",
    "load",
    "losses",
    "train",
]
