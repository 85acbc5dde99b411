"""The base class of file formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors.compact import CompactRows
from wordsparse.vectors.word_vectors import WordVectors

HOW_MAPPED = "convert the file by read_vectors(file).export('FILE.npz'), or omit mapped=True"


class Format:
    """A file format of word vectors: its name and help, its capabilities, its writer and its reader.

    Attributes
    ----------
    name, about : str
        The name of the format, and a phrase that describes the format in help messages.
    suffixes : tuple of str
        The format is selected if the name of an output ends in one of these suffixes.
    target : {"stream", "file", "directory"}
        The type of target that ``write`` needs: a binary stream (which may be a pipe), a path, or a new directory.
    compressible : bool
        Whether files may be compressed. If True, the bytes passed to ``recognises`` may be compressed.
    any_key : bool
        Whether keys that are not strings are preserved. If False, keys are written as ``str(key)``.
    composes : bool
        Whether the file holds n-grams, which compose the vectors of words that are not in the file.
    is_lossy : bool
        Whether vectors that were rounded (:meth:`wordsparse.WordVectors.rounded`) stay in float16 or int8. If False,
        every vector is written as float32.
    readable : bool
        Whether wordsparse can read the format. If False, only other programs read the files.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    target: ClassVar[Literal["stream", "file", "directory"]] = "file"
    compressible: ClassVar[bool] = False
    any_key: ClassVar[bool] = False
    composes: ClassVar[bool] = False
    is_lossy: ClassVar[bool] = False
    readable: ClassVar[bool] = True

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        """Raise InputError if the format cannot represent the words, or the tokeniser of the text, ``tokens``. Raise
        MissingDependencyError if a package is missing."""

    def write(self, content: WordVectors, target: Any) -> None:
        """Write the vectors to a binary stream, a path or an empty directory."""
        raise NotImplementedError

    def recognises(self, path: Path, start: bytes) -> bool:
        """Return whether a file has this format, given its path and its first 16 bytes. For a directory, ``start`` is
        empty."""
        return False

    def read(self, path: Path) -> WordVectors:
        """Read a file. Raise InputError if the file is damaged. The message does not name the file, because the caller
        adds the name."""
        raise NotImplementedError

    def read_mapped(self, path: Path) -> WordVectors:
        """Read a file, but leave the vectors on disk. Raise InputError if the format or the file cannot be mapped."""
        raise InputError(f"is not an npz file, and only npz files can be mapped (mapped): {HOW_MAPPED}")


def arrays_of(vectors: Array | CompactRows) -> dict[str, Array]:
    """Return the arrays of a file: ``vectors`` and, for 8-bit numbers, their ``scales``."""
    return vectors.arrays() if isinstance(vectors, CompactRows) else {"vectors": vectors}


def set_doubt(content: WordVectors, stored: Array | None) -> None:
    """Set the ``doubt`` of vectors to the number that a file has. Raise InputError if it is not one number."""
    if stored is not None:
        if stored.size != 1 or stored.dtype.kind != "f":
            raise InputError("its array doubt must be one number; copy or write the file again")
        content.doubt = float(stored.reshape(()))


def float_vectors(stored: Array, scales: Array | None = None, mapped: bool = False) -> Array | CompactRows:
    """Return the vectors of a file as float32. With ``mapped``, numbers of 8 or 16 bits stay as they are. Raise
    InputError if the numbers are neither floating-point nor 8-bit numbers with ``scales``."""
    if stored.ndim == 2 and stored.dtype == (np.float16 if scales is None else np.int8):
        rows = CompactRows(stored, scales)
        return rows if mapped else np.asarray(rows)
    if stored.dtype.kind != "f":
        raise InputError(f"vectors must be floating-point numbers, not {stored.dtype}; convert them")
    with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which WordVectors refuses
        return stored.astype(np.float32, copy=False)
