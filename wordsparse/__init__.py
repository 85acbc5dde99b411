"""Word embeddings, and any network with a huge sparse output, trained with the exact gradient over every output."""

from importlib.metadata import version

from wordsparse.corpus import encode
from wordsparse.errors import InputError, MissingDependencyError, TrainingError, WordsparseError
from wordsparse.layer import losses
from wordsparse.layer.output import FactoredOutput
from wordsparse.training.runs import train
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model, load

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
