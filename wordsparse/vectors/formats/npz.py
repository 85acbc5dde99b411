"""NumPy's format npz. ``numpy.load`` can open files in this format, too.

The arrays are ``vectors`` (V, dim), ``words`` (V,) Unicode text and, if known, ``counts`` (V,) int64 and ``doubt``, a
number that :mod:`wordsparse.vectors.evidence` explains. Vectors of 8-bit numbers have ``scales`` (V,) float32; multiply
each row by its scale. In NumPy's text arrays, each word takes as much space as the longest word, and NUL characters at
the end of a word are lost. If a word is longer than MAX_LENGTH or ends in NUL, or if a key is not a str,
``words`` is therefore (bytes,) uint8, with one line of JSON per key. Vectors with
n-grams also have the arrays of :meth:`wordsparse.vectors.ngrams.NgramVectors.arrays`. The archive contains a checksum
of each array. A file of float16 or int8 is meant to be small: its words are JSON, and all arrays except ``vectors`` are
compressed.

Files from other programs can be read if they have ``words`` as text and ``vectors`` of any floating-point type.

Our files can be mapped into memory, because each array begins at a multiple of ALIGNED bytes. To align the arrays, the
writer adapts the length of the extra field in each zip entry, which readers skip.
"""

import math
import struct
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import regular
from wordsparse.files.unpacking import too_large, unpacked_limit
from wordsparse.types import Array
from wordsparse.vectors import names
from wordsparse.vectors.compact import CompactRows
from wordsparse.vectors.formats.base import HOW_MAPPED, Format, arrays_of, float_vectors, set_doubt
from wordsparse.vectors.ngrams import ARRAYS, NgramVectors
from wordsparse.vectors.word_vectors import WordVectors

# The maximum number of characters of a word in a text array; with longer words, all words are stored as bytes.
MAX_LENGTH = 256
ALIGNED = 64
# The sizes of the parts of a zip entry's header: the header without its name and extra fields, the extra field that
# zipfile writes for the sizes of large files, and the header of our own extra field. The identifier of our extra field
# is the identifier that Android's zipalign uses for padding.
_HEADER, _SIZES, _FIELD, _IDENTIFIER = 30, 20, 4, 0xD935

_NEEDED = ("vectors", "words")
_ARRAYS = {*_NEEDED, *ARRAYS, "counts", "doubt", "scales"}
# The types of vectors that can be mapped.
_MAPPED = ("float32", "float16", "int8")


class Npz(Format):
    """The file format that the docstring of this module describes."""

    name, about, suffixes = "npz", "for NumPy; holds words, counts, vectors and n-grams", (".npz",)
    target = "stream"
    any_key = composes = is_lossy = True

    def write(self, content: WordVectors, target: IO[bytes]) -> None:
        """Write an npz file. Vectors are not compressed, because compression hardly shrinks them."""
        is_small = isinstance(content.vectors, CompactRows)
        arrays = {"words": _stored(content.words, as_json=is_small), **arrays_of(content.vectors)}
        if content.counts is not None and content.counts.dtype.kind in "iu":
            arrays |= {"counts": content.counts, "doubt": np.array(content.doubt)}
        if content.ngrams is not None:
            arrays |= content.ngrams.arrays()
        with zipfile.ZipFile(target, "w") as archive:
            for name, array in arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy")
                before = archive.start_dir + _HEADER + len(entry.filename) + _SIZES + _FIELD
                entry.compress_type = zipfile.ZIP_DEFLATED if is_small and name != "vectors" else zipfile.ZIP_STORED
                entry.extra = struct.pack("<HH", _IDENTIFIER, -before % ALIGNED) + bytes(-before % ALIGNED)
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PK")

    def read(self, path: Path) -> WordVectors:
        return _content(path, mapped=False)

    def read_mapped(self, path: Path) -> WordVectors:
        return _content(path, mapped=True)


def _content(path: Path, mapped: bool) -> WordVectors:
    try:
        arrays = _read_arrays(path, mapped)
        keys, vectors = _keys(arrays["words"]), float_vectors(arrays["vectors"], arrays.get("scales"), mapped)
    except InputError:
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds of errors
        raise InputError(f"is not an npz file, or is damaged: {error}; copy or write it again") from error
    content = WordVectors(keys, vectors, arrays.get("counts"))
    set_doubt(content, arrays.get("doubt"))
    if arrays.keys() & set(ARRAYS):
        content.ngrams = NgramVectors.from_arrays(arrays)
        if content.ngrams.dim != content.dim:
            raise InputError(
                f"its n-grams have {content.ngrams.dim} dimensions, its words {content.dim}; write the file again"
            )
    return content


def _stored(keys: list[Any], as_json: bool) -> Array:
    if not as_json and all(isinstance(key, str) and len(key) <= MAX_LENGTH and not key.endswith("\0") for key in keys):
        return np.array(names.as_text(keys), np.str_)
    return np.frombuffer("\n".join(names.to_json(keys)).encode(), np.uint8)  # the JSON of a key has no line breaks


def _keys(words: Array) -> list[Any]:
    if words.dtype.kind == "U":
        texts: list[str] = words.tolist()
        return texts
    if words.dtype != np.uint8:
        raise InputError("the array 'words' must be text: store numpy.array(words, dtype=str)")
    return names.from_json(words.tobytes().decode().split("\n"))


def _read_arrays(path: Path, mapped: bool) -> dict[str, Array]:
    """Return the arrays that belong to this format. With ``mapped``, the vectors stay on disk. Other arrays and pickles
    are not read."""
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
        vectors = {"vectors": _mapped(file, archive.zip)} if mapped else {}
        return {name: archive[name] for name in names - vectors.keys()} | vectors


def _mapped(file: BufferedReader, archive: zipfile.ZipFile) -> Array:
    """Return the vectors as a read-only memory map of the file, after comparing them with the checksum in the
    archive."""
    entry = archive.getinfo("vectors.npy")
    file.seek(entry.header_offset + _HEADER - 4)
    start = file.tell() + 4 + sum(struct.unpack("<HH", file.read(4)))  # lengths of the entry's name and extra fields
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(member)
        offset = member.tell()
    size = offset + dtype.itemsize * math.prod(shape)
    is_plain = entry.compress_type == zipfile.ZIP_STORED and size == entry.file_size and not is_fortran
    if not is_plain or dtype not in [*map(np.dtype, _MAPPED)] or (start + offset) % dtype.itemsize:
        raise InputError(f"has vectors that cannot be mapped; npz files of wordsparse can be mapped: {HOW_MAPPED}")
    if zlib.crc32(np.memmap(file, np.uint8, "r", start, (entry.file_size,)).data) != entry.CRC:
        raise InputError("is damaged: its vectors differ from their checksum; copy or write it again")
    return np.memmap(file, dtype, "r", start + offset, shape)
