"""The base class of file formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors

HOW_MAPPED = "write it anew by read_vectors(file).export('FILE.npz'), or leave mapped out"


class Format:
    """A file format of word vectors: its name and help, its capabilities, its writer and its reader.

    Attributes
    ----------
    name, about : str
        The name of the format, and a phrase about it for the help.
    suffixes : tuple of str
        The suffixes of an output's name that select the format.
    target : {"stream", "file", "directory"}
        The type of the target that is written: a binary stream (which may be a pipe), a path, or a new directory.
    compressible : bool
        Whether files may be compressed. If so, ``recognises`` sees the compressed bytes of a file.
    any_key : bool
        Whether keys that are not words are preserved. Otherwise, they are written as ``str(key)``.
    composes : bool
        Whether the file holds n-grams, which compose the vectors of words that are not in the file.
    readable : bool
        Whether the format can be read again. Otherwise, it is only for other programs.
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
        """Raise InputError if the format cannot represent the words or ``tokens``, the tokeniser of their text. Raise
        MissingDependencyError if a package is missing."""

    def write(self, content: WordVectors, target: Any) -> None:
        """Write the vectors to a binary stream, a path or an empty directory."""
        raise NotImplementedError

    def recognises(self, path: Path, start: bytes) -> bool:
        """Return whether a file that begins with these 16 bytes, or a directory (without bytes), has this format."""
        return False

    def read(self, path: Path) -> WordVectors:
        """Read a file. If the file is damaged, raise InputError without the file's name, which the caller adds."""
        raise NotImplementedError

    def read_mapped(self, path: Path) -> WordVectors:
        """Read a file whose vectors stay on disk. Raise InputError if the format or the file does not allow this."""
        raise InputError(f"is no npz file, and only npz files can be mapped (mapped): {HOW_MAPPED}")


def float_vectors(stored: Array) -> Array:
    """Return the vectors of a file as float32. Raise InputError if they are not floating-point numbers."""
    if stored.dtype.kind != "f":
        raise InputError(f"vectors must be floating-point numbers, not {stored.dtype}; convert them")
    with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which WordVectors refuses
        return stored.astype(np.float32, copy=False)
