"""The errors that wordsparse raises deliberately. Each message names the input that is wrong, and says what to do.

    WordsparseError
      + InputError                    also a ValueError; exit status 2
        - MissingDependencyError      also an ImportError
        - WrongTypeError              also a TypeError
        - UnknownWordError            also a KeyError
        - CutShortError               also an EOFError
        - MissingFileError            also a FileNotFoundError
      + TrainingError                 also a RuntimeError; exit status 1
      + ReadError                     exit status 1

:class:`wordsparse.training.interruption.Interrupted` is a KeyboardInterrupt, with exit status 130.
"""


class WordsparseError(Exception):
    """The base class of wordsparse's errors, whose messages the command line prints without a traceback."""


class InputError(WordsparseError, ValueError):
    """An error for a wrong request (option, file, format, size), raised before anything is started or written."""


class MissingDependencyError(InputError, ImportError):
    """An error for a missing package, or for wordsparse itself if it is not compiled. The message gives the install
    command."""


class WrongTypeError(InputError, TypeError):
    """An error for an argument of the wrong type."""


class UnknownWordError(InputError, KeyError):
    """An error for a word or key that has no vector, or for an attribute that the keys lack (``get_vecattr``)."""

    __str__ = Exception.__str__  # KeyError would quote the message


class CutShortError(InputError, EOFError):
    """An error for a file that has fewer rows than its first line states."""


class MissingFileError(InputError, FileNotFoundError):
    """An error for a file that does not exist."""


class TrainingError(WordsparseError, RuntimeError):
    """An error for a run that fails after it has started, for example because values diverge or memory runs out."""


class ReadError(WordsparseError):
    """An error for a file that changes or disappears while in use. Training raises this error between minibatches."""
