"""Reading of texts with labels, from tables (CSV, JSON lines, Parquet) and from files in fastText's format."""

import logging
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.corpus.blocks import read_blocks
from wordsparse.corpus.tables import format_of_name, needs_column, table_rows
from wordsparse.corpus.tables.files import lines_of
from wordsparse.corpus.tables.groups import text_of
from wordsparse.errors import InputError

logger = logging.getLogger(__name__)

PREFIX = "__label__"


def read_texts(
    path: str | PathLike[str], column: str | None = None, labels: str | None = None, separator: str = ","
) -> tuple[list[str], list[list[str]]]:
    """Read texts, and the labels of each text.

    Parameters
    ----------
    path : path
        A table, whose name ends in .csv, .tsv, .jsonl, .ndjson, .parquet or .pq, plain or compressed; otherwise a file
        with one text per line and labels as words ``__label__NAME``, as for fastText.
    column, labels : str, optional
        The columns of texts and of labels in a table; without ``labels``, rows have no labels.
    separator : str
        The separator of labels in a cell; "" if a cell holds one label. A cell may also hold a list.

    Raises
    ------
    InputError
        If the file is missing or malformed, a column is missing, or a cell holds no text; the message names the row.
    """
    source = Path(path)
    if column is None and (format := format_of_name(source)) is not None:
        labels_column = "and the column of the labels, if they are known, --labels NAME (labels=)"
        raise needs_column(source, format, f"name the column of the texts, --column NAME (column=), {labels_column}")
    rows = list(_lines(source) if column is None else _rows(source, column, labels, separator))
    if not rows:
        raise InputError(f"{source}: holds no texts: give at least one")
    bare = sum(not names for _, names in rows)
    if bare and (labels is not None or bare < len(rows)):
        logger.warning("%s: %s of %s texts have no label", source, f"{bare:,}", f"{len(rows):,}")
    return [text for text, _ in rows], [names for _, names in rows]


def holds_texts(path: Path) -> bool:
    """Return whether a file has the name of a table, or begins like labelled texts of fastText."""
    return format_of_name(path) is not None or next(read_blocks(path), b"").lstrip().startswith(PREFIX.encode())


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(lines_of(path), 1):
        words = line.split()
        names = [word.removeprefix(PREFIX) for word in words if word.startswith(PREFIX)]
        if "" in names:
            raise InputError(f"{path}: line {number} has a label without a name: write {PREFIX}NAME, without a space")
        yield unlabelled(words), names


def unlabelled(words: Sequence[str]) -> str:
    """Return the text of a line without its labels."""
    return " ".join(word for word in words if not word.startswith(PREFIX))


def _rows(path: Path, column: str, labels: str | None, separator: str) -> Iterator[tuple[str, list[str]]]:
    columns = [column] if labels is None else [column, labels]
    for name, (text, *cells) in table_rows(path, columns):
        if not isinstance(text, str | None):
            raise InputError(f"{name} of {column!r} is {text!r:.40}, not text: name the column of texts")
        yield text or "", [label for cell in cells for label in _names(name, cell, separator)]


def _names(name: str, cell: Any, separator: str) -> list[str]:
    """Return the labels in a cell of the row ``name``: the cell is a list, a text with separators, or one value."""
    if isinstance(cell, str):
        parts = cell.split(separator) if separator else [cell]
    else:
        parts = [text_of(name, part) or "" for part in (cell if isinstance(cell, list) else [cell])]
    return [part.strip() for part in parts if part.strip()]
