"""NumPy's npz, which ``numpy.load`` opens too.

Arrays: ``vectors`` (V, dim) float32, float16, or int8 with ``scales`` (V,) float32 (see vectors/precision.py);
``words`` (V,) Unicode text; ``counts`` (V,) int64, if known. NumPy stores text with as many characters for each word
as the longest one has, and loses zeros at the end of a word. Where a word is longer than MAX_LENGTH or ends in a zero,
``words`` is (bytes,) uint8 instead, all words in UTF-8 one after the other, and ``word_offsets`` (V + 1,) int64 tells
their places: word i is ``words[word_offsets[i]:word_offsets[i + 1]]``. If some keys are not words, ``words`` holds each
key as JSON, and an array ``json_words`` (0,) uint8 marks this. Vectors with n-grams have the arrays of
:meth:`wordsparse.vectors.ngrams.Subwords.arrays` too, in full precision. Vectors that are not float32 in memory are
written as they are, and an array ``number_type`` (0,) of their type marks this. Other attributes of the words than
counts have the arrays of :mod:`wordsparse.vectors.formats.names`. The archive has a checksum of each array.

A file of any other program is read too if it has ``words``, as text, and ``vectors``.
"""

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import npy
from wordsparse.types import Array
from wordsparse.vectors import ngrams as subwords
from wordsparse.vectors.formats import names
from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.formats.streams import unpacked_limit
from wordsparse.vectors.precision import packed, unpacked

# Longer words, in characters, are stored as bytes.
MAX_LENGTH = 256
_MAX_CODE_POINT = 0x10FFFF

# The kinds of numbers (NumPy's letters) and the axes that an array may have, and how messages say it.
_ARRAYS = {
    "vectors": ("fi", 2, "floating-point numbers or int8"),
    "words": ("Uu", 1, "text"),
    "word_offsets": ("iu", 1, "whole numbers"),
    "counts": ("iu", 1, "whole numbers"),
    "scales": ("f", 1, "floating-point numbers"),
    "json_words": ("u", 1, "whole numbers"),
    "number_type": ("f", 1, "floating-point numbers"),
    names.ATTRIBUTES: ("u", 1, "whole numbers"),
    "ngram_rows": ("f", 2, "floating-point numbers"),
    "ngrams": ("u", 1, "whole numbers"),
    "ngram_sizes": ("i", 1, "whole numbers"),
    "ngram_lengths": ("i", 1, "whole numbers"),
}
_ATTRIBUTE = ("biuf", 1, "numbers")
_NEEDED = ("vectors", "words")


class Npz(Format):
    """See the head of this file."""

    name, about, suffixes = "npz", "NumPy's; holds all that a model's vectors have, n-grams too", (".npz",)
    target = "stream"
    any_key = precisions = composes = True

    def write(self, content: Content, target: IO[bytes], precision: str) -> None:
        """Write an npz file, uncompressed, because vectors are hardly compressible."""
        are_words = all(isinstance(key, str) for key in content.words)
        texts = names.as_text(content.words) if are_words else names.to_json(content.words)
        vectors, scales = packed(content.vectors, precision)
        arrays: dict[str, Array] = {**_stored(texts), "vectors": vectors}
        if scales is not None:
            arrays["scales"] = scales
        if not are_words:
            arrays["json_words"] = np.zeros(0, np.uint8)
        if precision == "float32" and content.vectors.dtype != np.float32:
            arrays |= {"vectors": content.vectors, "number_type": np.zeros(0, content.vectors.dtype)}
        others = dict(content.attributes)
        if content.counts is not None and content.counts.dtype.kind in "iu":
            arrays["counts"] = content.counts
        elif content.counts is not None:
            others = {"count": content.counts, **others}
        arrays |= names.attribute_arrays(others)
        if content.subwords is not None:
            arrays |= content.subwords.arrays()
        np.savez(target, allow_pickle=False, **arrays)

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PK")

    def read(self, path: Path) -> Content:
        try:
            with zipfile.ZipFile(path) as archive:
                arrays = _read_arrays(archive, unpacked_limit(path.stat().st_size))
        except InputError:
            raise
        except Exception as error:  # for damaged archives, zipfile and its decompressors raise many kinds of errors
            raise InputError(f"is not an npz file, or is damaged: {error}; copy or write it again") from error
        texts = _texts(arrays["words"], arrays.get("word_offsets"))
        keys = names.from_json(texts) if "json_words" in arrays else texts
        vectors = unpacked(arrays["vectors"], arrays.get("scales"))
        exact = arrays["vectors"].astype(arrays["number_type"].dtype, copy=False) if "number_type" in arrays else None
        others = names.attributes_from(arrays, len(keys)) if names.ATTRIBUTES in arrays else {}
        ngrams = None
        if arrays.keys() & set(subwords.ARRAYS):
            ngrams = subwords.Subwords.from_arrays(arrays)
            if ngrams.dim != vectors.shape[1]:
                raise InputError(
                    f"its n-grams have {ngrams.dim} numbers, its words {vectors.shape[1]}; write the file again"
                )
        return Content(keys, vectors, arrays.get("counts"), others, ngrams, exact)


def _stored(texts: list[str]) -> dict[str, Array]:
    if max(map(len, texts)) <= MAX_LENGTH and not any(text.endswith("\0") for text in texts):
        return {"words": np.array(texts, np.str_)}
    encoded = [text.encode() for text in texts]
    return {
        "words": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "word_offsets": np.cumsum([0, *map(len, encoded)], dtype=np.int64),
    }


def _texts(words: Array, offsets: Array | None) -> list[str]:
    if words.dtype.kind == "U":
        points = np.ascontiguousarray(words).view(np.uint32 if words.dtype.isnative else words.dtype.byteorder + "u4")
        if (points > _MAX_CODE_POINT).any():
            raise InputError("a word is not valid Unicode; write the file again without it")
        texts: list[str] = words.tolist()
        return texts
    if words.dtype != np.uint8 or offsets is None:
        raise InputError(
            "the array 'words' must be text, or uint8 with an array 'word_offsets'; store numpy.array(words, dtype=str)"
        )
    return _split(words.tobytes(), offsets)


def _read_arrays(archive: zipfile.ZipFile, limit: int) -> dict[str, Array]:
    stored = {name.removesuffix(".npy") for name in archive.namelist()}
    missing = [name for name in _NEEDED if name not in stored]
    if missing:
        raise InputError(
            f"is an npz file without the array {missing[0]!r}; it needs words and vectors: numpy.savez(file, "
            "words=…, vectors=…)"
        )
    of_attributes = {f"{names.ATTRIBUTE}{place}" for place in range(len(stored))}
    wanted = sorted(stored & (_ARRAYS.keys() | of_attributes))
    if sum(archive.getinfo(f"{name}.npy").file_size for name in wanted) > limit:
        raise InputError(
            f"unpacks to more than {limit} bytes: no vectors compress that well; write it with numpy.savez"
        )
    return {name: _read_array(archive, name) for name in wanted}


def _read_array(archive: zipfile.ZipFile, name: str) -> Array:
    """One array of a kind that the table allows."""
    kinds, ndim, described = _ARRAYS.get(name, _ATTRIBUTE)
    array = npy.read_array(archive, name, kinds, ndim, described)
    if name == "vectors" and array.dtype.kind == "i" and array.dtype.itemsize > 1:
        raise InputError(f"the array {name!r} must be {described} with {ndim} axes; convert it")
    return array


def _split(blob: bytes, offsets: Array) -> list[str]:
    ends = offsets.tolist()
    if not ends or ends[0] != 0 or ends[-1] != len(blob) or (np.diff(ends) < 0).any():
        raise InputError("word_offsets does not go from 0 up to the length of words; write the file again")
    try:
        return [blob[start:end].decode() for start, end in pairwise(ends)]
    except UnicodeDecodeError as error:
        raise InputError(f"a word is not valid UTF-8: {error}; write the file again without it") from error
