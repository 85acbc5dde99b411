"""Tables of counted pairs, columns word, context and count: files of rows of any format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordsparse import optional
from wordsparse.corpus.reading import Source, as_paths
from wordsparse.corpus.sources import find_files
from wordsparse.corpus.tables import Block as TableBlock
from wordsparse.corpus.tables import Table, format_of_file
from wordsparse.corpus.tables.arrow import parquet_batches
from wordsparse.errors import InputError
from wordsparse.types import Array

COLUMNS = ("word", "context", "count")
ROWS = 2**17
PARQUET = (".parquet", ".pq")
LARGEST = float(np.finfo(np.float32).max)
"""Of a count; one that rounds to zero in float32 is none."""


class Block(NamedTuple):
    """Some rows of a table: the words and the contexts as distinct strings and the place of each row's, and counts."""

    words: tuple[Sequence[str], Array]
    contexts: tuple[Sequence[str], Array]
    counts: Array


class Numbers:
    """Numbers of words, in the order in which they are first seen."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self._words: Sequence[str] = ()
        self._numbers = np.empty(0, np.int32)

    def __call__(self, column: tuple[Sequence[str], Array]) -> Array:
        """The number of each row's word, int32."""
        words, codes = column
        if words is not self._words:  # most blocks of a table have the words of the one before
            self._words = words
            self._numbers = np.array([self.of.setdefault(word, len(self.of)) for word in words], np.int32)
        return self._numbers[codes]


def blocks(source: Source) -> Iterator[Block]:
    """The rows of tables in files.

    Raises
    ------
    InputError
        If a column is missing, or a row's word, context or count is not usable; the message names the row.
    """
    paths = as_paths(source)
    if paths is None:
        raise InputError("counted pairs must be files: .parquet, .csv, .tsv or .jsonl")
    for path in find_files(paths):
        row, words = 1, _Words()
        for batch in _batches(path):
            try:
                block = _checked(f"{path}: row", row, batch, words)
            except (optional.load("reading counted pairs", "pyarrow").ArrowException, UnicodeDecodeError) as error:
                raise InputError(f"{path}: row {row} or one after it is damaged ({error}); write it again") from error
            yield block
            row += batch.num_rows


def _batches(path: Path) -> Iterator[Any]:
    """Record batches of the three columns."""
    format = format_of_file(path)
    if format == "parquet":
        yield from parquet_batches(path, COLUMNS, ROWS, read_dictionary=list(COLUMNS[:2]))
        return
    arrow = optional.load("reading counted pairs", "pyarrow")
    schema = arrow.schema(list(zip(COLUMNS, (arrow.string(), arrow.string(), arrow.float64()), strict=True)))
    parts = list[Any]()
    for block in Table([path], format).blocks(COLUMNS):
        words, contexts, counts = block.cells()
        parts.append(arrow.record_batch([words, contexts, _numbers(block, counts)], schema))
        if sum(map(len, parts)) >= ROWS:
            yield from arrow.Table.from_batches(parts).combine_chunks().to_batches()
            parts = []
    yield from arrow.Table.from_batches(parts, schema).combine_chunks().to_batches()


def _numbers(block: TableBlock, cells: list[Any]) -> Array:
    """The numbers of a column of text."""
    try:
        return np.array(cells, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{block.name(0)} or one after it: a count is not a number: {error}") from None


class _Words:
    """The words of a dictionary; most batches share the dictionary of the batch before, and its list."""

    def __init__(self) -> None:
        self._dictionary: Any = None
        self.words: list[Any] = []

    def of(self, dictionary: Any) -> list[Any]:
        if self._dictionary is None or not dictionary.equals(self._dictionary):
            self._dictionary, self.words = dictionary, dictionary.to_pylist()
        return self.words


def _checked(name: str, first: int, batch: Any, known: _Words) -> Block:
    columns = []
    for column in COLUMNS[:2]:
        texts = batch.column(column)
        if not hasattr(texts, "dictionary"):
            texts = texts.dictionary_encode()
        if texts.null_count:
            row = first + int(np.flatnonzero(texts.is_null().to_numpy(zero_copy_only=False))[0])
            raise InputError(f"{name} {row} has no {column}: every pair needs one")
        last, words = known.words, known.of(texts.dictionary)
        _check_words(f"{name} {first} or one after it", words if words is not last else ())
        codes = texts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        if codes.size and not 0 <= codes.min() <= codes.max() < len(words):
            raise InputError(f"{name} {first} or one after it: its {column} is damaged; copy or write the file again")
        columns.append((words, codes))
    arrow, column = optional.load("reading counted pairs", "pyarrow"), batch.column("count")
    if arrow.types.is_decimal(column.type):
        column = column.cast(arrow.float64())
    counts = column.to_numpy(zero_copy_only=False)
    if counts.dtype.kind not in "iuf":
        raise InputError(f"{name} {first}: its count is {counts[0]!r:.40}, not a number")
    return Block(columns[0], columns[1], _checked_counts(name, first, counts.astype(np.float64)))


def _check_words(where: str, words: Sequence[object]) -> None:
    for word in words:
        if not isinstance(word, str) or word.split() != [word]:
            raise InputError(f"{where}: {word!r:.80} is not one word")


def _checked_counts(name: str, first: int, counts: Array) -> Array:
    with np.errstate(over="ignore"):
        wrong = ~((counts.astype(np.float32) > 0) & (counts < LARGEST))
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(
            f"{name} {first + place}: its count is {counts[place]}, which is not a positive number of float32"
        )
    return counts
