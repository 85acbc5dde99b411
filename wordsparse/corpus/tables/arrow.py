"""Reads the columns of Parquet files and of data frames as Arrow arrays."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.corpus.tables import files
from wordsparse.errors import InputError
from wordsparse.files import regular, unpacking

# A batch of rows takes at most this number of times as much memory as a file may unpack to. Smaller batches would make
# ordinary files slower to read.
_BATCH = 8


def parquet_blocks(path: Path, columns: Sequence[str]) -> files.Blocks:
    """Yield the columns of a Parquet file in blocks of rows. As with other compressed files, a file that unpacks to far
    more than its size is refused."""
    first = 1
    for batch in parquet_batches(path, columns, files.ROWS):
        yield range(first, first + batch.num_rows), batch.columns
        first += batch.num_rows


def parquet_batches(path: Path, columns: Sequence[str], rows: int, **options: Any) -> Iterator[Any]:
    """Yield record batches of these columns, each of at most ``rows`` rows. ``options`` are passed to pyarrow's
    ParquetFile.

    Raise InputError if the file is damaged, lacks a column, unpacks to far more than its size, or is written to
    meanwhile.
    """
    number = 0
    with regular.opened(path) as file:
        version = regular.version_of(file.fileno())
        left = limit = unpacking.unpacked_limit(version[0])
        too_large = InputError(f"{path}: {unpacking.too_large(limit)}")
        with _readable(path, lambda: number), _opened(path) as whole:
            schema = whole.schema_arrow
            files.check_columns(f"{path}:", schema.names, columns)
            for name in options.get("read_dictionary", ()):
                if _load("pyarrow").types.is_nested(schema.field(name).type):
                    raise InputError(
                        f"{path}: the column {name!r} holds {schema.field(name).type}, not text: name another"
                    )
        with _readable(path, lambda: number), _opened(path, **options) as whole:
            groups = (whole.metadata.row_group(i).total_byte_size for i in range(whole.num_row_groups))
            largest = max([1, *groups])  # no cell is larger
            if largest > limit:
                raise too_large
            for batch in whole.iter_batches(max(1, min(rows, _BATCH * limit // largest)), columns=list(columns)):
                left -= sum(map(_size, batch.columns))
                if left < 0:
                    raise too_large
                yield batch.select(list(columns))
                number += batch.num_rows
        regular.check_unchanged(path, file.fileno(), version)


def _size(column: Any) -> int:
    """Return the size of an array in bytes, if each cell held its own copy of its value. A cell has at least a byte."""
    types, compute = _load("pyarrow.types"), _load("pyarrow.compute")
    kind = column.type
    if types.is_dictionary(kind) and (types.is_string(kind.value_type) or types.is_large_string(kind.value_type)):
        sizes = compute.binary_length(column.dictionary).take(column.indices)
        return len(column) + (compute.sum(sizes).as_py() or 0)
    parts = column.flatten() if types.is_nested(kind) else []
    stored: int = max(len(column), column.nbytes)
    return max(stored, sum(map(_size, parts if isinstance(parts, list) else [parts])))


def parquet_names(path: Path) -> list[str]:
    """Return the column names of a Parquet file."""
    with _readable(path, lambda: 0), _opened(path) as whole:
        names: list[str] = whole.schema_arrow.names
        return names


def _opened(path: Path, **options: Any) -> Any:
    return _load("pyarrow.parquet").ParquetFile(path, **options)


@contextmanager
def _readable(path: Path, rows: Callable[[], int]) -> Iterator[None]:
    """Convert pyarrow's errors into an InputError that names the file and the number of rows read so far."""
    try:
        yield
    except (
        _load("pyarrow").ArrowException,
        OSError,
        UnicodeDecodeError,
    ) as error:  # UnicodeDecodeError if column names are not UTF-8
        raise InputError(
            f"{path}: cannot be read as Parquet after row {rows()}: {str(error)[:200]}; copy or write it again"
        ) from error


def frame_blocks(frame: Any, columns: Sequence[str]) -> files.Blocks:
    """Yield the columns of a data frame in blocks of rows."""
    first, read = 1, _of_pandas if hasattr(frame, "iloc") else _of_stream
    for cells in read(frame, columns):
        yield range(first, first + len(cells[0])), cells
        first += len(cells[0])


def _of_pandas(frame: Any, columns: Sequence[str]) -> Iterator[list[Any]]:
    files.check_columns("the data frame", list(frame.columns), columns)
    for start in range(0, len(frame), files.ROWS):
        parts = (frame[column].iloc[start : start + files.ROWS] for column in columns)
        yield [_without_nulls(part.tolist(), part.isna().tolist()) for part in parts]


def _without_nulls(cells: list[Any], is_null: list[bool]) -> list[Any]:
    """Replace missing cells with None. pandas has several values for missing cells."""
    return [None if null else cell for null, cell in zip(is_null, cells, strict=True)] if any(is_null) else cells


def _of_stream(frame: Any, columns: Sequence[str]) -> Iterator[list[Any]]:
    with _load("pyarrow").RecordBatchReader.from_stream(frame) as stream:
        files.check_columns("the data frame", stream.schema.names, columns)
        for batch in stream:
            whole = batch.select(list(columns))
            for start in range(0, len(whole), files.ROWS):
                yield whole.slice(start, files.ROWS).columns


def joined(column: Any) -> bytes | None:
    """Return the cells of an array of text as lines, without missing cells. Return None if the array does not hold
    text."""
    arrow, types = _load("pyarrow"), _load("pyarrow.types")
    texts = column.dictionary if types.is_dictionary(column.type) else column
    if not (types.is_string(texts.type) or types.is_large_string(texts.type) or types.is_string_view(texts.type)):
        return None
    cells = texts.cast(arrow.large_string())  # take() does not support string views
    cells = (cells if texts is column else cells.take(column.indices)).drop_null()
    whole = arrow.LargeListArray.from_arrays(arrow.array([0, len(cells)], arrow.int64()), cells)
    lines = _load("pyarrow.compute").binary_join(whole, arrow.scalar("\n", arrow.large_string()))
    text_bytes: bytes = lines[0].as_buffer().to_pybytes()
    return text_bytes


def _load(module: str) -> Any:
    return optional.load("a table of Arrow or Parquet", module)
