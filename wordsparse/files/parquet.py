"""Columns of Parquet files, read without trusting their sizes.

Any number of cells may share a value that stands once in a file: a file of two kilobytes can hold gigabytes of
text. So texts are read as a dictionary and its indices, and cells share their strings.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.files import parquet_footer, regular, unpacking
from wordsparse.files.escaping import listed
from wordsparse.files.storage import naming


def batches(path: Path, columns: Sequence[str], limit: int, rows: int) -> Iterator[Any]:
    """The record batches of these columns, at most ``rows`` rows each; texts are dictionaries.

    InputError if the file is damaged, has no such column, or states sizes of more than ``limit`` bytes.
    """
    parquet, number = _load("pyarrow.parquet"), 0
    names = schema(path).names
    for column in columns:
        if column not in names:
            raise InputError(f"{path}: has no column {column!r}; name one of its own: {listed(names)}")
    # A few bytes of a file can state any number of values.
    roots = {column.partition(".")[0] for column in columns}
    with naming(path):
        chunks = parquet_footer.column_chunks(path)
        if sum(chunk.bytes for chunk in chunks if chunk.column in roots) > limit:
            raise unpacking.too_large(limit)
    with readable(path, lambda: number):
        with parquet.ParquetFile(path) as whole:
            texts = _texts(whole.schema, columns)
        with parquet.ParquetFile(path, read_dictionary=texts) as whole:
            for batch in whole.iter_batches(rows, columns=list(columns)):
                yield batch
                number += batch.num_rows


def schema(path: Path) -> Any:
    """The Arrow schema of a file; InputError if it is damaged."""
    with readable(path, lambda: 0), _load("pyarrow.parquet").ParquetFile(path) as whole:
        return whole.schema_arrow


def limit_of(path: Path, max_expansion: float) -> int:
    """The bytes that a file's values may take."""
    with regular.opened(path) as file:
        return unpacking.unpacked_limit(regular.size_of(file), max_expansion)


def strings(column: Any) -> list[str | None]:
    """The cells of a column of texts, None for missing ones; equal texts are one str."""
    indices = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    used, places = np.unique(indices, return_inverse=True)
    known = column.dictionary.take(_load("pyarrow").array(used[used >= 0])).to_pylist()
    values = [None] * int((used < 0).sum()) + known
    return [values[place] for place in places.tolist()]


@contextmanager
def readable(path: Path, rows: Callable[[], int]) -> Iterator[None]:
    """Turn pyarrow's errors into an InputError that names the file and the rows that were read."""
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


def _texts(schema: Any, columns: Sequence[str]) -> list[str]:
    """The paths of the columns' texts in the file's schema."""
    roots = {column.partition(".")[0] for column in columns}
    leaves = map(schema.column, range(len(schema.names)))
    return [leaf.path for leaf in leaves if leaf.path.partition(".")[0] in roots and leaf.physical_type == "BYTE_ARRAY"]


def _load(module: str) -> Any:
    return optional.load("reading Parquet files", module)
