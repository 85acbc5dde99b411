"""The errors that wordsparse raises on purpose. What they say names the input and what to do about it."""


class WordsparseError(Exception):
    """Base of every error raised on purpose; the command line prints its message without a traceback."""


class InputError(WordsparseError, ValueError):
    """The request is wrong (option, file, format, size). Raised before anything is started or written."""


class MissingDependencyError(InputError, ImportError):
    """A package is not installed, or wordsparse itself not compiled; the message says how to install it."""


class UnknownWordError(InputError, KeyError):
    """A word, or another key, that has no vector."""

    __str__ = Exception.__str__  # KeyError's quotes the message


class NothingGivenError(InputError, ZeroDivisionError):
    """A mean over an empty list is asked for."""


class CutShortError(InputError, EOFError):
    """A file ends before what its first line promises."""


class TrainingError(WordsparseError, RuntimeError):
    """A run failed after it had started: diverging values, a step that cannot be taken, a failed write."""


class ReadError(WordsparseError):
    """A file that is being used has changed or vanished. Raised between two minibatches, before anything changes."""
