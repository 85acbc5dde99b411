"""Readers for the rows of CSV and JSON lines files. The readers need bounded memory."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from wordsparse.corpus.blocks import read_blocks
from wordsparse.errors import InputError
from wordsparse.files.escaping import listed

LINE_BYTES = 2**26
"""The maximum size of a line, and of a CSV cell."""

ROWS = 1024
"""The maximum number of rows in a block."""

DELIMITERS = ",;\t|"

Blocks: TypeAlias = Iterator[tuple[Sequence[int], Sequence[Any]]]
"""Blocks of rows. Each block has the numbers of its rows, counted from 1, and the cells of each requested column."""


def lines_of(path: Path) -> Iterator[str]:
    """Return an iterator over the lines of a UTF-8 file, including their line ends."""
    return itertools.chain.from_iterable(io.StringIO(text, newline="\n") for text in _whole_lines(path))


def _whole_lines(path: Path) -> Iterator[str]:
    """Yield the text of a file in blocks of whole lines, including their line ends."""
    return (_decoded(path, number, data) for number, data in whole_lines(path))


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of a file in blocks of whole lines, including their line ends, each with the number of its first
    line. Raise InputError if a line has more than LINE_BYTES."""
    number, rest = 1, b""
    for block in itertools.chain(read_blocks(path), [b""]):
        data = rest + block
        end = data.rfind(b"\n") + 1 if block else len(data)
        data, rest = data[:end], data[end:]
        if not block and data and not data.endswith(b"\n"):
            data += b"\n"
        if len(rest) > LINE_BYTES:
            too_long = number + data.count(b"\n")
            raise InputError(f"{path}: line {too_long} has more than {LINE_BYTES:,} bytes; split it")
        if data:
            yield number, data
            number += data.count(b"\n")


def _decoded(path: Path, number: int, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        number += error.object.count(b"\n", 0, error.start)
        raise InputError(f"{path}: line {number} is not UTF-8 text: {error.reason}: convert it first") from error


def csv_blocks(path: Path, columns: Sequence[str], given: Sequence[str] = ()) -> Blocks:
    """Yield the rows of a CSV file. The delimiter is the first of DELIMITERS that splits the header into names that
    include all ``columns``.

    If ``given`` holds column names, the file has no header. If the delimiter is a tab, quotes are ordinary characters.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LINE_BYTES))  # a limit of the whole process, initially 131,072
    lines, reader = lines_of(path), partial(csv.reader, strict=True)
    first = next(lines, "")
    if given:
        lines = itertools.chain([first], lines)
        mark = next((mark for mark in "\t,;|" if first.count(mark) == len(given) - 1), "\t")
        first = mark.join(given)
        if mark == "\t":
            reader = partial(reader, quoting=csv.QUOTE_NONE)
    delimiter, names = _header(path, first, columns)
    places = [names.index(column) for column in columns]
    rows, above, number = reader(lines, delimiter=delimiter), 0 if given else 1, 1
    while True:
        block = list[list[str]]()
        try:
            block += itertools.islice(rows, ROWS)
        except csv.Error as error:
            where = f"row {number + len(block)} (line {rows.line_num + above})"
            raise InputError(f"{path}: {where} is not valid CSV: {error}; correct that row") from error
        if not block:
            return
        numbers: Sequence[int] = range(number, number := number + len(block))
        if set(map(len, block)) != {len(names)}:
            numbers = [number for number, row in zip(numbers, block, strict=True) if row]  # an empty line is not a row
            block = [row for row in block if row]
            _check_widths(path, numbers, block, len(names))
        yield numbers, [[row[place] for row in block] for place in places]


def _check_widths(path: Path, numbers: Sequence[int], rows: Sequence[Sequence[str]], width: int) -> None:
    """Raise InputError if a row does not have ``width`` cells."""
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != width:
            problem = f"row {number} has {len(row)} cells, but there are {width} columns"
            raise InputError(f"{path}: {problem}; correct that row")


def _header(path: Path, line: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """Return the delimiter and the column names."""
    names = {mark: cells_of_line(line, mark) for mark in DELIMITERS}
    widest = max(DELIMITERS, key=lambda mark: len(names[mark]))
    delimiter = next((mark for mark in DELIMITERS if set(columns) <= set(names[mark])), widest)
    check_columns(f"{path}:", names[delimiter], columns)
    return delimiter, names[delimiter]


def check_columns(where: str, names: Sequence[Any], columns: Sequence[str]) -> None:
    """Raise InputError unless each of ``columns`` occurs exactly once in ``names``."""
    for column in columns:
        if column not in names:
            raise InputError(f"{where} has no column {column!r}; name one of its columns: {listed(names)}")
        if names.count(column) > 1:
            raise InputError(f"{where} has {names.count(column)} columns {column!r}: rename all but one")


def cells_of_line(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, or [] if the line is not valid CSV with this delimiter."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def keys_of(path: Path) -> list[str]:
    """Return the keys of the JSON object on the first line, or [] if the line is not a JSON object."""
    try:
        first = json.loads(next(filter(str.strip, lines_of(path)), ""))
    except (ValueError, RecursionError):
        return []
    return list(first) if isinstance(first, Mapping) else []


def json_blocks(path: Path, columns: Sequence[str]) -> Blocks:
    """Yield, in blocks, the members of the JSON object on each line. Blank lines are not rows."""
    first = 1
    for text in _whole_lines(path):
        lines = list(io.StringIO(text, newline="\n"))
        numbers: Sequence[int] = range(first, first + len(lines))
        first += len(lines)
        if any(map(str.isspace, lines)):
            numbers = [number for number, line in zip(numbers, lines, strict=True) if not line.isspace()]
            lines = [line for line in lines if not line.isspace()]
        rows = list[Any]()
        try:
            rows.extend(map(json.loads, lines))
        except (ValueError, RecursionError) as error:
            where = f"{path}: line {numbers[len(rows)]}"
            raise InputError(f"{where} is not a JSON object: {error}; correct that line") from error
        yield numbers, cells_of(f"{path}: line", numbers, rows, columns)


def cells_of(name: str, numbers: Sequence[int], rows: Sequence[Any], columns: Sequence[str]) -> list[list[Any]]:
    """Return the cells of each column, given rows that are mappings. If a row is not a mapping or lacks a column, raise
    InputError with ``name`` and the row's number."""
    try:
        return [[row[column] for row in rows] for column in columns]
    except (LookupError, TypeError):
        for number, row in zip(numbers, rows, strict=True):
            if not isinstance(row, Mapping):
                problem = f"{name} {number} is {row!r:.80}, not a mapping (a JSON object)"
                raise InputError(f"{problem}: column={columns[0]!r} needs a mapping in every row") from None
            if missing := [column for column in columns if column not in row]:
                problem = f"{name} {number} has no {missing[0]!r}; it has the keys {listed(list(row))}"
                raise InputError(f"{problem}: name a column that every row has") from None
        raise
