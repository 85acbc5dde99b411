"""Reads tables in blocks of bounded size. A table is a file (CSV, JSON lines, Parquet), a data frame, or mappings.

A table is never held in memory as a whole. A text column goes to the compiled scanner block by block
(:meth:`Block.text`). Other readers access cells by row (:meth:`Block.rows`) or by column (:meth:`Block.cells`).
:mod:`wordsparse.corpus.tables.groups` sorts rows on disk, :mod:`wordsparse.corpus.tables.writing` writes rows, and
:mod:`wordsparse.corpus.tables.sparse` reads sparse rows of numbered features and labels.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from wordsparse.corpus.tables import arrow, files, hive
from wordsparse.errors import InputError
from wordsparse.files.escaping import listed
from wordsparse.files.unpacking import suffix_of


class TableFormat(NamedTuple):
    """A format of table files: a line for help messages, the suffixes of file names, and the reader.

    The reader takes a path and column names, and yields blocks. A block holds row numbers, counted from 1, and columns.
    """

    about: str
    suffixes: tuple[str, ...]
    blocks: Any


FORMATS = {
    "csv": TableFormat("cells separated by commas, semicolons, tabs or bars", (".csv", ".tsv"), files.csv_blocks),
    "jsonl": TableFormat("a JSON object on each line", (".jsonl", ".ndjson"), files.json_blocks),
    "parquet": TableFormat("a Parquet file; needs wordsparse[tables]", (".parquet", ".pq"), arrow.parquet_blocks),
}

# Parts of the usual names of columns in a log: of its groups, of its times, and of its items. Earlier names count more.
LOG_NAMES = {
    "group_by": ("user", "session", "customer", "visitor", "basket", "order", "client", "playlist", "patient"),
    "order_by": ("time", "date", "stamp", "created", "_at", "position"),
    "column": ("item", "product", "title", "movie", "film", "article", "track", "song", "sku", "code", "name"),
}


# The largest number of times that the words of a column count.
MOST_TIMES = 100


class Block(NamedTuple):
    """Some rows of a table. ``numbers`` are the row numbers. In messages, a row is named by ``where``, ``kind`` and its
    number, as in "sales.csv: row 7".

    A column is a list of cells, or an Arrow array.
    """

    where: str
    numbers: Sequence[int]
    columns: Sequence[Any]
    kind: str = "row"

    def name(self, place: int) -> str:
        """Return the name of a row for messages, given the index of the row in the block."""
        return f"{self.where}{self.kind} {self.numbers[place]}"

    def name_of_line(self, line: int) -> str:
        """Return the name, for messages, of the row from which a line of :meth:`text` comes. Lines are counted from
        0."""
        for place, cell in enumerate(self.cells()[0]):
            line -= 0 if cell is None else cell.count("\n") + 1
            if line < 0:
                return self.name(place)
        return self.name(len(self.numbers) - 1)

    def cells(self) -> list[list[Any]]:
        """Return the cells of each column. Missing cells are None. Raise InputError if a cell is not UTF-8."""
        try:
            return [column if isinstance(column, list) else column.to_pylist() for column in self.columns]
        except UnicodeDecodeError:
            self.check_text()
            raise

    def rows(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield, for each row, its name for messages and its cells."""
        for place, row in enumerate(zip(*self.cells(), strict=True)):
            yield self.name(place), row

    def text(self) -> bytes | None:
        """Return the cells of the first column as lines of unchecked UTF-8, or None if a cell is not text or contains a
        NUL."""
        column = self.columns[0]
        text = _joined(column) if isinstance(column, list) else arrow.joined(column)
        return None if text is None or b"\0" in text else text

    def joined(self, times: Sequence[int]) -> list[str]:
        """Return the texts of the rows: the cells of the first columns, each as often as it counts."""
        texts = list[str]()
        for name, row in self.rows():
            cells = [(cell, n) for cell, n in zip(row, times, strict=False) if cell is not None and cell != ""]
            if wrong := [cell for cell, _ in cells if not isinstance(cell, str)]:
                raise InputError(f"{name} holds {wrong[0]!r:.80}, which is no text: name columns of texts (column=)")
            texts.append("\n".join(cell for cell, n in cells for _ in range(n)))
        return texts

    def check_text(self) -> None:
        """Raise InputError if a cell of an Arrow array is not UTF-8."""
        arrays = [column for column in self.columns if not isinstance(column, list)]
        for place, row in enumerate(zip(*arrays, strict=True)):
            try:
                _ = [cell.as_py() for cell in row]
            except UnicodeDecodeError as error:
                raise InputError(f"{self.name(place)}: is not UTF-8 text: {error.reason}; write it again") from error


def table_blocks(
    source: Any,
    columns: Sequence[str],
    format: str | None = None,
    names: Sequence[str] = (),
    is_frame: bool = False,
    join: bool = True,
) -> Iterator[Block]:
    """Yield the rows of files (a list of paths), of a data frame, or of an iterable of mappings, in blocks.

    If ``format`` is None, the suffix of a file determines its format. ``names`` are the column names of CSV files
    without a header. A column that a file lacks may be in the names of its directories
    (:mod:`wordsparse.corpus.tables.hive`). The first column may name several (see :func:`columns_of`), which are joined
    unless ``join`` is False. Raise InputError if a row is malformed, or a column is missing.
    """
    times = columns_of(columns[0]) if columns else {}
    if join and sum(times.values()) > 1:
        for block in table_blocks(source, columns, format, names, is_frame, join=False):
            yield block._replace(columns=[block.joined([*times.values()]), *block.columns[len(times) :]])
        return
    columns = [*times, *columns[1:]]
    if isinstance(source, list) and all(isinstance(path, Path) for path in source):
        for path, cells in zip(source, hive.typed_cells(source), strict=True):
            yield from _file_blocks(path, format or format_of_file(path), columns, names, cells)
    else:
        read = arrow.frame_blocks if is_frame else _mapping_blocks
        yield from (Block("", *block) for block in read(source, columns))


def columns_of(column: str) -> dict[str, int]:
    """Return the columns that are joined to a text, and how often the words of each count: "title^3,text" is
    ``{"title": 3, "text": 1}``. A name that holds a comma stands in double quotes."""
    times = dict[str, int]()
    for part in next(csv.reader([column])):
        name, mark, number = part.rpartition("^")
        is_weighed = bool(mark) and number.isdecimal() and 1 <= int(number) <= MOST_TIMES
        times[name if is_weighed else part] = int(number) if is_weighed else 1
    return times


def _file_blocks(
    path: Path, format: str, columns: Sequence[str], names: Sequence[str], of_path: Mapping[str, Any]
) -> Iterator[Block]:
    """Yield the rows of a file. ``of_path`` holds the cells that all rows share, from the names of directories."""
    read, where, named = FORMATS[format].blocks, f"{path}: ", {"given": names} if names else {}
    own = (names or column_names(path, format)) if any(name in of_path for name in columns) else columns
    shared = {name: of_path[name] for name in columns if name not in own and name in of_path}
    if not shared:
        yield from (Block(where, *block) for block in read(path, columns, **named))
        return
    stored = [name for name in columns if name not in shared] or own[:1]
    for numbers, cells in read(path, stored, **named):
        by_name = dict(zip(stored, cells, strict=True)) | {name: [cell] * len(numbers) for name, cell in shared.items()}
        yield Block(where, numbers, [by_name[name] for name in columns])


def table_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield, for each row of a file, its name for messages and its cells in ``columns``."""
    return chain.from_iterable(map(Block.rows, table_blocks([path], columns)))


def format_of_name(path: PurePath) -> str | None:
    """Return the table format for the suffix of a file, or None if the file is not a table."""
    suffix = suffix_of(path)
    return next((name for name, format in FORMATS.items() if suffix in format.suffixes), None)


def format_of_file(path: PurePath) -> str:
    """Return the table format for the suffix of a file. Raise InputError if no table format has this suffix."""
    if (name := format_of_name(path)) is not None:
        return name
    raise InputError(f"{path}: its name does not say how its rows are stored: name the format {', '.join(FORMATS)}")


def column_names(path: Path, format: str) -> list[str]:
    """Return the column names of a file. For JSON lines, the names are the keys on the first line."""
    if format == "parquet":
        return arrow.parquet_names(path)
    if format == "jsonl":
        return files.keys_of(path)
    line = next(files.lines_of(path), "")
    return max((files.cells_of_line(line, mark) for mark in files.DELIMITERS), key=len)


def guessed(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns of a log that most likely hold its items, groups and times, by their names. If there is no
    such name, return a placeholder in upper case."""
    left, found = list(columns), {}
    for option, names in LOG_NAMES.items():
        matches = [column for name in names for column in left if name in column.lower()]
        found[option] = matches[0] if matches else names[0].upper()
        left = [column for column in left if column != found[option]]
    return {option: found[option] for option in ("column", "group_by", "order_by")}


def needs_column(path: Path, format: str, remedy: str) -> InputError:
    """Return the error for a table that was given as a text, but without the name of a column."""
    columns = [*column_names(path, format), *hive.cells_of(path)] if path.is_file() else []
    names = f", whose columns are {listed(columns)}" if columns else ""
    return InputError(f"{path}: is a table{names}: {remedy}")


def _joined(cells: list[Any]) -> bytes | None:
    try:
        return "\n".join(cells).encode()
    except (TypeError, UnicodeEncodeError):
        present = [cell for cell in cells if cell is not None]
        return _joined(present) if len(present) < len(cells) else None


def _mapping_blocks(source: Iterable[object], columns: Sequence[str]) -> files.Blocks:
    waiting, first = iter(source), 1
    while some := list(islice(waiting, files.ROWS)):
        numbers = range(first, first := first + len(some))
        yield numbers, files.cells_of("row", numbers, some, columns)
