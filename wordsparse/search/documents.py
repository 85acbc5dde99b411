"""Reads the documents to be searched: texts, or the rows of a table."""

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, NamedTuple

from wordsparse.corpus.sources import find_files, is_frame
from wordsparse.corpus.tables import columns_of, format_of_name, table_blocks
from wordsparse.corpus.tables.files import lines_of
from wordsparse.errors import InputError
from wordsparse.files.escaping import listed
from wordsparse.validation import plain, texts_of


class Document(NamedTuple):
    """A document: its name in messages, its text and its kept cells. ``repeated`` holds the columns that count more
    than once, once less."""

    name: str
    text: str
    cells: Sequence[Any] = ()
    repeated: str = ""


def documents_of(given: Any, column: str | None = None, keep: Sequence[str] = ()) -> Iterator[Document]:
    """Yield the documents of an iterable of texts, of a table with the column ``column``, or of a file (a str or a path
    object). A missing text is an empty one."""
    files = find_files([given]) if isinstance(given, str | PathLike) else None
    if column is not None:
        yield from _of_rows(files or given, column, keep)
        return
    if is_frame(given) and len(given.columns) > 1:
        raise InputError(f"name the column of the texts (column=): one of {listed([*map(str, given.columns)])}")
    if keep:
        raise InputError(f"keep={list(keep)} names columns of a table: name the column of the texts too (column=)")
    for path in files or ():
        if format_of_name(path) is not None:
            raise InputError(f"{path}: is a table: name the column of the texts, --column (column=)")
        for number, line in enumerate(lines_of(path), 1):
            yield Document(f"{path}: line {number}", line.rstrip("\r\n"))
    for number, text in enumerate(texts_of(given) if files is None else (), 1):
        if not isinstance(text, str | None):
            raise InputError(f"document {number} holds {text!r:.80}, which is no text: name the column of the texts")
        yield Document(f"document {number}", text or "")


def _of_rows(table: Any, column: str, keep: Sequence[str]) -> Iterator[Document]:
    times = columns_of(column)
    for block in table_blocks(table, [column, *keep], is_frame=is_frame(table), join=False):
        once, more = block.joined([1] * len(times)), block.joined([n - 1 for n in times.values()])
        for (name, row), text, repeated in zip(block.rows(), once, more, strict=True):
            yield Document(name, text, [*map(plain, row[len(times) :])], f"\n{repeated}" if repeated else "")
