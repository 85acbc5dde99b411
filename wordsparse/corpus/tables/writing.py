"""Writes a table in parts of some rows each. The suffix of a file selects Parquet, JSON lines or CSV. A stream receives
JSON lines."""

import csv
import io
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, TypeAlias

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import outputs, storage, streams
from wordsparse.types import Array

Part: TypeAlias = Mapping[str, "Sequence[Any] | Array"]
"""Some rows, column by column. A column is a sequence of cells, or a float32 matrix with one vector per row."""
Writer: TypeAlias = Callable[[IO[bytes], Iterable[Part]], None]


def _write_json(file: IO[bytes], parts: Iterable[Part]) -> None:
    for part in parts:
        for row in zip(*map(_json_cells, part.values()), strict=True):
            file.write(_json_line(dict(zip(part, row, strict=True))).encode("utf-8", "surrogateescape") + b"\n")
        file.flush()


def _write_csv(file: IO[bytes], parts: Iterable[Part]) -> None:
    """Write rows as CSV, after a line of column names. A vector or a list is written as a JSON list."""
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    # Before Python 3.13, a cell with a carriage return is quoted only if line ends have one too.
    rows = csv.writer(SimpleNamespace(write=lambda row: text.write(row.removesuffix("\r\n") + "\n")))
    for number, part in enumerate(parts):
        if number == 0:
            rows.writerow(part)
        rows.writerows(zip(*map(_csv_cells, part.values()), strict=True))
    text.detach()


def _json_line(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:  # JSON has neither NaN nor infinity
        finite = json.loads(json.dumps(row, default=str), parse_constant=lambda _: None)
        return json.dumps(finite, ensure_ascii=False)


def _json_cells(column: Any) -> Iterable[Any]:
    if not isinstance(column, np.ndarray):
        return column  # type: ignore[no-any-return]
    return ([float(f"{number:.9g}") for number in row] for row in column.tolist())


def _csv_cells(column: Any) -> Iterable[Any]:
    return (json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in _json_cells(column))


def _write_parquet(file: IO[bytes], parts: Iterable[Part]) -> None:
    arrow, parquet = (optional.load("writing Parquet files", name) for name in ("pyarrow", "pyarrow.parquet"))
    with ExitStack() as stack:
        writer: Any = None
        for part in parts:
            try:
                columns = [_arrow_column(arrow, column) for column in part.values()]
                if writer is None:  # the first part determines the types of the columns
                    kinds = [arrow.string() if arrow.types.is_null(column.type) else column.type for column in columns]
                    schema = arrow.schema([*zip(part, kinds, strict=True)])
                    writer = parquet.ParquetWriter(file, schema, compression="none", use_dictionary=False)
                    stack.enter_context(writer)
                columns = [_as_kind(arrow, column, kind) for column, kind in zip(columns, kinds, strict=True)]
            except (arrow.ArrowException, OverflowError, UnicodeEncodeError) as error:
                raise InputError(
                    f"a column to keep has cells of several types, or cells that are too large: {error}; write .jsonl"
                ) from error
            writer.write_table(arrow.table(columns, schema))


def _as_kind(arrow: Any, column: Any, kind: Any) -> Any:
    """Cast a column to the type that it has in the first part. Raise ArrowInvalid if the cast would change
    the text "007" to the number 7, or lose members of an object."""
    both = [arrow.schema([("", each)]) for each in (kind, column.type)]
    if (arrow.types.is_string(column.type) and column.type != kind) or (
        arrow.types.is_nested(kind) and arrow.unify_schemas(both, promote_options="permissive").field(0).type != kind
    ):
        raise arrow.ArrowInvalid(f"{column.type} after {kind}")
    return column.cast(kind)


def _arrow_column(arrow: Any, column: Any) -> Any:
    if not isinstance(column, np.ndarray):
        return arrow.array(list(column))
    return arrow.FixedSizeListArray.from_arrays(arrow.array(column.reshape(-1)), column.shape[1])


WRITERS: dict[str, Writer] = {".parquet": _write_parquet, ".jsonl": _write_json, ".csv": _write_csv}


def check(path: Path, writers: Mapping[str, Writer] = WRITERS) -> None:
    """Raise InputError unless one of ``writers``, chosen by suffix, can write rows to ``path``."""
    if not outputs.is_stream(path) and path.suffix.lower() not in writers:
        suffixes = ", ".join(filter(None, writers))
        raise InputError(f"{path}: rows are written as {suffixes}: choose one of these suffixes")
    storage.check_file(path)


def check_names(option: str, names: Iterable[str], answers: Collection[str]) -> None:
    """Raise InputError if a column of the table, which the user named with ``option``, has the name of one of the
    columns of the ``answers``."""
    for name in names:
        if name in answers:
            raise InputError(f"{option} {name}: the answers have a column of this name too: rename the table's column")


def write(path: Path, parts: Iterable[Part], writers: Mapping[str, Writer] = WRITERS) -> None:
    """Write all rows in order. If writing fails, no file is left behind. ``parts`` must hold at least one part, even if
    the table has no rows.

    Raise InputError as :func:`check` does, MissingDependencyError if pyarrow is needed and not installed, and
    WordsparseError if writing fails.
    """
    check(path, writers)
    writer = _write_json if outputs.is_stream(path) else writers[path.suffix.lower()]
    streams.write_stream(path, lambda file: writer(file, parts))
