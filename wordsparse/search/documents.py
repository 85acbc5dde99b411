"""Reads the documents to be searched: texts, or the rows of a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from wordsparse.corpus.sources import find_files, is_frame
from wordsparse.corpus.tables import Block, columns_of, format_of_name, table_blocks
from wordsparse.corpus.tables.files import lines_of
from wordsparse.errors import InputError
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
    if column is None and keep:
        raise InputError(f"keep={list(keep)} names columns of a table: name the column of the texts too (column=)")
    if isinstance(given, str | PathLike):
        for path in find_files([given]):
            yield from _of_file(path, column, keep)
    elif column is not None:
        times = columns_of(column)
        yield from _of_blocks(table_blocks(given, [*times, *keep], is_frame=is_frame(given)), times)
    else:
        for number, text in enumerate(texts_of(given), 1):
            yield Document(f"document {number}", _text(f"document {number}", text))


def _of_file(path: Path, column: str | None, keep: Sequence[str]) -> Iterator[Document]:
    if column is None:
        if format_of_name(path) is not None:
            raise InputError(f"{path}: is a table: name the column of the texts, --column (column=)")
        for number, line in enumerate(lines_of(path), 1):
            yield Document(f"{path}: line {number}", line.rstrip("\r\n"))
        return
    times = columns_of(column)
    yield from _of_blocks(table_blocks([path], [*times, *keep]), times)


def _of_blocks(blocks: Iterable[Block], times: Mapping[str, int]) -> Iterator[Document]:
    for block in blocks:
        for name, row in block.rows():
            texts, cells = [_text(name, cell) for cell in row[: len(times)]], map(plain, row[len(times) :])
            repeated = (f"\n{text}" * (n - 1) for text, n in zip(texts, times.values(), strict=True))
            yield Document(name, "\n".join(filter(None, texts)), [*cells], "".join(repeated))


def _text(name: str, text: Any) -> str:
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InputError(f"{name} holds {text!r:.80}, which is no text: name the column of the texts (column=)")
    return text
