"""Reads data sets of sparse features and sparse labels. Malformed files are refused.

Text files, plain or compressed, have svmlight's multi-label format with an optional first line:

    N F L                     rows, features, labels
    l1,l2 f:v f:v …           one row per line, its features in ascending order; numbers count from 0
     f:v                      a row without labels; an empty line is a row without labels and features
    # …                       a comment, also at the end of a line; a line with only a comment is not a row

scikit-learn reads the lines, and ``sklearn.datasets.dump_svmlight_file(X, Y, file, multilabel=True)`` writes them. The
other format is SciPy's npz: one file of features and one of labels, each written by ``scipy.sparse.save_npz``.
"""

import io
import re
from collections.abc import Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.corpus.tables.files import whole_lines
from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.machine import memory

# The minimum number of bytes that an estimator needs for each feature or label: for the count, the rank and the
# row index of the feature or label.
COLUMN_BYTES = 64
# An error message quotes at most this many characters of a library's message.
MAX_SHOWN = 80
MAX_LABELS = 2**31 - 1

HEADER = re.compile(rb"\s*([0-9]{1,10})\s+([0-9]{1,10})\s+([0-9]{1,10})\s*")
# A line that stands for an empty row, because scikit-learn would skip an empty line.
EMPTY = b"0:0\n"
_ZIP = b"PK\x03\x04"


def read_data(
    path: str | PathLike[str],
    targets: str | PathLike[str] | None = None,
    *,
    n_features: int | None = None,
    n_labels: int | None = None,
) -> tuple[Any, Any]:
    """Read a data set.

    Parameters
    ----------
    path : path
        A text file of labels and features, or an npz file of features.
    targets : path, optional
        An npz file of labels. If ``targets`` is not given, an npz file of features has no labels. ``targets`` replaces
        the labels in a text file.
    n_features, n_labels : int, optional
        F and L for a file that does not state them; usually F and L of the training data. The default is the largest
        feature number, or label number, in the file plus 1.

    Returns
    -------
    X, Y
        Features (n, F) and labels (n, L), SciPy CSR float32 with ascending columns.

    Raises
    ------
    InputError
        If a file is missing, malformed or cut short, a number is out of range or not finite, or a feature occurs twice
        in the same row. The message names the file and the line or row.
    """
    source = Path(path)
    with storage.naming(source):
        with regular.opened(source) as file:
            is_npz = file.read(len(_ZIP)) == _ZIP
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
    with storage.naming(source):  # a single line can name a column so large that the matrix exceeds memory
        memory.check(
            COLUMN_BYTES * (features + labels),
            f"a model of {features:,} features and {labels:,} labels (number both from 0, without gaps)",
        )
    return _widened(X, n_features, "features", source), _widened(Y, n_labels, "labels", source)


def _read_text(path: Path) -> tuple[Any, Any]:
    sizes, text = _content(path)
    datasets = optional.load("a file of labelled rows", "sklearn.datasets")
    try:
        X, labels = datasets.load_svmlight_file(text, dtype=np.float32, multilabel=True, zero_based=True)
    except (ValueError, OverflowError) as error:
        number = text.getvalue()[: text.tell() - 1].count(b"\n") + (2 if sizes else 1)
        raise InputError(
            f"line {number:,}: must be 'label,label feature:value …' of numbers, its features in ascending order "
            f"({error!s:.{MAX_SHOWN}})"
        ) from None
    if not labels:
        raise InputError("holds no rows: give at least one example")
    rows, F, L = sizes or (len(labels), X.shape[1], None)
    if rows != len(labels):
        raise InputError(f"its first line states {rows:,} rows, but {len(labels):,} follow: is it cut short?")
    if X.shape[1] > F:
        raise InputError(f"its first line states {F:,} features, but feature {X.shape[1] - 1:,} follows: correct it")
    X = validation.csr("X", sp.csr_array((X.data, X.indices, X.indptr), shape=(rows, F)), np.dtype(np.float32))
    X.eliminate_zeros()  # remove the feature 0:0 of lines that were EMPTY
    return X, _indicator(labels, L)


def _content(path: Path) -> tuple[tuple[int, ...] | None, io.BytesIO]:
    """Return the sizes and the rows. The sizes are (N, F, L), or None if the first line does not state them."""
    content = io.BytesIO(b"".join(data for _, data in whole_lines(path))).readlines()
    header = HEADER.fullmatch(content[0]) if content else None
    sizes = tuple(map(int, header.groups())) if header else None
    rows = content[1:] if header else content
    return sizes, io.BytesIO(b"".join(line if line.strip() else EMPTY for line in rows))


def _indicator(labels: Sequence[Sequence[float]], L: int | None) -> Any:
    """Return a CSR matrix with a 1 for each label of a row. ``L`` is None if the file does not state the number of
    labels."""
    starts, label = np.cumsum([0, *map(len, labels)]), np.fromiter(chain.from_iterable(labels), np.float64)
    most = MAX_LABELS if L is None else L
    wrong = ~((label == np.floor(label)) & (label >= 0) & (label < most))
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"row {int(np.searchsorted(starts, at, side='right')):,}: its label {label[at]:.12g} is no whole number "
            f"from 0 to {most - 1:,}"
        )
    L = int(label.max(initial=-1)) + 1 if L is None else L
    entries = np.ones(label.size, np.float32), label.astype(np.int64), starts
    Y = validation.csr("Y", sp.csr_array(entries, shape=(len(labels), L)), np.dtype(np.float32))
    Y.data[:] = 1  # an entry is 2 if a row names a label twice
    return Y


def _read_npz(path: Path) -> Any:
    """Return a matrix saved by ``scipy.sparse.save_npz``, as CSR float32 with ascending columns. Pickles are not
    read."""
    try:
        with regular.opened(path) as file:
            matrix = sp.load_npz(file)
    except InputError:
        raise
    except Exception as error:  # for damaged archives, zipfile and its decompressors raise many kinds of errors
        raise InputError(
            f"is not a matrix saved by scipy.sparse.save_npz, or is damaged ({error!s:.{MAX_SHOWN}}): save it again"
        ) from error
    return validation.csr("the matrix", matrix, np.dtype(np.float32))


def _widened(matrix: Any, columns: int | None, kind: str, path: Path) -> Any:
    """Return the matrix widened to ``columns`` columns."""
    if columns is None or matrix.shape[1] == columns:
        return matrix
    if matrix.shape[1] > columns:
        raise InputError(
            f"{path}: has {matrix.shape[1]:,} {kind}, more than the {columns:,} that are known; leave out the "
            f"other {kind}, or train on this file"
        )
    return sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))
