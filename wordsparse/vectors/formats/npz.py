"""NumPy's npz, which ``numpy.load`` opens too.

Arrays: ``vectors`` (V, dim) float32, float16, or int8 with ``scales`` (V,) float32 (see vectors/precision.py);
``words`` (V,) Unicode text; ``counts`` (V,) int64, if known. NumPy gives each word the space of the longest one, and
loses zeros at the end of a word. Where a word is longer than MAX_LENGTH or ends in a zero, or a key is not a word,
``words`` is (bytes,) uint8 instead: a line of JSON for each key. Vectors with n-grams have the arrays of
:meth:`wordsparse.vectors.ngrams.Subwords.arrays` too, as they are. Vectors that are not float32 in memory are written
as they are, and an array ``number_type`` (0,) of their type marks this. The archive has a checksum of each array.

A file of any other program is read too if it has ``words``, as text, and ``vectors``.
"""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import npy
from wordsparse.files.unpacking import too_large, unpacked_limit
from wordsparse.types import Array
from wordsparse.vectors import names
from wordsparse.vectors import ngrams as subwords
from wordsparse.vectors import precision as precisions
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.word_vectors import WordVectors

# Longer words, in characters, are stored as bytes.
MAX_LENGTH = 256

# The kinds of numbers (NumPy's letters) and the axes that an array may have, and how messages say it.
_ARRAYS = {
    "vectors": ("fi", 2, "floating-point numbers or int8"),
    "words": ("Uu", 1, "text"),
    "counts": ("iu", 1, "whole numbers"),
    "scales": ("f", 1, "floating-point numbers"),
    "number_type": ("f", 1, "floating-point numbers"),
    "ngram_rows": ("fu", 2, "floating-point numbers or bytes"),
    "ngram_mean": ("f", 1, "floating-point numbers"),
    "ngrams": ("u", 1, "whole numbers"),
    "ngram_sizes": ("i", 1, "whole numbers"),
    "ngram_lengths": ("i", 1, "whole numbers"),
}
_NEEDED = ("vectors", "words")
_OLD = {"json_words", "word_offsets"}


class Npz(Format):
    """See the head of this file."""

    name, about, suffixes = "npz", "NumPy's; holds all that a model's vectors have, n-grams too", (".npz",)
    target = "stream"
    any_key = precisions = composes = True

    def write(self, content: WordVectors, target: IO[bytes], precision: str) -> None:
        """Write an npz file, uncompressed, because vectors are hardly compressible."""
        counts = content.counts if content.counts is not None and content.counts.dtype.kind in "iu" else None
        arrays = {"words": _stored(content.words), **precisions.arrays(content.vectors, precision, counts)}
        if precision == "float32" and content.vectors.dtype != np.float32:
            arrays |= {"vectors": content.vectors, "number_type": np.zeros(0, content.vectors.dtype)}
        if content.subwords is not None:
            arrays |= content.subwords.arrays()
        np.savez(target, allow_pickle=False, **arrays)

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PK")

    def read(self, path: Path) -> WordVectors:
        try:
            with zipfile.ZipFile(path) as archive:
                arrays = _read_arrays(archive, unpacked_limit(path.stat().st_size))
            keys = _keys(arrays["words"])
        except InputError:
            raise
        except Exception as error:  # for damaged archives, zipfile and its decompressors raise many kinds of errors
            raise InputError(f"is not an npz file, or is damaged: {error}; copy or write it again") from error
        vectors = precisions.unpacked(arrays["vectors"], arrays.get("scales"))
        ngrams = None
        if arrays.keys() & set(subwords.ARRAYS):
            ngrams = subwords.Subwords.from_arrays(arrays)
            if ngrams.dim != vectors.shape[1]:
                raise InputError(
                    f"its n-grams have {ngrams.dim} numbers, its words {vectors.shape[1]}; write the file again"
                )
        made = WordVectors(keys, vectors, arrays.get("counts"))
        made.subwords = ngrams
        if "number_type" in arrays:
            made.vectors = arrays["vectors"].astype(arrays["number_type"].dtype, copy=False)
        return made


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


def _read_arrays(archive: zipfile.ZipFile, limit: int) -> dict[str, Array]:
    stored = {name.removesuffix(".npy") for name in archive.namelist()}
    missing = [name for name in _NEEDED if name not in stored]
    if missing:
        raise InputError(
            f"is an npz file without the array {missing[0]!r}; it needs words and vectors: numpy.savez(file, "
            "words=…, vectors=…)"
        )
    if stored & _OLD:
        raise InputError("is of an older wordsparse, which stored unusual words in another way: export them again")
    wanted = sorted(stored & _ARRAYS.keys())
    if sum(archive.getinfo(f"{name}.npy").file_size for name in wanted) > limit:
        raise too_large(limit)
    return {name: npy.read_array(archive, name, *_ARRAYS[name]) for name in wanted}
