"""NumPy's npz. Words are stored as bytes and offsets, so long words do not enlarge the storage of the others.

Arrays: ``vectors`` (V, dim) float32; ``words`` (bytes,) uint8, all words in UTF-8 one after the other;
``word_offsets`` (V + 1,) int64, word i being ``words[word_offsets[i]:word_offsets[i + 1]]``; ``counts`` (V,)
int64, if known. If some keys are not words, ``words`` holds each key as JSON, and an array ``json_words`` (0,) uint8
marks this.
"""

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError
from wordsparse.vectors.formats import names
from wordsparse.vectors.formats.streams import unpacked_limit
from wordsparse.vectors.word_vectors import WordVectors

_Kind = tuple[type[np.generic], int]  # number type and axes
_NEEDED: dict[str, _Kind] = {
    "vectors": (np.float32, 2),
    "words": (np.uint8, 1),
    "word_offsets": (np.int64, 1),
}
_OPTIONAL: dict[str, _Kind] = {"counts": (np.int64, 1), "json_words": (np.uint8, 1)}


def write(word_vectors: WordVectors, file: IO[bytes]) -> None:
    """Write an npz file, uncompressed, because vectors are hardly compressible."""
    are_words = all(isinstance(key, str) for key in word_vectors.words)
    texts = names.as_text(word_vectors.words) if are_words else names.to_json(word_vectors.words)
    encoded = [text.encode() for text in texts]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "words": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "word_offsets": np.cumsum([0, *map(len, encoded)], dtype=np.int64),
        "vectors": np.asarray(word_vectors.vectors, np.float32),
    }
    if not are_words:
        arrays["json_words"] = np.zeros(0, np.uint8)
    if word_vectors.counts is not None:
        arrays["counts"] = word_vectors.counts
    np.savez(file, allow_pickle=False, **arrays)


def read(path: Path) -> WordVectors:
    """Read a file written by :func:`write`.

    Raises
    ------
    InputError
        If an array is missing, damaged, has another type, or states a size larger than its part of the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _read_arrays(archive, unpacked_limit(path.stat().st_size))
    except InputError:
        raise
    except Exception as error:  # for damaged archives, zipfile and its decompressors raise many kinds of errors
        raise InputError(f"is not an npz file, or is damaged: {error}") from error
    texts = _split(arrays["words"].tobytes(), arrays["word_offsets"])
    keys = names.from_json(texts) if "json_words" in arrays else texts
    return WordVectors(keys, arrays["vectors"], arrays.get("counts"))


def _read_arrays(archive: zipfile.ZipFile, limit: int) -> dict[str, npt.NDArray[np.generic]]:
    stored = {name.removesuffix(".npy") for name in archive.namelist()}
    missing = _NEEDED.keys() - stored
    if missing:
        raise InputError(f"is an npz file without the array {min(missing)!r}; vectors, words, word_offsets are needed")
    wanted = _NEEDED | {name: kind for name, kind in _OPTIONAL.items() if name in stored}
    if sum(archive.getinfo(f"{name}.npy").file_size for name in wanted) > limit:
        raise InputError(f"unpacks to more than {limit} bytes: no vectors compress that well")
    return {name: _read_array(archive, name, *kind) for name, kind in wanted.items()}


def _read_array(archive: zipfile.ZipFile, name: str, dtype: type[np.generic], ndim: int) -> npt.NDArray[np.generic]:
    """Read one array; its header is first compared with the size of the archive's member."""
    claimed = archive.getinfo(f"{name}.npy").file_size
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise InputError(f"the array {name!r} has npy version {version}, not (1, 0)")
        shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)
        if found != dtype or len(shape) != ndim or fortran_order or any(length < 0 for length in shape):
            raise InputError(f"the array {name!r} must be {dtype.__name__} in C order with {ndim} axes")
        # Python integers, so that a malicious shape cannot overflow.
        size = int(found.itemsize)
        for length in shape:
            size *= int(length)
        if file.tell() + size != claimed:
            raise InputError(f"the array {name!r} claims {size} bytes, but {claimed - file.tell()} are stored")
        data = file.read(size)
    return np.frombuffer(data, dtype=found).reshape(shape)


def _split(blob: bytes, offsets: npt.NDArray[np.generic]) -> list[str]:
    ends = offsets.tolist()
    if not ends or ends[0] != 0 or ends[-1] != len(blob) or (np.diff(ends) < 0).any():
        raise InputError("word_offsets does not go from 0 up to the length of words")
    try:
        return [blob[start:end].decode() for start, end in pairwise(ends)]
    except UnicodeDecodeError as error:
        raise InputError(f"a word is not valid UTF-8: {error}") from error
