"""Apache Parquet: a table with a row for each word, for pandas, Polars, DuckDB and Spark.

Columns: ``word`` string; ``count`` int64, if known; ``vector``, a list of dim numbers, float32, float16, or int8 beside
a column ``scale`` float32 (see vectors/precision.py). pyarrow reads and writes it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import parquet
from wordsparse.files.escaping import listed
from wordsparse.files.unpacking import too_large
from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.formats.streams import unpacked_limit
from wordsparse.vectors.precision import packed, unpacked

MAGIC = b"PAR1"
_ROWS = 4096
_KNOWN = ("word", "vector", "count", "scale")
_WANTED = {"word": "text", "count": "whole numbers", "scale": "floating-point numbers"}


class Parquet(Format):
    """See the head of this file."""

    name, about = "parquet", "for pandas, Polars, DuckDB and Spark; needs wordsparse[parquet]"
    suffixes = (".parquet", ".pq")
    precisions = True

    def check(self, content: Content) -> None:
        _load("pyarrow")

    def write(self, content: Content, target: Path, precision: str) -> None:
        """Write a Parquet file, uncompressed, because vectors are hardly compressible."""
        arrow = _load("pyarrow")
        vectors, scales = packed(content.vectors, precision)
        columns: dict[str, Any] = {"word": arrow.array(content.words, arrow.string())}
        if content.counts is not None:
            columns["count"] = arrow.array(content.counts)
        columns["vector"] = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.reshape(-1)), content.dim)
        if scales is not None:
            columns["scale"] = arrow.array(scales)
        _load("pyarrow.parquet").write_table(
            arrow.table(columns), target, compression="none", use_dictionary=False, row_group_size=2**16
        )

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(MAGIC)

    def read(self, path: Path) -> Content:
        limit = left = unpacked_limit(path.stat().st_size)
        columns = _columns(parquet.schema(path), limit)
        parts: list[dict[str, Any]] = []
        with parquet.readable(path, lambda: len(parts) * _ROWS):
            for batch in parquet.batches(path, columns, limit, _ROWS):
                left -= batch.nbytes
                if left < 0:
                    raise too_large(limit)
                parts.append({name: _values(batch.column(name), name) for name in columns})
        if not parts or len({part["vector"].shape[1] for part in parts}) > 1:
            raise InputError(
                "its vectors are of different lengths, or there are none; write one of the same length for each word"
            )
        words = [word for part in parts for word in part["word"]]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in columns if name != "word"}
        return Content(words, unpacked(joined["vector"], joined.get("scale")), joined.get("count"))


def _columns(schema: Any, limit: int) -> list[str]:
    """The columns to read, their types checked."""
    types = _load("pyarrow").types
    missing = [name for name in ("word", "vector") if name not in schema.names]
    if missing:
        raise InputError(
            f"is a Parquet file without the column {missing[0]!r}; it needs word and vector: rename its columns, which "
            f"are {listed(schema.names)}"
        )
    numbers = {"count": types.is_integer, "scale": types.is_floating, "word": _is_text}
    for name in _KNOWN:
        if name in schema.names and name != "vector" and not numbers[name](schema.field(name).type):
            raise InputError(f"its column {name} cannot be {schema.field(name).type}; make it {_WANTED[name]}")
    kind = schema.field("vector").type
    is_fixed = types.is_fixed_size_list(kind)
    if not (is_fixed or types.is_list(kind) or types.is_large_list(kind)):
        raise InputError(f"its column vector must be a list of numbers, not {kind}; convert it")
    if not (types.is_floating(kind.value_type) or types.is_int8(kind.value_type)):
        raise InputError(
            f"its column vector must hold floating-point numbers or int8, not {kind.value_type}; convert it to float32"
        )
    if is_fixed and kind.list_size > limit:
        raise InputError(
            f"claims vectors of {kind.list_size:,} numbers, more than the file can hold; copy or write it again"
        )
    return [name for name in _KNOWN if name in schema.names]


def _is_text(kind: Any) -> bool:
    types = _load("pyarrow").types
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _values(column: Any, name: str) -> "list[Any] | NDArray[Any]":
    """A column of a batch: text as a list, numbers (rows,), vectors (rows, dim)."""
    if column.null_count:
        raise InputError(f"its column {name} has empty cells; leave out those rows")
    if name == "word":
        return parquet.strings(column)
    if name != "vector":
        return np.asarray(column.to_numpy(zero_copy_only=False))
    flat = column.flatten()
    if flat.null_count or len(flat) % len(column):
        raise InputError("its vectors hold empty cells, or are of different lengths; leave out those rows")
    dim = len(flat) // len(column)
    if any(len(row) != dim for row in column):
        raise InputError("its vectors are of different lengths; leave out the rows that differ")
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), dim)


def _load(module: str) -> Any:
    return optional.load("the format parquet", module)
