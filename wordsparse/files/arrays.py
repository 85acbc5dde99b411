"""Stores named arrays and numbers on disk, as a file of raw little-endian data and a table that goes into a manifest.

The table holds the numbers, the type, shape and memory order of each array, and the size and SHA-256 of the file. The
memory order is stored because the rounding of matrix products depends on it. A manifest protects the table with a
checksum (:func:`wordsparse.files.storage.write_manifest`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.types import Array

_BLOCK = 2**24


def write(path: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Write the arrays to a new file, fsync it, and return the table as JSON. Raise OSError if writing fails."""
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
    """Read a file written by :func:`write`, and compare it with the size and the checksum in its table.

    If ``into`` holds arrays of the same names and shapes, these arrays are filled and returned, except that arrays
    stored in column-major order are always returned as new arrays. Raise InputError if the file does not match its
    table; the content of ``into`` is then undefined.
    """
    digest = hashlib.sha256()
    with storage.trusting(path), regular.opened(path) as file:
        if regular.size_of(file) != table["bytes"]:
            raise InputError(
                f"does not have the {table['bytes']:,} bytes that were written: it was cut or altered; {storage.AGAIN}"
            )
        state = dict(table["numbers"])
        for name, entry in table["arrays"].items():
            array: Array = np.empty(0) if into is None else into[name]
            if entry["order"] == "F" or into is None:
                array = np.empty(entry["shape"] if entry["order"] == "C" else entry["shape"][::-1], entry["type"])
            for rows in _row_blocks(array):
                block = np.empty(rows.shape, entry["type"])
                file.readinto(_bytes_of(block))
                digest.update(_bytes_of(block))
                rows[...] = block
            state[name] = array if entry["order"] == "C" else array.T
        if digest.hexdigest() != table["sha256"]:
            raise InputError(f"does not match its checksum: the file was altered or damaged; {storage.AGAIN}")
    return state


def _row_blocks(array: Array) -> Iterator[Array]:
    """Return views of blocks of rows of an array. The array may have any strides."""
    rows = max(1, _BLOCK // max(1, array.nbytes // max(1, array.shape[0])))
    return (array[start : start + rows] for start in range(0, array.shape[0], rows))


def _bytes_of(array: Array) -> memoryview:
    """Return the bytes of an array, which must be in C order."""
    return array.reshape(-1).view(np.uint8).data
