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

import sys
from collections.abc import Callable
from typing import Any


class WordsparseError(Exception):
    """The base class of wordsparse's errors, whose messages the command line prints without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython and Jupyter show: the message, or the whole traceback after ``%xmode
        Verbose``."""
        tracebacks = sys.modules["IPython"].get_ipython().InteractiveTB
        if tracebacks.mode == "Verbose":
            return list(tracebacks.structured_traceback(type(self), self, self.__traceback__))
        return [f"{type(self).__name__}: {self}"]


class InputError(WordsparseError, ValueError):
    """An error for a wrong request (option, file, format, size), raised before anything is started or written."""


class MissingDependencyError(InputError, ImportError):
    """An error for a missing package, or for wordsparse itself if it is not compiled. The message gives the install
    command."""


class WrongTypeError(InputError, TypeError):
    """An error for an argument of the wrong type."""


class UnknownWordError(InputError, KeyError):
    """An error for a word or key that has no vector, or for an attribute that the keys lack (``get_vecattr``).

    Finding words of similar spelling takes milliseconds, so ``hint`` is called only if the message is shown.
    """

    def __init__(self, message: str, hint: Callable[[], str] = str) -> None:
        super().__init__(message)
        self._hint = hint

    def __str__(self) -> str:
        return Exception.__str__(self) + self._hint()  # KeyError would quote the message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the whole message in place of the function that makes the hint."""
        return type(self), (str(self),)


class CutShortError(InputError, EOFError):
    """An error for a file that has fewer rows than its first line states."""


class MissingFileError(InputError, FileNotFoundError):
    """An error for a file that does not exist."""


class TrainingError(WordsparseError, RuntimeError):
    """An error for a run that fails after it has started, for example because values diverge or memory runs out."""


class ReadError(WordsparseError):
    """An error for a file that changes or disappears while in use. Training raises this error between minibatches."""
