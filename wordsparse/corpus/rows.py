"""Data sets of sparse features and sparse labels, read from files that may be malformed or malicious.

Text, plain or compressed, is svmlight's multi-label format with an optional first line:

    N F L                     rows, features, labels
    l1,l2 f:v f:v …           one row a line, its features in ascending order; numbers count from 0
     f:v                      a row without labels; an empty line is a row without features, too
    # …                       a comment, also at the end of a line; a line of its own is no row

scikit-learn reads the lines. Or SciPy's npz: one file of features and one of labels, each written by
``scipy.sparse.save_npz``.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.errors import CutShortError, InputError
from wordsparse.files import regular, storage
from wordsparse.files.streams import BoundedStream
from wordsparse.machine import memory
from wordsparse.types import Array

# Least bytes that an estimator takes for a feature or a label: counts, orders, places of rows.
COLUMN_BYTES = 64
# Longest line, and most characters of scikit-learn's own message in an error.
MAX_LINE, MAX_SHOWN = 2**24, 80
MAX_COLUMNS = 2**31 - 1

# What a row without anything is for scikit-learn, which skips empty lines.
EMPTY = b"0:0\n"
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
        F and L where the file does not state them, such as the training data's; else the largest number plus 1.

    Raises
    ------
    InputError
        If a file is missing, malformed or cut short, a number is out of range or not finite, or a feature
        occurs twice in a row; the message names the file and the line or row.
    """
    source = Path(path)
    with storage.naming(source):
        with regular.opened(source) as file:
            is_npz = file.read(len(_ZIP)) == _ZIP
        if is_npz and targets is None and labelled:
            raise InputError("holds features only: name the npz file of the labels as the targets")
        if not is_npz and targets is not None:
            raise InputError(
                "is text, which holds its labels: leave out the targets, which only npz files have in another file"
            )
        if is_npz:
            X = _read_npz(source)
            Y = sp.csr_array((X.shape[0], n_labels or 0), dtype=np.float32)
        else:
            X, Y = _read_text(source)
    if targets is not None:
        with storage.naming(Path(targets)):
            Y = _read_npz(Path(targets))
            if Y.shape[0] != X.shape[0]:
                raise InputError(
                    f"has {Y.shape[0]:,} rows, but {source} has {X.shape[0]:,}; name two files of the same examples"
                )
    features, labels = max(X.shape[1], n_features or 0), max(Y.shape[1], n_labels or 0)
    with storage.naming(source):  # a line of text can state numbers of columns for which memory cannot hold even counts
        memory.check(
            COLUMN_BYTES * (features + labels),
            f"a model of {features:,} features and {labels:,} labels (numbers from 0 on, without gaps, need least)",
        )
    return LabelledRows(_widened(X, n_features, "features", source), _widened(Y, n_labels, "labels", source))


def write_text(path: str | PathLike[str], data: LabelledRows) -> None:
    """Write a data set in the text format, with its header, atomically."""
    X, Y = (validation.csr(name, getattr(data, name), np.dtype(np.float32)) for name in ("X", "Y"))
    rows = io.BytesIO(f"{X.shape[0]} {X.shape[1]} {Y.shape[1]}\n".encode())
    rows.seek(0, io.SEEK_END)
    _svmlight().dump_svmlight_file(X, Y, rows, multilabel=True)
    storage.write_file(Path(path), rows.getvalue())


def _svmlight() -> Any:
    return optional.load("a file of labelled rows", "sklearn.datasets")


def bounded_lines(stream: BoundedStream, what: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that has one ``what`` a line, with their numbers from 1; InputError names one without end."""
    for number in count(1):
        if not (line := stream.readline(MAX_LINE)):
            return
        if len(line) == MAX_LINE:
            raise InputError(f"line {number:,} is longer than {MAX_LINE:,} bytes: write one {what} a line")
        yield number, line


class _Lines:
    """The lines of a file for scikit-learn's reader; ``header`` is (N, F, L)."""

    def __init__(self, stream: BoundedStream) -> None:
        self._lines, self.header = bounded_lines(stream, "row"), None
        self.number, first = next(self._lines, (1, b""))
        if re.fullmatch(rb"\s*[0-9]{1,10}\s+[0-9]{1,10}\s+[0-9]{1,10}\s*", first):
            self.header = tuple(map(int, first.split()))
            if max(self.header[1:]) > MAX_COLUMNS:
                raise InputError(f"line 1: more than {MAX_COLUMNS:,} features or labels; count the used ones from 0")
        elif first:
            self._lines = chain([(1, first)], self._lines)

    def read(self) -> bytes:
        """Not called: scikit-learn iterates over whatever has this method."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[bytes]:
        for number, line in self._lines:
            self.number = number
            content, comment, _ = line.partition(b"#")
            if content.strip():
                yield content
            elif not comment:
                yield EMPTY


def _read_text(path: Path) -> tuple[Any, Any]:
    with BoundedStream(path) as stream:
        lines = _Lines(stream)
        try:
            X, labels = _svmlight().load_svmlight_file(lines, dtype=np.float32, multilabel=True, zero_based=True)
        except InputError:
            raise
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"line {lines.number:,}: must be 'label,label feature:value …' of numbers, its features in ascending "
                f"order ({error!s:.{MAX_SHOWN}})"
            ) from None
    if not labels:
        raise InputError("holds no rows: give at least one example")
    rows, F, L = lines.header or (len(labels), None, None)
    if rows != len(labels):
        kind = CutShortError if len(labels) < rows else InputError
        raise kind(f"its first line states {rows:,} rows, but {len(labels):,} follow: is it cut short?")
    X.eliminate_zeros()  # that of EMPTY
    of_rows = [sorted(set(row)) for row in labels]
    starts = np.cumsum([0, *map(len, of_rows)])
    label = np.fromiter(chain.from_iterable(of_rows), np.float64)
    return (
        _matrix("feature", X.indptr, X.indices, X.data, F),
        _matrix("label", starts, label, np.ones(label.size, np.float32), L),
    )


def _matrix(kind: str, starts: Array, columns: Array, values: Array, stated: int | None) -> Any:
    most = MAX_COLUMNS if stated is None else stated
    wrong = (columns != np.floor(columns)) | (columns < 0) | (columns >= most) | ~np.isfinite(values)
    if wrong.any():
        raise InputError(
            f"row {int(np.searchsorted(starts, int(wrong.argmax()), side='right')):,}: its {kind} "
            f"{columns[wrong.argmax()]:.12g} is no whole number from 0 to {most - 1:,} with a finite float32 value"
        )
    count = int(columns.max(initial=-1)) + 1 if stated is None else stated
    return sp.csr_array((values, columns.astype(np.int32), starts), shape=(len(starts) - 1, count))


def _read_npz(path: Path) -> Any:
    """The matrix in a file of ``scipy.sparse.save_npz`` as CSR float32 with ascending columns; no pickle is read."""
    try:
        with regular.opened(path) as file:
            matrix = sp.load_npz(file)
    except InputError:
        raise
    except Exception as error:  # of damaged archives, zipfile and its decompressors raise many kinds
        raise InputError(
            f"is not a matrix saved by scipy.sparse.save_npz, or is damaged ({error!s:.{MAX_SHOWN}}): save it again"
        ) from error
    return validation.csr("the matrix", matrix, np.dtype(np.float32))


def _widened(matrix: Any, columns: int | None, kind: str, path: Path) -> Any:
    """The matrix with ``columns`` columns."""
    if columns is None or matrix.shape[1] == columns:
        return matrix
    if matrix.shape[1] > columns:
        raise InputError(
            f"{path}: has {matrix.shape[1]:,} {kind}, more than the {columns:,} that are known; leave out those "
            "columns, or train on this file"
        )
    return sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))
