"""What a format of files is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors


class Format:
    """A format of files: its name and help, what it can hold, its writer, and its reader.

    Attributes
    ----------
    name, about : str
        Its name, and its line in a help text.
    suffixes : tuple of str
        The suffixes by which the name of an output chooses it.
    target : {"stream", "file", "directory"}
        What it is written to: a binary stream, which may be a pipe, a path, or a new directory.
    compressible : bool
        Whether its streams may be compressed; ``recognises`` sees the compressed bytes of a file then.
    any_key : bool
        Whether it preserves keys that are not words; else they are written as ``str(key)``.
    composes : bool
        Whether words that it does not hold have vectors by their n-grams.
    readable : bool
        Whether it is read again, and not only for other programs.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    target: ClassVar[Literal["stream", "file", "directory"]] = "file"
    compressible: ClassVar[bool] = False
    any_key: ClassVar[bool] = False
    composes: ClassVar[bool] = False
    readable: ClassVar[bool] = True

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        """Raise InputError for words that it cannot represent, or ``tokens``, the name of the tokeniser of their text;
        MissingDependencyError for a package that it needs."""

    def write(self, content: WordVectors, target: Any) -> None:
        """Write to a binary stream, a path or an empty directory."""
        raise NotImplementedError

    def recognises(self, path: Path, start: bytes) -> bool:
        """Whether a file that begins with these 16 bytes, or a directory, which has none, is of this format."""
        return False

    def read(self, path: Path) -> WordVectors:
        """Read a file; InputError, without the file's name, if it is damaged."""
        raise NotImplementedError


def float_vectors(stored: Array) -> Array:
    """The vectors of a file as float32; InputError if they are no floating-point numbers."""
    if stored.dtype.kind != "f":
        raise InputError(f"vectors must be floating-point numbers, not {stored.dtype}; convert them")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which WordVectors refuses
        return stored.astype(np.float32, copy=False)
