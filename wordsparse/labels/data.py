"""Data sets of sparse features and sparse labels, read from files that may be malformed or malicious.

Text in the format of :mod:`wordsparse.labels.text`, plain or compressed, or SciPy's npz: one file of features and one
of labels, each written by ``scipy.sparse.save_npz``.
"""

import logging
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.labels import npz, text
from wordsparse.machine import memory

Array = NDArray[Any]
logger = logging.getLogger("wordsparse")

COLUMN_BYTES = 64
"""Bytes that an estimator takes for a feature or a label at least: counts, orders, places of rows."""

_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class LabelledRows:
    """Features X (n, F) float32 and labels Y (n, L) float32, SciPy CSR with ascending columns."""

    X: Any
    Y: Any


def read_data(
    path: str | PathLike[str],
    targets: str | PathLike[str] | None = None,
    *,
    labelled: bool = True,
    n_features: int | None = None,
    n_labels: int | None = None,
) -> LabelledRows:
    """Read a data set.

    Parameters
    ----------
    path : path
        A text file of labels and features, or an npz file of features.
    targets : path, optional
        The npz file of labels that belongs to an npz file of features.
    labelled : bool
        False: an npz file of features may come without labels; its rows have none then.
    n_features, n_labels : int, optional
        F and L where the file does not state them, as those of the training data; else the largest there is, plus 1.

    Raises
    ------
    InputError
        If a file is missing, malformed or cut short, a number is out of range or not finite, or a feature or label
        stands twice in a row; the message names the file, the row and the column.
    """
    source = Path(path)
    with storage.naming(source):
        is_npz = _starts(source) == _ZIP
        if is_npz and targets is None and labelled:
            raise InputError("holds features only: name the npz file of the labels as the targets")
        if not is_npz and targets is not None:
            raise InputError(
                "is text, which holds its labels: leave out the targets, which only npz files have in another file"
            )
        if is_npz:
            X = npz.read(source)
            Y = sp.csr_array((X.shape[0], n_labels or 0), dtype=np.float32)
        else:
            X, Y = _read_text(source, n_features, n_labels)
    if targets is not None:
        with storage.naming(Path(targets)):
            Y = npz.read(Path(targets))
            if Y.shape[0] != X.shape[0]:
                raise InputError(
                    f"has {Y.shape[0]:,} rows, but {source} has {X.shape[0]:,}; name two files of the same examples"
                )
    _check_columns(source, max(X.shape[1], n_features or 0), max(Y.shape[1], n_labels or 0))
    _tell_empty(source, X, "features")
    if labelled:
        _tell_empty(source, Y, "labels")
    return LabelledRows(_widened(X, n_features, "features", source), _widened(Y, n_labels, "labels", source))


def write_text(path: str | PathLike[str], data: LabelledRows) -> None:
    """Write a data set in the text format, with its header, atomically."""
    lines = [f"{data.X.shape[0]} {data.X.shape[1]} {data.Y.shape[1]}\n"]
    for i in range(data.X.shape[0]):
        labels = data.Y.indices[data.Y.indptr[i] : data.Y.indptr[i + 1]].tolist()
        part = slice(data.X.indptr[i], data.X.indptr[i + 1])
        pairs = zip(data.X.indices[part].tolist(), data.X.data[part].tolist(), strict=True)
        features = "".join(f" {column}:{np.float32(value)}" for column, value in pairs)
        lines.append(f"{','.join(map(str, labels))}{features}\n")
    storage.write_file(Path(path), "".join(lines).encode())


def _starts(path: Path) -> bytes:
    with regular.opened(path) as file:
        return file.read(len(_ZIP))


def _read_text(path: Path, n_features: int | None, n_labels: int | None) -> tuple[Any, Any]:
    header, blocks = text.read_entries(path)
    parts, rows = [], 0
    for block in blocks:
        label_row, feature_row = block.label_row + rows, block.feature_row + rows
        parts.append((label_row, block.label, feature_row, block.feature, block.value))
        rows += block.lines.shape[0]
    if not rows:
        raise InputError("holds no rows: give at least one example")
    label_row, label, feature_row, feature, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    F = header.features if header else max(int(feature.max(initial=-1)) + 1, n_features or 0)
    L = header.labels if header else max(int(label.max(initial=-1)) + 1, n_labels or 0)
    lines = np.concatenate([block.lines for block in blocks])
    Y = _compressed(lines, L, label_row, label, np.ones(label.shape[0], np.float32), "label")
    return _compressed(lines, F, feature_row, feature, value, "feature"), Y


def _compressed(lines: Array, columns: int, row: Array, column: Array, value: Array, kind: str) -> Any:
    """The CSR matrix with ascending columns, a row for each of the lines; a column that stands twice is refused."""
    order = np.lexsort((column, row))
    row, column, value = row[order], column[order], value[order]
    twice = (row[1:] == row[:-1]) & (column[1:] == column[:-1])
    if twice.any():
        at = int(twice.argmax())
        raise InputError(f"line {lines[row[at]]:,}: {kind} {column[at]} stands twice in it; leave one out")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=lines.shape[0]))])
    return sp.csr_array((value, column, indptr), shape=(lines.shape[0], columns))


def _check_columns(path: Path, features: int, labels: int) -> None:
    """Refuse numbers of columns, which a line of text can state, for which memory cannot hold even their counts."""
    with storage.naming(path):
        memory.check(
            COLUMN_BYTES * (features + labels),
            f"a model of {features:,} features and {labels:,} labels (numbers from 0 on, without gaps, need least)",
        )


def _widened(matrix: Any, columns: int | None, kind: str, path: Path) -> Any:
    """The matrix with as many columns as asked for."""
    if columns is None or matrix.shape[1] == columns:
        return matrix
    if matrix.shape[1] > columns:
        raise InputError(
            f"{path}: has {matrix.shape[1]:,} {kind}, more than the {columns:,} that are known; leave out those "
            "columns, or train on this file"
        )
    return sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))


def _tell_empty(path: Path, matrix: Any, kind: str) -> None:
    """Say how many rows have no features or no labels."""
    empty = np.flatnonzero(np.diff(matrix.indptr) == 0)
    if empty.size:
        rows, have = ("1 row", "has") if empty.size == 1 else (f"{empty.size:,} rows", "have")
        logger.warning("%s: %s of %s %s no %s, first row %s", path, rows, f"{matrix.shape[0]:,}", have, kind, empty[0])
