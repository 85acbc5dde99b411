"""Saving of estimators: named arrays in one checksummed file, and a signed manifest; no pickle is read.

A directory holds ``labels.json`` (format, version, the estimator's class and parameters, what else it is made of) and
``arrays.bin`` (:mod:`wordsparse.files.arrays`). A CSR matrix NAME is stored as NAME.data, NAME.indices and NAME.indptr.
"""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.files import arrays, storage

MANIFEST, ARRAYS = "labels.json", "arrays.bin"
FORMAT, VERSION = "wordsparse-labels", 1


def save(path: str | PathLike[str], estimator: str, content: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a directory, whole or not at all. ``content`` is JSON; ``state`` arrays, CSR matrices and numbers.

    Raises
    ------
    InputError
        If ``path`` exists and is not an empty directory, or cannot be made.
    WordsparseError
        If writing fails; nothing is left at ``path`` then.
    """
    target = Path(path)
    with storage.new_directory(target) as directory, storage.writing(target):
        table = arrays.write(directory / ARRAYS, _flat(state))
        manifest = {"format": FORMAT, "version": VERSION, "estimator": estimator, "content": dict(content)}
        storage.write_manifest(directory / MANIFEST, {**manifest, "state": table})


def load(path: str | PathLike[str], estimator: str) -> tuple[dict[str, Any], "State"]:
    """The content and the state of a directory that :func:`save` wrote for this class.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, of another version or of another class; the message names it.
    """
    directory = Path(path)
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    found = manifest.get("estimator")
    if found != estimator:
        raise InputError(f"{directory / MANIFEST}: holds a {found!r:.40}, not a {estimator}: load it with that class")
    (content,) = storage.objects(directory / MANIFEST, manifest, "content")
    state = arrays.read(directory / ARRAYS, manifest.get("state"))
    return content, State(directory / ARRAYS, state)


def parameters(content: Mapping[str, Any], arrays: "State", known: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an estimator, which must have the names that are known."""
    found = content.get("parameters")
    if not isinstance(found, dict) or found.keys() != known.keys():
        raise arrays.refusal("parameters")
    return found


def count(content: Mapping[str, Any], arrays: "State", name: str) -> int:
    """A whole number of at least 0."""
    found = content.get(name)
    if not isinstance(found, int) or found < 0:
        raise arrays.refusal(name)
    return found


class State:
    """Named arrays, matrices and numbers of a file; the shape of each is checked when it is read."""

    def __init__(self, path: Path, state: Mapping[str, Any]) -> None:
        self._path, self._state = path, state

    def array(self, name: str, kinds: str, *shape: int | None) -> Any:
        """An array of one of these kinds (``f``, ``i``) and this shape, None for any length."""
        found = self._state.get(name)
        if (
            not isinstance(found, np.ndarray)
            or found.dtype.kind not in kinds
            or found.ndim != len(shape)
            or any(wanted is not None and wanted != length for wanted, length in zip(shape, found.shape, strict=True))
        ):
            raise self.refusal(name)
        return found

    def indices(self, name: str, below: int) -> Any:
        """An ascending array of whole numbers from 0 to ``below`` − 1."""
        found = self.array(name, "i", None)
        if found.size and not (found[0] >= 0 and found[-1] < below and (np.diff(found) > 0).all()):
            raise self.refusal(name)
        return found

    def csr(self, name: str, rows: int, columns: int) -> Any:
        """A CSR matrix of float32."""
        data, indices = self.array(f"{name}.data", "f", None), self.array(f"{name}.indices", "i", None)
        indptr = self.array(f"{name}.indptr", "i", rows + 1)
        matrix = sp.csr_array((rows, columns), dtype=data.dtype)
        matrix.data, matrix.indices, matrix.indptr = data, indices, indptr  # validation checks them
        with storage.naming(self._path):
            return validation.csr(name, matrix, np.dtype(np.float32))

    def number(self, name: str) -> float:
        """A number."""
        found = self._state.get(name)
        if not isinstance(found, int | float):
            raise self.refusal(name)
        return found

    def refusal(self, name: str) -> InputError:
        """The error for an entry that does not fit."""
        return InputError(f"{self._path}: its {name} does not fit the rest: it belongs to another version")


def _flat(state: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, part in state.items():
        is_sparse: bool = sp.issparse(part)
        if is_sparse:
            flat |= {f"{name}.data": part.data, f"{name}.indices": part.indices, f"{name}.indptr": part.indptr}
        else:
            flat[name] = part
    return flat
