"""The format safetensors. A file has the tensors ``vectors`` and, if known, ``counts``, and the words as JSON in its
metadata. Vectors of 8-bit numbers also have the tensor ``scales``, with a number by which each row is multiplied."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.errors import InputError, WordsparseError
from wordsparse.vectors import names
from wordsparse.vectors.formats.base import Format, arrays_of, float_vectors, set_doubt
from wordsparse.vectors.word_vectors import WordVectors

# The maximum size in bytes of a header that the package safetensors reads. The words are part of the header, as JSON
# that is escaped a second time.
_MAX_HEADER = 100_000_000


class SafeTensors(Format):
    """The file format that the docstring of this module describes."""

    name, about, suffixes = "safetensors", "for PyTorch and others; needs wordsparse[safetensors]", (".safetensors",)
    is_lossy = True

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        """Raise InputError if the words would make the header larger than the limit of 100 MB."""
        package()
        size = len(json.dumps(_metadata(words), ensure_ascii=False).encode())
        if size > _MAX_HEADER - 1000:
            raise InputError(f"the words take {size} bytes, more than a safetensors header may hold; use npz")

    def write(self, content: WordVectors, target: Path) -> None:
        tensors: dict[str, Any] = {**arrays_of(content.vectors), "counts": content.counts}
        if content.counts is not None:
            tensors["doubt"] = np.array([content.doubt])
        named = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items() if tensor is not None}
        save(named, target, _metadata(content.words))

    def recognises(self, path: Path, start: bytes) -> bool:
        return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size - 8

    def read(self, path: Path) -> WordVectors:
        safetensors = package()
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                wanted = {"vectors", "scales", "counts", "doubt"} & {*file.keys()}
                tensors, words = {name: file.get_tensor(name) for name in wanted}, (file.metadata() or {}).get("words")
        except (safetensors.SafetensorError, TypeError) as error:  # TypeError for a number type that NumPy lacks
            raise InputError(f"is not a safetensors file, or is damaged: {error}; copy or write it again") from error
        if words is None or "vectors" not in tensors:
            raise InputError("is a safetensors file without the tensor vectors or the metadata words; write it again")
        vectors = float_vectors(tensors["vectors"], tensors.get("scales"))
        content = WordVectors(_parse_words(words), vectors, tensors.get("counts"))
        set_doubt(content, tensors.get("doubt"))
        return content


def package(module: str = "safetensors") -> Any:
    """Return the package safetensors or one of its modules. Raise MissingDependencyError if the package is not
    installed."""
    return optional.load("the format safetensors", module)


def save(tensors: dict[str, NDArray[Any]], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors to ``path``, and give the file the default permissions of a new file."""
    path.touch()
    mode = path.stat().st_mode  # safetensors would make the file readable only for its owner
    try:
        package("safetensors.numpy").save_file(tensors, path, metadata=metadata)
    except package().SafetensorError as error:  # for example, a full disk
        raise WordsparseError(f"{path.name}: writing failed: {error}") from error
    path.chmod(mode)


def _metadata(words: Sequence[Any]) -> dict[str, str]:
    return {"words": json.dumps(words, ensure_ascii=False)}


def _parse_words(text: str) -> list[str]:
    (words,) = names.from_json([text])
    if not isinstance(words, tuple) or not all(isinstance(word, str) for word in words):
        raise InputError("the metadata words must be a JSON list of strings; write json.dumps of the list of words")
    return list(words)
