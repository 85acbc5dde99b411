"""Saving of estimators: named arrays in one checksummed file, and a signed manifest; no pickle is read.

A directory holds ``labels.json`` (format, version, the estimator's class and parameters, its numbers) and
``arrays.bin`` (:mod:`wordsparse.files.arrays`). A CSR matrix NAME is stored as NAME.data, NAME.indices and NAME.indptr,
a list of names or numbers as the bytes of its JSON.
"""

import json
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
FORMAT, VERSION = "wordsparse-labels", 2


def save(path: str | PathLike[str], estimator: Any, content: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a directory, whole or not at all. ``content`` is JSON; ``state`` arrays, CSR matrices, lists and numbers.

    Raises
    ------
    InputError
        If ``path`` exists and is not an empty directory, or cannot be made.
    WordsparseError
        If writing fails; nothing is left at ``path`` then.
    """
    target, flat = Path(path), dict(state)
    for name, part in state.items():
        if sp.issparse(part):
            del flat[name]
            flat |= {f"{name}.{piece}": getattr(part, piece) for piece in ("data", "indices", "indptr")}
        elif isinstance(part, list):
            flat[name] = np.frombuffer(json.dumps(part).encode(), np.uint8)
    with storage.new_directory(target) as directory, storage.writing(target):
        table = arrays.write(directory / ARRAYS, flat)
        content = {"parameters": estimator.get_params(), **content}
        manifest = {"format": FORMAT, "version": VERSION, "estimator": type(estimator).__name__, "content": content}
        storage.write_manifest(directory / MANIFEST, {**manifest, "state": table})


def load(path: str | PathLike[str], kind: Any) -> tuple[Any, "Saved"]:
    """An estimator of a class, or of one below it, with the saved parameters, and what else :func:`save` wrote.

    The class names the parts of the state as ``parts``: ``number``, ``list``, or the type of an array and its axes
    (``float32 D d``, ``integer D``, ``csr D f``). Axes of the same name must have the same length.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, of another version or of another class; the message names it.
    """
    directory = Path(path)
    if (directory / "model.json").is_file():
        raise InputError(f"{directory}: is a model of words, not of labels: name what 'labels train' has written")
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    kinds, found = {each.__name__: each for each in (kind, *kind.__subclasses__())}, manifest.get("estimator")
    if not isinstance(found, str) or found not in kinds:
        raise InputError(
            f"{directory / MANIFEST}: holds a {found!r:.40}, not a {kind.__name__}: load it with that class"
        )
    (content,) = storage.objects(directory / MANIFEST, manifest, "content")
    saved = Saved(directory / ARRAYS, content, arrays.read(directory / ARRAYS, manifest.get("state")))
    estimator, parameters = kinds[found](), saved.get("parameters", dict)
    if parameters.keys() != estimator.get_params().keys():
        raise saved.refusal("parameters")
    saved.check(estimator.parts)
    return estimator.set_params(**parameters), saved


class Saved:
    """The content and the state of a saved estimator: every part is checked before it is used."""

    def __init__(self, path: Path, content: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        self._path, self._content, self._state = path, content, dict(state)

    def __getitem__(self, name: str) -> Any:
        return self._state[name]

    def check(self, shapes: Mapping[str, str]) -> None:
        """Refuse a state without these parts; CSR matrices, whose axes come before them, are put together."""
        lengths: dict[str, int] = {}
        for name, (kind, *axes) in ((name, shape.split()) for name, shape in shapes.items()):
            if kind == "csr":
                self._state[name] = self._matrix(name, *(lengths[axis] for axis in axes))
            elif kind == "list":
                self._state[name] = self._list(name)
            elif kind == "number":
                if not isinstance(self._state.get(name), int | float):
                    raise self.refusal(name)
            else:
                shape = self._array(name, kind, len(axes)).shape
                if any(lengths.setdefault(axis, length) != length for axis, length in zip(axes, shape, strict=True)):
                    raise self.refusal(name)

    def get(self, name: str, kind: type) -> Any:
        """An entry of the content, of a type; a number is at least 0."""
        found = self._content.get(name)
        if not isinstance(found, kind) or (isinstance(found, int) and found < 0):
            raise self.refusal(name)
        return found

    def refusal(self, name: str) -> InputError:
        """The error for a part that does not fit."""
        return InputError(f"{self._path}: its {name} does not fit the rest: it belongs to another version")

    def _array(self, name: str, kind: str, ndim: int) -> Any:
        found = self._state.get(name)
        if not isinstance(found, np.ndarray) or not np.issubdtype(found.dtype, getattr(np, kind)) or found.ndim != ndim:
            raise self.refusal(name)
        return found

    def _list(self, name: str) -> list[Any]:
        try:
            found = json.loads(self._array(name, "uint8", 1).tobytes())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(each, int | float | str) for each in found):
            raise self.refusal(name)
        return found

    def _matrix(self, name: str, rows: int, columns: int) -> Any:
        matrix = sp.csr_array((rows, columns), dtype=np.float32)
        # Set and not constructed: validation checks them.
        matrix.data = self._array(f"{name}.data", "floating", 1)
        matrix.indices, matrix.indptr = (
            self._array(f"{name}.{piece}", "integer", 1) for piece in ("indices", "indptr")
        )
        with storage.naming(self._path):
            return validation.csr(name, matrix, np.dtype(np.float32))
