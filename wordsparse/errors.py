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
    """A wrong request (option, file, format, size), raised before anything is started or written."""


class MissingDependencyError(InputError, ImportError):
    """A package that is not installed, or wordsparse itself not compiled; the message has the install command."""


class WrongTypeError(InputError, TypeError):
    """An argument of a type that cannot be used."""


class UnknownWordError(InputError, KeyError):
    """An unknown word or key, which has no vector, or an unknown attribute of keys."""

    __str__ = Exception.__str__  # KeyError's __str__ quotes the message


class CutShortError(InputError, EOFError):
    """A file that ends before the content that its first line states."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that does not exist."""


class TrainingError(WordsparseError, RuntimeError):
    """A run that failed after it had started: diverging values, an impossible step, a failed write."""


class ReadError(WordsparseError):
    """A file that changed or disappeared while in use. Raised between two minibatches, before any state changes."""
