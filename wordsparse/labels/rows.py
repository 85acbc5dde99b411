"""The training rows that a classifier keeps, so that it can be trained again with more rows or without some.

Training again on all rows is exact, and takes as long as the first training. What a smaller state would keep, such as
XᵀX or the low-rank matrix of :mod:`wordsparse.labels.ridge`, cannot refit the head or rank rows again, and half of
XᵀY is larger than the rows.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.errors import InputError
from wordsparse.files.escaping import listed
from wordsparse.labels import state, targets
from wordsparse.types import Array

# The largest weight of a row, and the inverse of the smallest: sums of squares of weights must fit float32.
LARGEST = 1e9


@dataclass(frozen=True)
class KeptRows:
    """Parsed rows: X is a list of texts, or CSR (n, f); Y (n, D) is a CSR matrix of ones, whose columns are
    ``classes``; ``kind`` is the form of y (:func:`wordsparse.labels.targets.labels_of`); ``weights`` (n,) float64;
    ``ids`` are texts, of which several rows may share one."""

    X: Any
    Y: Any
    classes: Array
    kind: str
    weights: Array
    ids: list[str]

    @classmethod
    def of(cls, X: Any, y: Any, weights: Any, ids: Iterable[Any] | None, first: int = 0) -> "KeptRows":
        """Take rows with weights, by default 1, and ids, by default numbers from ``first`` on. Raise InputError if
        there is not one of each for every row, or y has none of the forms."""
        Y, classes, kind = targets.labels_of(y)
        targets.checks.check_consistent_length(X, Y)
        count = Y.shape[0]
        weights = weights_of("sample_weight", weights, count)
        if (wrong := np.flatnonzero((weights > 0) & ((weights < 1 / LARGEST) | (weights > LARGEST)))).size:
            raise InputError(
                f"sample_weight must be 0 or between {1 / LARGEST:g} and {LARGEST:g}, not {weights[wrong[0]]} (at "
                f"{wrong[0]}): multiply all weights by a number"
            )
        names = list(map(str, range(first, first + count) if ids is None else ids))
        if len(names) != count:
            raise InputError(f"there are {len(names):,} ids and {count:,} rows: give an id for each row")
        return cls(X, Y, classes, kind, weights, names)

    def extended(self, new: "KeptRows") -> "KeptRows":
        """Return these rows followed by the rows ``new``. Matrices grow new columns for new features and labels. Raise
        InputError if the new rows have fewer columns, or another form of y."""
        if {new.kind, self.kind} not in ({self.kind}, {"sparse", "dense"}):
            raise InputError(
                f"Y has labels as {new.kind}, but the classifier was fitted to {self.kind}: give the same form"
            )
        X = [*self.X, *new.X] if isinstance(self.X, list) else _stacked("X", self.X, new.X)
        classes = new.classes
        if self.kind in targets.NAMED:
            classes = targets.as_classes(targets.in_order([*self.classes.tolist(), *classes.tolist()]))
        Y = _stacked("Y", self._in_columns(classes), new._in_columns(classes))
        weights = np.concatenate([self.weights, new.weights])
        return KeptRows(X, Y, classes, self.kind, weights, [*self.ids, *new.ids])

    def without(self, ids: Iterable[str]) -> "KeptRows":
        """Return the other rows. Raise InputError if no row has one of the ids."""
        if not (gone := set(ids)):
            raise InputError("there are no ids of rows to forget: give at least one")
        if missing := sorted(gone.difference(self.ids)):
            raise InputError(f"no training row has the id {listed(missing)}: nothing was forgotten")
        kept = np.flatnonzero([id not in gone for id in self.ids])
        if not kept.size:
            raise InputError("these are the ids of all training rows: remove the model to forget them")
        X = [self.X[row] for row in kept] if isinstance(self.X, list) else self.X[kept]
        ids = [self.ids[row] for row in kept]
        rows = replace(self, X=X, Y=self.Y[kept], weights=self.weights[kept], ids=ids)
        classes = self.classes[np.unique(rows.Y.indices)] if self.kind in targets.NAMED else self.classes
        return replace(rows, Y=rows._in_columns(classes), classes=classes)

    def _in_columns(self, classes: Array) -> Any:
        """Return Y with the columns ``classes``, which include the labels of all rows."""
        if self.kind not in targets.NAMED:
            return self.Y
        place = {label: column for column, label in enumerate(classes.tolist())}
        columns = np.array([place.get(label, -1) for label in self.classes.tolist()])
        shape = self.Y.shape[0], classes.size
        return sp.csr_array((self.Y.data, columns[self.Y.indices], self.Y.indptr), shape=shape)

    def next_id(self) -> int:
        """Return the number after the largest number among the ids."""
        return 1 + max((int(id) for id in self.ids if id.isascii() and id.isdigit()), default=-1)

    def state(self) -> dict[str, Any]:
        """Return the arrays from which :meth:`restored` restores the rows."""
        X = {"texts": _packed(self.X)} if isinstance(self.X, list) else state.of_csr(rows_X=self.X)
        return {**X, **state.of_csr(rows_Y=self.Y), "rows_weights": self.weights, "rows_ids": _packed(self.ids)}

    @classmethod
    def restored(cls, saved: Mapping[str, Any], features: int, classes: Array, kind: str) -> "KeptRows | None":
        """Restore the rows from a file that has rows."""
        if "rows_weights" not in saved:
            return None
        X = _unpacked(saved["texts"]) if "texts" in saved else state.csr_of(saved, "rows_X", features)
        Y = state.csr_of(saved, "rows_Y", classes.size)
        return cls(X, Y, classes, kind, saved["rows_weights"], _unpacked(saved["rows_ids"]))


def weights_of(name: str, weights: Any, size: int) -> Array:
    """Return weights (size,) float64; ones for None. Raise InputError if one is negative or not finite."""
    if weights is None:
        return np.ones(size)
    array = np.asarray(weights, np.float64)
    if array.shape != (size,):
        raise InputError(f"{name}.shape == {array.shape}, expected {(size,)}: give a weight for each")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if wrong.size:
        raise InputError(f"{name} must be finite and at least 0, not {array[wrong[0]]} (at {wrong[0]})")
    return array


def _stacked(name: str, old: Any, new: Any) -> Any:
    if new.shape[1] < old.shape[1]:
        what, size = {"X": "features", "Y": "labels"}[name], old.shape[1]
        raise InputError(
            f"{name} has {new.shape[1]} {what}, but SparseTargetClassifier is expecting {size} {what} as input; "
            "put new columns after the old ones"
        )
    old = sp.csr_array((old.data, old.indices, old.indptr), shape=(old.shape[0], new.shape[1]))
    return sp.csr_array(sp.vstack([old, new], format="csr"))


def _packed(values: list[str]) -> Array:
    return np.frombuffer(zlib.compress(json.dumps(values).encode(), 1), np.uint8)


def _unpacked(array: Array) -> list[str]:
    return list(json.loads(zlib.decompress(array.tobytes())))
