"""Saving and loading of estimators, as a manifest and named arrays in one file, both with checksums; no pickles.

A directory holds ``labels.json`` (format, version, class and parameters of the estimator, its numbers) and
``arrays.bin`` (:mod:`wordsparse.files.arrays`). Lists are stored as the bytes of their JSON. Content that matches its
checksum is trusted.
"""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.files import arrays, storage
from wordsparse.types import Array

E = TypeVar("E")
NAMES = MANIFEST, ARRAYS = "labels.json", "arrays.bin"
CSR = "data", "indices", "indptr"
FORMAT, VERSION = "wordsparse-labels", 7


def save(
    path: str | PathLike[str], estimator: Any, content: Mapping[str, Any], state: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Write a directory atomically. ``content`` is JSON; ``state`` holds arrays and numbers. With ``overwrite``, the
    directory may hold an estimator, which is complete until the new one has its place.

    Raise InputError if ``path`` exists and is another directory that is not empty, or cannot be created, and
    WordsparseError if writing fails.
    """
    target = Path(path)
    with storage.new_directory(target, NAMES if overwrite else ()) as directory, storage.writing(target):
        table = arrays.write(directory / ARRAYS, state)
        content = {"parameters": estimator.get_params(), **content}
        kind = {"format": FORMAT, "version": VERSION, "estimator": type(estimator).__name__}
        storage.write_manifest(directory / MANIFEST, {**kind, "content": content, "state": table})


def load(path: str | PathLike[str], kind: type[E]) -> tuple[E, dict[str, Any], dict[str, Any]]:
    """Return an estimator of class ``kind`` or a subclass, with its saved parameters, and its saved content and state.

    Raise InputError if a file is missing, damaged, altered, or of another version or class. The message names it.
    """
    directory = Path(path)
    if (directory / "model.json").is_file():
        raise InputError(f"{directory}: is a model of words, not of labels: name a directory that 'labels train' wrote")
    if directory.is_file():
        raise InputError(
            f"{directory}: is a file, not the directory that 'labels train' writes; fastText's classifiers "
            "cannot be read: train a new classifier on the text with __label__, labels train FILE -o MODEL"
        )
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    kinds, name = {each.__name__: each for each in (kind, *kind.__subclasses__())}, manifest.get("estimator")
    if name not in kinds:
        raise InputError(
            f"{directory / MANIFEST}: holds a {name!r:.40}, not a {kind.__name__}: load it with its own class"
        )
    with storage.trusting(directory / MANIFEST):
        content, table = manifest["content"], manifest["state"]
        parameters = dict(content["parameters"])
    estimator = kinds[name]()
    estimator.set_params(**parameters)  # type: ignore[attr-defined]
    return estimator, content, arrays.read(directory / ARRAYS, table)


def of_csr(**matrices: Any) -> dict[str, Array]:
    """Return the arrays of CSR matrices, by the names of the matrices."""
    return {f"{name}.{part}": getattr(matrix, part) for name, matrix in matrices.items() for part in CSR}


def csr_of(saved: Mapping[str, Any], name: str, columns: int) -> Any:
    """Return the CSR matrix with this name that :func:`of_csr` saved."""
    data, indices, indptr = (saved[f"{name}.{part}"] for part in CSR)
    return sp.csr_array((data, indices, indptr), shape=(indptr.size - 1, columns))


def listed(array: Array) -> list[Any]:
    """Return the list that a loaded array encodes."""
    return list(json.loads(array.tobytes()))


def as_bytes(values: Sequence[Any]) -> Array:
    """Return a list encoded as an array, which :func:`listed` decodes."""
    return np.frombuffer(json.dumps(values).encode(), np.uint8)
