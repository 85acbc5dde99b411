"""safetensors: a tensor ``vectors``, a tensor ``counts`` if known, and the words as a JSON list in the metadata."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError, WordsparseError
from wordsparse.vectors.formats import names
from wordsparse.vectors.word_vectors import WordVectors

# The package refuses to read a longer header. The words are part of the header, where they are escaped as JSON again.
_MAX_HEADER = 100_000_000


def recognise(start: bytes, size: int) -> bool:
    """Whether a file of ``size`` bytes begins like a safetensors file: with the length of a JSON object and ``{``."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= size - 8


def check(word_vectors: WordVectors) -> None:
    """Raise, before anything is written, the error for words that are too long or for a missing package.

    Raises
    ------
    InputError
        If the words exceed the 100 MB limit of the header.
    MissingDependencyError
        If safetensors is not installed.
    """
    _load("safetensors")
    size = len(json.dumps(_metadata(word_vectors), ensure_ascii=False).encode())
    if size > _MAX_HEADER - 1000:
        raise InputError(f"the words take {size} bytes, more than a safetensors header may have; use npz")


def write(word_vectors: WordVectors, path: Path) -> None:
    """Write a safetensors file."""
    package, save_file = _load("safetensors"), _load("safetensors.numpy").save_file
    tensors: dict[str, np.ndarray] = {"vectors": word_vectors.vectors}
    if word_vectors.counts is not None:
        tensors["counts"] = np.ascontiguousarray(word_vectors.counts)
    path.touch()
    mode = path.stat().st_mode  # safetensors would make the file readable for its owner only
    try:
        save_file(tensors, path, metadata=_metadata(word_vectors))
    except package.SafetensorError as error:  # for example, a full disk
        raise WordsparseError(f"{path.name}: writing failed: {error}") from error
    path.chmod(mode)


def read(path: Path) -> WordVectors:
    """Read a file written by :func:`write`.

    Raises
    ------
    InputError
        If a part is missing, damaged or has another type.
    MissingDependencyError
        If safetensors is not installed.
    """
    package = _load("safetensors")
    try:
        with package.safe_open(path, framework="numpy") as file:
            words = (file.metadata() or {}).get("words")
            names = file.keys()
            if words is None or "vectors" not in names:
                raise InputError("is a safetensors file without the tensor vectors and the metadata words")
            vectors = file.get_tensor("vectors")
            counts = file.get_tensor("counts") if "counts" in names else None
    except (package.SafetensorError, TypeError) as error:  # TypeError: a number type that NumPy lacks
        raise InputError(f"is not a safetensors file, or is damaged: {error}") from error
    if vectors.dtype != np.float32:
        raise InputError(f"the tensor vectors must be float32, not {vectors.dtype}")
    return WordVectors(_parse_words(words), vectors, counts)


def _metadata(word_vectors: WordVectors) -> dict[str, str]:
    return {"words": json.dumps(word_vectors.words, ensure_ascii=False)}


def _parse_words(text: str) -> list[str]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the metadata words is not JSON: {error}") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError("the metadata words must be a JSON list of strings")
    names.check_unicode(words)
    return words


def _load(module: str) -> Any:
    return optional.load("the format safetensors", module)
