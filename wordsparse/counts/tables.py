"""Tables of counted pairs with columns word, context and count, in files of any row format or a data frame."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.corpus.reading import Source
from wordsparse.corpus.sources import Corpus, find_files
from wordsparse.corpus.tables import format_of_file, table_blocks
from wordsparse.corpus.tables.arrow import parquet_batches
from wordsparse.errors import InputError
from wordsparse.types import Array

COLUMNS = ("word", "context", "count")
ROWS = 2**17
LARGEST = float(np.finfo(np.float32).max)
"""The largest accepted count. Counts that round to zero in float32 are refused too."""


class Words:
    """The words of tables, numbered in order of first appearance: ``numbers`` maps each word to its number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._dictionary: Any = None
        self._texts = list[Any]()  # words of the Arrow dictionary, some of which may occur in no row
        self._of_codes = np.empty(0, np.int32)  # -1 for a word that has no number yet

    def of(self, column: Any, where: str) -> Array:
        """Return the number of each word in an Arrow column, int32. Raise InputError if a word is empty or not text."""
        if not hasattr(column, "dictionary"):
            column = column.dictionary_encode()
        # Most blocks have the same words as the previous block.
        if self._dictionary is None or not column.dictionary.equals(self._dictionary):
            self._dictionary, self._texts = column.dictionary, column.dictionary.to_pylist()
            self._of_codes = np.full(len(self._texts), -1, np.int32)
        codes = column.indices.to_numpy(zero_copy_only=False)
        for code in np.unique(codes[self._of_codes[codes] < 0]).tolist():
            self._of_codes[code] = self._number(self._texts[code], where)
        numbers: Array = self._of_codes[codes]
        return numbers

    def _number(self, word: object, where: str) -> int:
        if not isinstance(word, str) or not word:
            raise InputError(f"{where}: {word!r:.80} is no word")
        return self.numbers.setdefault(word, len(self.numbers))


def tables_of(source: Source) -> list[Any]:
    """Return a list of table files, or of one data frame. Raise InputError for any other source."""
    corpus = Corpus.of(source)
    if corpus.form == "frame":
        return [source]
    if corpus.paths is None:
        raise InputError("counted pairs must be files, .parquet, .csv, .tsv or .jsonl, or a data frame")
    return list(find_files(corpus.paths))


def pairs(table: Any, words: Words) -> Iterator[tuple[Array, Array, Array]]:
    """Yield blocks of rows of a table (a path or a data frame): numbers of words and of contexts, and counts (float64).

    Raise InputError if a column is missing, or if the word, context or count of a row cannot be used. The message names
    the row, or the first row of its block.
    """
    arrow = optional.load("reading counted pairs", "pyarrow")
    row, name = 1, str(table) if isinstance(table, Path) else "the data frame"
    for batch in _batches(table, arrow):
        where = f"{name}: row {row} or a later row"
        try:
            texts = [_complete(f"{name}: row", row, batch, column) for column in COLUMNS[:2]]
            counts = batch.column(COLUMNS[2]).cast(arrow.float64(), safe=False)
            block = words.of(texts[0], where), words.of(texts[1], where), _counts(f"{name}: row", row, counts)
        except (arrow.ArrowException, UnicodeDecodeError, IndexError) as error:
            raise InputError(f"{where} cannot be used: {error}; correct it") from error
        yield block
        row += batch.num_rows


def _batches(table: Any, arrow: Any) -> Iterator[Any]:
    """Yield record batches with the three columns."""
    is_file = isinstance(table, Path)
    if is_file and format_of_file(table) == "parquet":
        yield from parquet_batches(table, COLUMNS, ROWS, read_dictionary=list(COLUMNS[:2]))
        return
    schema = arrow.schema(list(zip(COLUMNS, (arrow.string(), arrow.string(), arrow.float64()), strict=True)))
    parts = list[Any]()
    for block in table_blocks([table] if is_file else table, COLUMNS, is_frame=not is_file):
        words, contexts, counts = block.cells()
        try:
            parts.append(arrow.record_batch([words, contexts, np.array(counts, np.float64)], schema))
        except (arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{block.name(0)} or a later row cannot be used: {error}; correct it") from error
        if sum(map(len, parts)) >= ROWS:
            yield from arrow.Table.from_batches(parts).combine_chunks().to_batches()
            parts = []
    yield from arrow.Table.from_batches(parts, schema).combine_chunks().to_batches()


def _complete(where: str, first: int, batch: Any, name: str) -> Any:
    """Return a column. Raise InputError if a cell is missing."""
    column = batch.column(name)
    if column.null_count:
        row = first + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(f"{where} {row} has no {name}: every pair needs one")
    return column


def _counts(where: str, first: int, column: Any) -> Array:
    counts: Array = column.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        wrong = ~((counts.astype(np.float32) > 0) & (counts < LARGEST))
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(f"{where} {first + place}: its count is {counts[place]}, not a positive float32 number")
    return counts
