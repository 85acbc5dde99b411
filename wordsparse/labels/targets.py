"""Conversion of labels, given as a matrix, as one class per row, or as a list of labels for each row."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.types import Array

PURPOSE = "an estimator of wordsparse.labels"
checks, _multiclass = (optional.load(PURPOSE, f"sklearn.utils.{name}") for name in ("validation", "multiclass"))
NAMED = ("classes", "lists")


def labels_of(Y: Any) -> tuple[Any, Array, str]:
    """Return Y as a CSR float32 matrix of ones, its classes, and its kind: sparse, dense, classes or lists.

    Raise InputError if Y has another form or holds values other than zeros and ones, or the labels have several types.
    """
    rows, kind, is_sparse = _listed(Y), "lists", bool(sp.issparse(Y))
    if rows is None and not is_sparse:
        if Y is None:
            raise InputError(
                "requires y to be passed, but the target y is None: give X and y; wordsparse.labels.read_texts(file) "
                "reads both from a file"
            )
        if isinstance(Y, list | tuple) and any(isinstance(label, str) for label in Y):
            as_classes(in_order(Y))  # an array of texts drops NUL at their ends, and makes texts of numbers
        Y = checks.check_array(Y, dtype=None, ensure_2d=False, input_name="y")
        if Y.ndim == 1 or Y.shape[1] == 1:
            rows, kind = [[label] for label in _one_class(Y).tolist()], "classes"
    if rows is not None:
        classes = in_order(chain.from_iterable(rows))
        return _indicator(rows, classes), as_classes(classes), kind
    labels = validation.csr("Y", Y if is_sparse else sp.csr_array(Y), np.dtype(np.float32))
    labels.eliminate_zeros()
    if labels.nnz and not (labels.data == 1).all():
        at = int(np.argmax(labels.data != 1))
        row = int(np.searchsorted(labels.indptr, at, side="right")) - 1
        raise InputError(
            f"Y must hold zeros and ones, not {labels.data[at]} (row {row}, column {labels.indices[at]}): for real "
            "targets use the layer itself (FactoredOutput with the loss squared); give the labels of a row as a set"
        )
    return labels, np.arange(labels.shape[1]), "sparse" if is_sparse else "dense"


def _one_class(Y: Array) -> Array:
    """Return the class of each row, after scikit-learn's checks."""
    y: Array = checks.column_or_1d(Y, warn=True)
    checks.assert_all_finite(y, input_name="y")  # also finds NaN in arrays of objects
    _multiclass.check_classification_targets(y)
    return y


def in_order(labels: Iterable[Any]) -> list[Any]:
    """Return the different labels in ascending order. Raise InputError if they have several types."""
    try:
        return sorted(set(labels))
    except TypeError as error:
        raise InputError(f"the labels of Y must be all text or all numbers: {error}") from None


def as_classes(labels: list[Any]) -> Array:
    """Return labels as an array of one dimension that keeps their values, of objects if no other type does.

    Raise InputError if a label is neither a text without NUL at its end, a number, nor a tuple of both, which are the
    values that a file of a classifier keeps.
    """
    for label in labels:
        if not all(map(_can_be_kept, label if isinstance(label, tuple) else [label])):
            raise InputError(
                f"Y has the label {label!r:.80}: labels are texts without a NUL at their end, numbers, or tuples of "
                "these; give str(label), for example"
            )
    objects = np.fromiter(labels, object, len(labels))
    array = objects if any(isinstance(label, tuple) for label in labels) else np.array(labels)
    return array if array.tolist() == labels else objects


def _can_be_kept(label: Any) -> bool:
    return isinstance(label, int | float) or (isinstance(label, str) and not label.endswith("\0"))


def known_labels(Y: Any, classes: Array, kind: str) -> Any:
    """Return Y as a CSR matrix of ones. If Y names labels (``kind`` is in NAMED), omit labels outside ``classes``."""
    if kind not in NAMED or Y is None:  # labels_of refuses None
        return labels_of(Y)[0]
    rows = _listed(Y)
    return _indicator([[label] for label in np.ravel(Y).tolist()] if rows is None else rows, classes.tolist())


def _listed(Y: Any) -> list[Any] | None:
    """Return the labels of each row if Y has a list, tuple or set per row; None if Y is a matrix or a vector.

    Lists of numbers form a matrix if all lists have the same length. Raise InputError if a row is None.
    """
    if isinstance(Y, str) or not isinstance(Y, Iterable) or getattr(Y, "ndim", 1) != 1:
        return None
    rows = list(Y)
    if (missing := next((row for row, label in enumerate(rows) if label is None), None)) is not None:
        raise InputError(f"Y has None in row {missing}: give its label, an empty list for no label, or omit the row")
    if not all(isinstance(row, list | tuple | set | frozenset | np.ndarray) for row in rows):
        return None
    is_matrix = len(set(map(len, rows))) <= 1 and not any(isinstance(row, set | frozenset) for row in rows)
    if is_matrix and not any(isinstance(label, str | tuple) for row in rows for label in row):
        return None
    return [[validation.plain(label) for label in row] for row in rows]


def _indicator(rows: Sequence[Any], classes: Sequence[Any]) -> Any:
    """Return the known labels of each row, without repeats, as a CSR matrix of ones."""
    column = {label: place for place, label in enumerate(classes)}
    columns_of_rows = [sorted({column[label] for label in row if label in column}) for row in rows]
    columns = np.fromiter(chain.from_iterable(columns_of_rows), np.int64)
    indptr = np.cumsum([0, *map(len, columns_of_rows)])
    return sp.csr_array((np.ones(columns.size, np.float32), columns, indptr), shape=(len(rows), len(column)))
