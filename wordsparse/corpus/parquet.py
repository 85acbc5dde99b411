"""Columns of Parquet files, read without trusting their sizes.

A value that stands once in a file may be that of any number of its cells: a file of two kilobytes can hold gigabytes of
text. So the values are read as a dictionary and its indices, cells share their strings, and the text of all cells is
bounded, as that of a compressed file is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import parquet_footer, regular, unpacking
from wordsparse.files.storage import naming

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
    with regular.opened(path) as file:
        limit = unpacking.unpacked_limit(regular.size_of(file), max_expansion)
    left = limit
    with _readable(path, lambda: number):
        for batch in batches(path, columns, max_expansion, ROWS):
            for row in zip(*(_values(path, name, batch.column(name)) for name in columns), strict=True):
                number += 1
                left -= sum(map(_size, row))
                if left < 0:
                    raise InputError(f"{path}: {unpacking.too_large(limit)}")
                yield number, list(row)


def batches(path: Path, columns: Sequence[str], max_expansion: float, rows: int) -> Iterator[Any]:
    """The record batches of these columns, at most so many rows each; texts are dictionaries.

    Raises
    ------
    InputError
        If the file is damaged, has no such column, or states sizes above what ``max_expansion`` allows.
    """
    parquet, number = _load("pyarrow.parquet"), 0
    with regular.opened(path) as file:
        limit = unpacking.unpacked_limit(regular.size_of(file), max_expansion)
    names = column_names(path)
    for column in columns:
        if column not in names:
            listed = ", ".join(repr(name)[:40] for name in names[:8]) + (", …" if len(names) > 8 else "")
            raise InputError(f"{path}: has no column {column!r}; name one of its own: {listed or 'none'}")
    _check_sizes(path, columns, limit)
    with _readable(path, lambda: number):
        with parquet.ParquetFile(path) as whole:
            texts = _texts(whole.schema, columns)
        with parquet.ParquetFile(path, read_dictionary=texts) as whole:
            for batch in whole.iter_batches(rows, columns=list(columns)):
                yield batch
                number += batch.num_rows


def column_names(path: Path) -> list[str]:
    """The names of a file's columns; InputError if it is damaged."""
    with _readable(path, lambda: 0), _load("pyarrow.parquet").ParquetFile(path) as whole:
        return list(whole.schema_arrow.names)


@contextmanager
def _readable(path: Path, rows: Callable[[], int]) -> Iterator[None]:
    try:
        yield
    except (
        _load("pyarrow").ArrowException,
        OSError,
        UnicodeDecodeError,
    ) as error:  # the last: names that are not UTF-8
        raise InputError(
            f"{path}: cannot be read as Parquet after row {rows()}: {str(error)[:200]}; copy or write it again"
        ) from error


def _check_sizes(path: Path, columns: Sequence[str], limit: int) -> None:
    """Raise InputError if the footer states more than ``limit`` bytes, which a few bytes of a file can do."""
    roots = {column.partition(".")[0] for column in columns}
    with naming(path):
        chunks = parquet_footer.column_chunks(path)
    if sum(chunk.bytes for chunk in chunks if chunk.column in roots) > limit:
        raise InputError(f"{path}: {unpacking.too_large(limit)}")


def _texts(schema: Any, columns: Sequence[str]) -> list[str]:
    """The paths of the columns' texts in the file's schema."""
    roots = {column.partition(".")[0] for column in columns}
    leaves = map(schema.column, range(len(schema.names)))
    return [leaf.path for leaf in leaves if leaf.path.partition(".")[0] in roots and leaf.physical_type == "BYTE_ARRAY"]


def _values(path: Path, name: str, column: Any) -> list[Any]:
    """The cells of a column of a batch; equal texts are one str."""
    arrow, types = _load("pyarrow"), _load("pyarrow.types")
    kind = column.type
    if types.is_dictionary(kind):
        indices = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        used, places = np.unique(indices, return_inverse=True)
        known = column.dictionary.take(arrow.array(used[used >= 0])).to_pylist()
        values = [None] * int((used < 0).sum()) + known
        return [values[place] for place in places.tolist()]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        items = iter(_values(path, name, column.flatten()))
        lengths = _load("pyarrow.compute").list_value_length(column).to_pylist()
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


def _load(module: str) -> Any:
    return optional.load("reading Parquet files", module)
