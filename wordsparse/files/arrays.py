"""A set of named arrays and numbers on disk: one file of raw little-endian data, and a table for a manifest.

The table holds the numbers, the type, shape and memory order of each array (the rounding of products depends on the
order), and the file's size and SHA-256. The table itself is signed in a manifest
(:func:`wordsparse.files.storage.write_manifest`).
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.files.members import is_count, is_measure, is_number
from wordsparse.types import Array
from wordsparse.validation import all_finite

# Numbers that files of older versions have under another name.
OLD_NAMES = {"output.calm_norm": "output.stable_norm"}
_TYPES = ("|u1", "<f4", "<f8", "<i4", "<i8")
_BLOCK = 2**24
Entries: TypeAlias = dict[str, tuple[str, tuple[int, ...], str]]
"""The type, shape and order of each array."""

_LONGEST = 2**48  # no axis is longer: with one of none, an array of any other states no bytes


def copy(state: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``state`` and of its arrays, which keep their memory order."""
    return {name: part.copy(order="K") if isinstance(part, np.ndarray) else part for name, part in state.items()}


def check_fit(state: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise InputError unless ``state`` has the names, types and shapes of ``wanted``."""
    for name in sorted(state.keys() | wanted.keys()):
        ours, theirs = wanted.get(name), state.get(name)
        if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
            fits = (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype)
        else:  # every number of a state is a count or a measure
            fits = (is_count if type(ours) is int else is_measure)(theirs)
        if not fits:
            raise InputError(f"its {name} is not what this run needs: it belongs to another version or another run")


def write(path: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Write the arrays to a new file and fsync it; returns the table, as JSON. OSError if writing fails."""
    arrays, numbers = {}, {}
    with storage.synced(path) as file:
        for name, part in state.items():
            if not isinstance(part, np.ndarray):
                numbers[name] = part.item() if isinstance(part, np.generic) else part
                continue
            column_major = part.ndim > 1 and part.flags.f_contiguous and not part.flags.c_contiguous
            kind = part.dtype.newbyteorder("<")
            arrays[name] = {"type": kind.str, "shape": list(part.shape), "order": "F" if column_major else "C"}
            for rows in _row_blocks(part.T if column_major else part):
                file.write(_bytes_of(np.ascontiguousarray(rows, kind)))
    return {**file.record(), "arrays": arrays, "numbers": numbers}


def read(path: Path, table: Any, into: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a file written by :func:`write`, and check it against its table.

    With ``into``, the names, types and shapes must be the same as in ``into``, whose arrays are filled and returned;
    arrays stored in column-major order are returned as new arrays. InputError if the file does not match the table, the
    table does not match ``into``, or a number is not finite. The content of ``into`` is then undefined.
    """
    arrays, numbers = _checked_table(path, table)
    numbers = {OLD_NAMES.get(name, name): number for name, number in numbers.items()}
    state: dict[str, Any] = dict(numbers)
    digest = hashlib.sha256()
    with regular.opened(path) as file:
        _check_size(path, arrays, regular.size_of(file), table["bytes"])
        if into is not None:
            found = {name: np.broadcast_to(np.zeros((), dtype), shape) for name, (dtype, shape, _) in arrays.items()}
            with storage.naming(path):
                check_fit({**numbers, **found}, into)
        for name, (dtype, shape, order) in arrays.items():
            array: Array = np.empty(0) if into is None else into[name]
            if order == "F" or into is None:
                array = np.empty(shape if order == "C" else shape[::-1], dtype)
            for rows in _row_blocks(array):
                block = np.empty(rows.shape, dtype)
                if file.readinto(_bytes_of(block)) != block.nbytes:
                    raise InputError(f"{path}: ends too early: it was cut short while it was read")
                digest.update(_bytes_of(block))
                if not all_finite(block):
                    raise InputError(f"{path}: {name} holds numbers that are not finite")
                rows[...] = block
            state[name] = array if order == "C" else array.T
    if digest.hexdigest() != table["sha256"]:
        raise InputError(f"{path}: does not match its checksum: the file was altered or damaged; {storage.AGAIN}")
    return state


def mapped(path: Path, table: Any) -> dict[str, Any]:
    """The arrays of a file written by :func:`write` as read-only maps of it; its checksum is not compared.

    InputError if the file does not have the size that its table says.
    """
    arrays, numbers = _checked_table(path, table)
    data: Array = np.memmap(path, np.uint8, "r")
    _check_size(path, arrays, data.size)
    state: dict[str, Any] = dict(numbers)
    for name, (kind, shape, order) in arrays.items():
        size = np.dtype(kind).itemsize * math.prod(shape)
        array = data[:size].view(kind).reshape(shape if order == "C" else shape[::-1])
        state[name], data = array if order == "C" else array.T, data[size:]
    return state


def _check_size(path: Path, arrays: Entries, size: int, *stated: object) -> None:
    """Raise InputError unless the arrays take the bytes of their file, which its table states too."""
    taken = sum(np.dtype(kind).itemsize * math.prod(shape) for kind, shape, _ in arrays.values())
    if any(other != size for other in (taken, *stated)):
        raise InputError(f"{path}: has {size:,} bytes, not what its table says: it was cut or altered; {storage.AGAIN}")


def _row_blocks(array: Array) -> Iterator[Array]:
    """Views of blocks of rows, for arrays of any strides."""
    rows = max(1, _BLOCK // max(1, array.nbytes // max(1, array.shape[0])))
    return (array[start : start + rows] for start in range(0, array.shape[0], rows))


def _bytes_of(array: Array) -> memoryview:
    """The memory of an array in C order."""
    return array.reshape(-1).view(np.uint8).data


def _checked_table(path: Path, table: Any) -> tuple[Entries, dict[str, float]]:
    """The validated (type, shape, order) of each array, and the validated numbers."""
    try:
        numbers = dict(table["numbers"].items())
        found = {name: (a["type"], tuple(a["shape"]), a["order"]) for name, a in table["arrays"].items()}
        fits = {"bytes", "sha256"} <= table.keys() and not found.keys() & numbers.keys()
    except (KeyError, TypeError, AttributeError):  # members that are missing, or of another type
        fits = False
    if not fits or not all(map(is_number, numbers.values())) or not all(map(_can_be, found.values())):
        raise InputError(f"{path}: the table that describes it is damaged; {storage.AGAIN}")
    return found, numbers


def _can_be(entry: tuple[Any, tuple[Any, ...], Any]) -> bool:
    """Whether there are arrays of such a type, shape and order."""
    kind, shape, order = entry
    lengths_fit = 1 <= len(shape) <= 2 and all(type(n) is int and 0 <= n <= _LONGEST for n in shape)
    return kind in _TYPES and order in ("C", "F") and lengths_fit
