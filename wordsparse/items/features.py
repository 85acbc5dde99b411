"""The features of items, and the rows of new items, which are fitted to the rows and the features of trained items.

    G ≈ argmin Σ_i ω_i |y_i − ȳ − x_i G|² + RIDGE |G|²    y_i the rows of item i, each column scaled to variance 1, ȳ
                                                          their mean by ω_i, x_i the item's features (0 or 1),
                                                          ω_i = n_i/(n_i + DOUBT), n_i the item's count
    y_j = ȳ + x_j G                                       for each new item j

G is the result of SWEEPS sweeps (:mod:`wordsparse.vectors.sweeps`) over the features that at least SHARED trained items
have, the rarest first. RIDGE and DOUBT were chosen by items held out from a log (docs/recommend.md).

A column of text holds tags, separated by commas, and words. A feature is a tag or a word in a column, in lower case.
A column of numbers has a feature for each number if there are at most LEVELS different numbers, except for 0 if all are
0 or 1. Otherwise, it has a feature for each of LEVELS − 1 quantiles that a number reaches.
"""

import math
import re
from collections.abc import Container, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.corpus.sources import is_frame
from wordsparse.corpus.tables import Block, column_names, format_of_file, table_blocks
from wordsparse.corpus.tables.groups import text_of
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.types import Array
from wordsparse.vectors.sweeps import AHEAD, FeatureSweeps

RIDGE, DOUBT, SWEEPS, SHARED = 30.0, 30.0, 10, 2
LEVELS = 10
WORD = re.compile(r"\w+")


class Features(NamedTuple):
    """The features of ``items``: ``matrix`` is CSR (items, features) float32 of ones."""

    items: list[str]
    matrix: Any

    def of(self, words: Sequence[str]) -> "Features":
        """Return the features of ``words``, and then of the other items. Words without features have empty rows."""
        places = {item: i for i, item in enumerate(self.items)}
        rows = [places.pop(word, -1) for word in words] + [*places.values()]
        empty = sp.csr_array((1, self.matrix.shape[1]), dtype=np.float32)
        return Features([*words, *places], sp.vstack([self.matrix, empty], "csr")[rows])

    def check(self, vocabulary: Container[str]) -> None:
        """Raise InputError if no item is in the vocabulary of the log."""
        if not any(item in vocabulary for item in self.items):
            raise InputError(
                f"features: none of the items, such as {self.items[0]!r:.60}, is in the log: name the column of the "
                "items as in the log, or put it first"
            )


def read(table: Any, item: str | None = None) -> Features:
    """Read the features of items from a file or a data frame with a row for each item.

    The column ``item`` holds the items, or the first column if there is no column of this name. All other columns hold
    features. Raise InputError if there is no item or no other column, an item is missing or repeated, or a number is
    not finite.
    """
    path, where = (None, "features") if is_frame(table) else (validation.path(table), str(table))
    names = [*table.columns] if path is None else column_names(path, format_of_file(path))
    if len(names) < 2:
        raise InputError(f"{where}: needs a column of items, and at least one column of their features")
    first: Any = item if item in names else names[0]
    columns = [name for name in names if name != first]
    blocks = table_blocks(table if path is None else [path], [first, *columns], is_frame=path is None)
    rows, items, cells = list[str](), dict[str, int](), list[Any]()
    for name, (cell, *others) in chain.from_iterable(map(Block.rows, blocks)):
        if (key := text_of(name, cell)) is None:
            raise InputError(f"{name}: has no item in {first!r}: name it, or leave the row out")
        if items.setdefault(key, len(items)) < len(rows):
            raise InputError(f"{name}: holds {key!r:.60} again, after {rows[items[key]]}: give each item one row")
        rows.append(name)
        cells.append(others)
    if not rows:
        raise InputError(f"{where}: holds no items: give a row for each item")
    return Features([*items], _matrix(rows, columns, [*zip(*cells, strict=True)]))


def are_shared(matrix: Any, V: int) -> Array:
    """Return a mask of the features that at least SHARED of the V trained items have."""
    return np.bincount(matrix[:V].indices, minlength=matrix.shape[1]) >= SHARED


def fitted(matrix: Any, rows: Array, counts: Array, kernels: CpuKernels) -> Array:
    """Return the rows of new items, (new items, k) float32, from the ``rows`` (V, k) and ``counts`` (V,) of trained
    items, and the features ``matrix``, CSR (V + new items, features), of all items."""
    V, weights = len(rows), counts / (counts + DOUBT)
    order = np.argsort(np.bincount(matrix[:V].indices, minlength=matrix.shape[1]), kind="stable")
    shared = matrix[:, order[are_shared(matrix, V)[order]]]
    mean = np.average(rows, axis=0, weights=weights)
    scale = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weights))
    scale = np.where(scale > 0, scale, 1)
    scaled = np.ascontiguousarray((rows - mean) / scale, np.float32)
    of_features = shared[:V].tocsc()
    starts, of = of_features.indptr.astype(np.int64), np.pad(of_features.indices.astype(np.int32), (0, AHEAD))
    sweeps = FeatureSweeps(starts, of, np.ones(V, np.float32), kernels)
    G = sweeps.rows(scaled, np.arange(V), weights, np.zeros(rows.shape[1], np.float32), RIDGE, SWEEPS)
    return np.asarray(mean + (shared[V:] @ sweeps.unpacked(G, rows.shape[1])) * scale, np.float32)


def popularity(matrix: Any, counts: Array) -> Array:
    """Return the popularity of new items by their features, (new items,): the mean count of the trained items that have
    a feature, averaged over the item's features. The arguments are as in :func:`fitted`."""
    V = len(counts)
    ones, sizes = np.ones(matrix.shape[0]), np.diff(matrix.indptr)[V:]
    means = (matrix[:V].T @ counts) / np.maximum(matrix[:V].T @ ones[:V], 1)
    return np.asarray(matrix[V:] @ means / np.maximum(sizes, 1))


def _matrix(rows: list[str], columns: list[str], cells: list[Any]) -> Any:
    """Return the features of rows, CSR, from the ``cells`` of each column."""
    numbers, indices, indptr = dict[tuple[int, Any], int](), list[int](), [0]
    for values in zip(*(_values(rows, *column) for column in zip(columns, cells, strict=True)), strict=True):
        keys = {(i, value): None for i, of_column in enumerate(values) for value in of_column}
        indices += sorted(numbers.setdefault(key, len(numbers)) for key in keys)
        indptr.append(len(indices))
    return sp.csr_array((np.ones(len(indices), np.float32), indices, indptr), (len(rows), len(numbers)))


def _values(rows: list[str], column: str, cells: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Return the values of the features of a column, for each row."""
    try:
        numbers = np.array([math.nan if _is_missing(cell) else float(cell) for cell in cells])
    except (TypeError, ValueError):
        return (_texts(name, cell) for name, cell in zip(rows, cells, strict=True))
    is_known = np.array([not _is_missing(cell) for cell in cells])
    if (bad := is_known & ~np.isfinite(numbers)).any():
        at = int(bad.argmax())
        raise InputError(f"{rows[at]}: {cells[at]!r:.40} in {column!r} is no finite number: leave the cell empty")
    levels = np.unique(numbers[is_known])
    if len(levels) <= LEVELS:
        is_flag = {*levels.tolist()} <= {0.0, 1.0}
        is_shown = is_known & ((numbers != 0) | (not is_flag))
        return ([value] if shown else [] for value, shown in zip(numbers.tolist(), is_shown, strict=True))
    bounds = np.unique(np.quantile(numbers[is_known], np.arange(1, LEVELS) / LEVELS))
    reached = np.searchsorted(bounds, numbers, "right") * is_known
    return (range(size) for size in reached.tolist())


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _texts(name: str, cell: Any) -> Sequence[str]:
    """Return the tags in a cell, and their words."""
    parts = cell.split(",") if isinstance(cell, str) else [text_of(name, each) or "" for each in _listed(cell)]
    tags = [part.strip().lower() for part in parts if part.strip()]
    return [*tags, *(word for tag in tags for word in WORD.findall(tag))]


def _listed(cell: Any) -> list[Any]:
    return cell if isinstance(cell, list) else [cell]
