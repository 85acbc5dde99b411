"""NumPy's format npz, which ``numpy.load`` also opens.

The arrays are ``vectors`` (V, dim), ``words`` (V,) Unicode text and, if known, ``counts`` (V,) int64. NumPy gives each
word the space of the longest word, and loses zeros at the end of a word. If a word is longer than MAX_LENGTH or ends in
a zero, or a key is not a word, ``words`` is (bytes,) uint8 instead, with a line of JSON per key. Vectors with n-grams
also have the arrays of :meth:`wordsparse.vectors.ngrams.NgramVectors.arrays`. The archive has a checksum of each array.

Files of other programs are read if they have ``words``, as text, and ``vectors``, of any floating-point type.
"""

from pathlib import Path
from typing import IO, Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import regular
from wordsparse.files.unpacking import too_large, unpacked_limit
from wordsparse.types import Array
from wordsparse.vectors import names
from wordsparse.vectors.formats.base import Format, float_vectors
from wordsparse.vectors.ngrams import ARRAYS, NgramVectors
from wordsparse.vectors.word_vectors import WordVectors

# If a word has more characters than this, words are stored as bytes.
MAX_LENGTH = 256

_NEEDED = ("vectors", "words")
_ARRAYS = {*_NEEDED, *ARRAYS, "counts"}


class Npz(Format):
    """The file format that the docstring of this module describes."""

    name, about, suffixes = "npz", "NumPy's; holds everything of a model's vectors, also n-grams", (".npz",)
    target = "stream"
    any_key = composes = True

    def write(self, content: WordVectors, target: IO[bytes]) -> None:
        """Write an npz file, uncompressed, because compression hardly shrinks vectors."""
        arrays = {"words": _stored(content.words), "vectors": content.vectors}
        if content.counts is not None and content.counts.dtype.kind in "iu":
            arrays["counts"] = content.counts
        if content.ngrams is not None:
            arrays |= content.ngrams.arrays()
        np.savez(target, allow_pickle=False, **arrays)

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PK")

    def read(self, path: Path) -> WordVectors:
        try:
            arrays = _read_arrays(path)
            keys, vectors = _keys(arrays["words"]), float_vectors(arrays["vectors"])
        except InputError:
            raise
        except Exception as error:  # zipfile and its decompressors raise many kinds of errors
            raise InputError(f"is not an npz file, or is damaged: {error}; copy or write it again") from error
        content = WordVectors(keys, vectors, arrays.get("counts"))
        if arrays.keys() & set(ARRAYS):
            content.ngrams = NgramVectors.from_arrays(arrays)
            if content.ngrams.dim != content.dim:
                raise InputError(
                    f"its n-grams have {content.ngrams.dim} numbers, its words {content.dim}; write the file again"
                )
        return content


def _stored(keys: list[Any]) -> Array:
    if all(isinstance(key, str) and len(key) <= MAX_LENGTH and not key.endswith("\0") for key in keys):
        return np.array(names.as_text(keys), np.str_)
    return names.lines(keys)


def _keys(words: Array) -> list[Any]:
    if words.dtype.kind == "U":
        texts: list[str] = words.tolist()
        return texts
    if words.dtype != np.uint8:
        raise InputError("the array 'words' must be text: store numpy.array(words, dtype=str)")
    return names.from_lines(words)


def _read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays that belong to this format. Other arrays and pickles are not read."""
    with regular.opened(path) as file, np.load(file, allow_pickle=False) as archive:
        if missing := [name for name in _NEEDED if name not in archive]:
            raise InputError(
                f"is an npz file without the array {missing[0]!r}; it needs words and vectors: numpy.savez(file, "
                "words=…, vectors=…)"
            )
        names = _ARRAYS.intersection(archive.files)
        limit = unpacked_limit(regular.size_of(file))
        if sum(archive.zip.getinfo(f"{name}.npy").file_size for name in names) > limit:
            raise too_large(limit)
        return {name: archive[name] for name in names}
