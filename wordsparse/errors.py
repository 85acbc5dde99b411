"""The errors that wordsparse raises on purpose. Each message names the input and the remedy.

    WordsparseError
      + InputError                    also a ValueError; exit status 2
        - MissingDependencyError      also an ImportError
        - WrongTypeError              also a TypeError
        - UnknownWordError            also a KeyError
        - CutShortError               also an EOFError
        - MissingFileError            also a FileNotFoundError
      + TrainingError                 also a RuntimeError; exit status 1
      + ReadError                     exit status 1

:class:`wordsparse.training.interruption.Interrupted` is a KeyboardInterrupt; exit status 130.
"""


class WordsparseError(Exception):
    """Base of every error raised on purpose; the command line prints its message without a traceback."""


class InputError(WordsparseError, ValueError):
    """The request is wrong (option, file, format, size). Raised before anything is started or written."""


class MissingDependencyError(InputError, ImportError):
    """A package is not installed, or wordsparse itself is not compiled; the message has the install command."""


class WrongTypeError(InputError, TypeError):
    """An argument has another type than can be used."""


class UnknownWordError(InputError, KeyError):
    """A word, or another key, that has no vector, or an attribute that the words do not have."""

    __str__ = Exception.__str__  # KeyError's quotes the message


class CutShortError(InputError, EOFError):
    """A file ends before the content that its first line states."""


class MissingFileError(InputError, FileNotFoundError):
    """There is no file of a given name."""


class TrainingError(WordsparseError, RuntimeError):
    """A run failed after it had started: diverging values, an impossible step, a failed write."""


class ReadError(WordsparseError):
    """A file in use has changed or disappeared. Raised between two minibatches, before any state changes."""
