"""Chooses the documents that a question is asked of: :func:`chosen`."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.validation import plain

Filter: TypeAlias = str | Mapping[str, Any] | Iterable[Any]


def chosen(filter: Filter, names: Sequence[str], kept: Sequence[Sequence[Any]], id: str | None) -> Array:
    """Return whether each document is chosen by a filter, (N,) bool; see :meth:`wordsparse.Search.search`."""
    if isinstance(filter, str):
        return _by_condition(filter, names, kept)
    if isinstance(filter, Mapping):
        mask = np.ones(len(kept), bool)
        for name, value in filter.items():
            mask &= _by_value(kept, place(names, name), value)
        return mask
    values = np.asarray(filter) if hasattr(filter, "dtype") else list(filter)
    if isinstance(values, np.ndarray) and values.dtype == bool:
        if values.shape != (len(kept),):
            raise InputError(f"the filter has the shape {values.shape}, but there are {len(kept):,} documents")
        return values
    if id is None:
        raise InputError("the filter holds ids, but the index has none: name their column (id=)")
    return _by_value(kept, place(names, id), [plain(each) for each in values])


def place(names: Sequence[str], name: Any) -> int:
    """Return the place of a column among the kept columns."""
    if name not in names:
        raise InputError(f"the filter names {name!r:.80}, and the index keeps {_listed(names)}: keep it (keep=)")
    return names.index(name)


def _by_value(kept: Sequence[Sequence[Any]], at: int, value: Any) -> Array:
    is_collection = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    try:
        if isinstance(value, range) or not is_collection:
            cells = (cell[at] in value if is_collection else cell[at] == value for cell in kept)
        else:
            allowed = {*value}
            cells = (cell[at] in allowed for cell in kept)
        return np.fromiter(cells, bool, len(kept))
    except TypeError as error:
        raise InputError(f"the filter cannot compare cells with {value!r:.80}: {error}") from None


def _by_condition(condition: str, names: Sequence[str], kept: Sequence[Sequence[Any]]) -> Array:
    """Let SQLite evaluate a condition of SQL. As DuckDB reads a CSV file, texts that look like numbers are numbers, and
    empty texts are NULL."""
    columns = [(f'"{name}"', at) for at, name in enumerate(names) if name in condition]
    rows = ([*(_stored(cells[at]) for _, at in columns), 0] for cells in kept)
    database = sqlite3.connect(":memory:")
    try:
        database.execute("PRAGMA case_sensitive_like = ON")
        database.execute(f'CREATE TABLE documents ({"".join(f"{name} NUMERIC, " for name, _ in columns)}"" INTEGER)')
        database.executemany(f"INSERT INTO documents VALUES ({'?, ' * len(columns)}?)", rows)
        found = database.execute(f"SELECT rowid - 1 FROM documents WHERE ({condition}\n)").fetchall()
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(f"the filter {condition!r:.80}: {error}; the index keeps {_listed(names)}") from None
    finally:
        database.close()
    mask = np.zeros(len(kept), bool)
    mask[[row for (row,) in found]] = True
    return mask


def _stored(cell: Any) -> Any:
    return cell if isinstance(cell, int | float) else None if cell in (None, "") else str(cell)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no columns"
