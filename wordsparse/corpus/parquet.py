"""The cells of Parquet files: text, lists of text, or numbers; their text is bounded as in a compressed file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import parquet, unpacking

ROWS = 1024


def cells(path: Path, columns: Sequence[str], max_expansion: float) -> Iterator[tuple[int, list[Any]]]:
    """The cells of each row in these columns, with the row's number, counted from 1.

    Raises
    ------
    InputError
        If the file is damaged, has no such column, or a column holds neither text, lists of text nor numbers; or if
        its cells hold more text than ``max_expansion`` allows.
    """
    number = 0
    left = limit = parquet.limit_of(path, max_expansion)
    with parquet.readable(path, lambda: number):
        for batch in parquet.batches(path, columns, limit, ROWS):
            for row in zip(*(_values(path, name, batch.column(name)) for name in columns), strict=True):
                number += 1
                left -= sum(map(_size, row))
                if left < 0:
                    raise InputError(f"{path}: {unpacking.too_large(limit)}")
                yield number, list(row)


def _values(path: Path, name: str, column: Any) -> list[Any]:
    """The cells of a column of a batch; equal texts are one str."""
    types = optional.load("reading Parquet files", "pyarrow.types")
    kind = column.type
    if types.is_dictionary(kind):
        return parquet.strings(column)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        items = iter(_values(path, name, column.flatten()))
        lengths = optional.load("reading Parquet files", "pyarrow.compute").list_value_length(column).to_pylist()
        return [None if length is None else [next(items) for _ in range(length)] for length in lengths]
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind):
        plain: list[Any] = column.to_pylist()
        return plain
    raise InputError(f"{path}: the column {name!r} holds {kind}, neither text nor lists of tokens; name another column")


def _size(cell: object) -> int:
    """The characters of a cell, and one for each of its tokens."""
    if isinstance(cell, list):
        return sum(map(_size, cell)) + len(cell)
    return len(cell) if isinstance(cell, str | bytes) else 1
