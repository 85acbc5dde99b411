"""The text column of files of rows (CSV, JSON lines and Parquet), read with bounded memory."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from wordsparse import optional
from wordsparse.corpus.blocks import read_blocks
from wordsparse.errors import InputError
from wordsparse.files import parquet, unpacking
from wordsparse.files.escaping import listed
from wordsparse.files.unpacking import suffix_of

LINE_BYTES = 2**26
"""The maximum size of a line, and of a cell of a CSV file."""

ROWS = 1024
"""Rows of Parquet files and data frames that are read at a time."""

DELIMITERS = ",;\t|"

Cells = Iterator[tuple[int, list[Any]]]
"""(number of the row, counted from 1; its cells in the requested columns)."""


class RowFormat(NamedTuple):
    """A format of rows: its line in a help text, the endings of its files, and its reader.

    The reader takes a path, the names of the columns and max_expansion.
    """

    about: str
    suffixes: tuple[str, ...]
    cells: Callable[[Path, Sequence[str], float], Cells]


def rows_of_name(path: PurePath) -> str | None:
    """The format of rows that a file's name tells; None if it tells none."""
    return next((name for name, format in ROW_FORMATS.items() if suffix_of(path) in format.suffixes), None)


def format_of_file(path: PurePath) -> str:
    """The format that the file's name tells; InputError if it tells none."""
    if (name := rows_of_name(path)) is not None:
        return name
    raise InputError(f"{path}: its name does not say how its rows are stored: name the format {', '.join(ROW_FORMATS)}")


def _csv_cells(path: Path, columns: Sequence[str], max_expansion: float) -> Cells:
    """The delimiter is the first of DELIMITERS by which the header has all columns."""
    csv.field_size_limit(max(csv.field_size_limit(), LINE_BYTES))  # of the process; 131,072 at first
    lines = lines_of(path, max_expansion)
    header = next(lines, "")
    for delimiter in DELIMITERS:
        names = names_in(header, delimiter)
        if set(columns) <= set(names):
            break
    else:
        names = max((names_in(header, mark) for mark in DELIMITERS), key=len)
        missing = next((column for column in columns if column not in names), columns[0])
        raise InputError(f"{path}: has no column {missing!r}; name one of its first line: {listed(names)}")
    for column in columns:
        if names.count(column) > 1:
            raise InputError(f"{path}: has {names.count(column)} columns {column!r}: rename all but one")
    places = [names.index(column) for column in columns]
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    for number in itertools.count(1):
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise InputError(
                f"{path}: row {number} (line {rows.line_num + 1}) is not valid CSV: {error}; correct that row"
            ) from error
        if row is None:
            return
        if len(row) != len(names) and row:  # an empty line is no row
            where = f"row {number} (line {rows.line_num + 1})"
            raise InputError(
                f"{path}: {where} has {len(row)} cells, but the first line has {len(names)}; correct that row"
            )
        if row:
            yield number, [row[place] for place in places]


def names_in(header: str, delimiter: str) -> list[str]:
    """The cells of a first line; none if it is not valid CSV with this delimiter."""
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _json_cells(path: Path, columns: Sequence[str], max_expansion: float) -> Cells:
    for number, line in enumerate(lines_of(path, max_expansion), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not a JSON object: {error}; correct that line") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object, but {row!r:.40}: each line must hold one")
        for column in columns:
            if column not in row:
                raise InputError(
                    f"{path}: line {number} has no {column!r}; it has {listed(list(row))}: name a column that every "
                    "line has"
                )
        yield number, [row[column] for column in columns]


def _parquet_cells(path: Path, columns: Sequence[str], max_expansion: float) -> Cells:
    """The cells are text, lists of text, or numbers; their text is bounded as in a compressed file."""
    number = 0
    left = limit = parquet.limit_of(path, max_expansion)
    with parquet.readable(path, lambda: number):
        for batch in parquet.batches(path, columns, limit, ROWS):
            for row in zip(*(_cells_of(path, name, batch.column(name)) for name in columns), strict=True):
                number += 1
                left -= sum(map(_characters, row))
                if left < 0:
                    raise InputError(f"{path}: {unpacking.too_large(limit)}")
                yield number, list(row)


def _cells_of(path: Path, name: str, column: Any) -> list[Any]:
    """The cells of a column of a batch; equal texts are one str."""
    types = optional.load("reading Parquet files", "pyarrow.types")
    kind = column.type
    if types.is_dictionary(kind):
        return parquet.strings(column)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        items = iter(_cells_of(path, name, column.flatten()))
        lengths = optional.load("reading Parquet files", "pyarrow.compute").list_value_length(column).to_pylist()
        return [None if length is None else [next(items) for _ in range(length)] for length in lengths]
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind):
        plain: list[Any] = column.to_pylist()
        return plain
    raise InputError(f"{path}: the column {name!r} holds {kind}, neither text nor lists of tokens; name another column")


def _characters(cell: object) -> int:
    """The characters of a cell, and one for each of its tokens."""
    if isinstance(cell, list):
        return sum(map(_characters, cell)) + len(cell)
    return len(cell) if isinstance(cell, str | bytes) else 1


def lines_of(path: Path, max_expansion: float) -> Iterator[str]:
    """The lines of a UTF-8 file, with their ends."""
    number, rest = 0, b""
    for block in itertools.chain(read_blocks(path, max_expansion), [b""]):
        lines = (rest + block).split(b"\n")
        if block or not lines[-1]:
            rest = lines.pop()
        if len(rest) > LINE_BYTES:
            raise InputError(f"{path}: line {number + len(lines) + 1} has more than {LINE_BYTES:,} bytes; cut it")
        for line in lines:
            number += 1
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8") + "\n"
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}: line {number} is not UTF-8 text: {error.reason}: convert it first"
                ) from error


def is_frame(source: object) -> bool:
    """Whether it is a data frame, of pandas, polars, Arrow or another library that narwhals knows."""
    return hasattr(source, "columns") and hasattr(source, "shape")


def frame_cells(frame: Any, columns: Sequence[str]) -> Cells:
    """The cells of each row of a data frame in these columns, with the row's number, counted from 1."""
    narwhals = optional.load("a data frame as text", "narwhals")
    try:
        table = narwhals.from_native(frame, eager_only=True)
        names = table.columns
    except (TypeError, narwhals.exceptions.NarwhalsError) as error:
        raise InputError(f"the data frame cannot be read: {error}") from error
    if missing := [column for column in columns if column not in names]:
        raise InputError(f"the data frame has no column {missing[0]!r}; name one of its own: {listed(names)}")
    number = itertools.count(1)
    for start in range(0, len(table), ROWS):
        rows = table[start : start + ROWS]
        for row in zip(*(_without_nulls(rows[column]) for column in columns), strict=True):
            yield next(number), list(row)


def _without_nulls(column: Any) -> list[Any]:
    """The cells of a column of a frame; None for a missing one, which pandas has in several kinds."""
    return [None if is_null else cell for is_null, cell in zip(column.is_null(), column.to_list(), strict=True)]


ROW_FORMATS = {
    "csv": RowFormat("rows of cells between commas, semicolons, tabs or bars", (".csv", ".tsv"), _csv_cells),
    "jsonl": RowFormat("a JSON object on each line", (".jsonl", ".ndjson"), _json_cells),
    "parquet": RowFormat("a Parquet file; needs wordsparse[parquet]", (".parquet", ".pq"), _parquet_cells),
}
