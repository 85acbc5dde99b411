"""Reads a text that is not encoded yet, from files or an iterable, as a stream of pieces of sentences.

A *piece* is ``(tokens, ends_sentence)``. A long sentence is split into several pieces, so memory is bounded for
sentences of any length.
"""

import functools
import itertools
import logging
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wordsparse.corpus.blocks import decoded, line_name, text_blocks
from wordsparse.corpus.sources import Corpus, find_files
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tables import Block, format_of_file, format_of_name, groups, needs_column, table_blocks
from wordsparse.corpus.wiki import wiki_pieces
from wordsparse.errors import InputError
from wordsparse.files.escaping import listed
from wordsparse.machine.threads import ordered_map
from wordsparse.tokens.filtering import Filter, failure, is_text
from wordsparse.tokens.records import tokenization
from wordsparse.tokens.tokenizers import Splitter, Tokenizer, checked, tokenizer

PathLike: TypeAlias = str | os.PathLike[str]
Source: TypeAlias = PathLike | Sequence[PathLike] | Iterable[object] | Corpus
Piece: TypeAlias = tuple[Sequence[str], bool]

BLOCK_TOKENS, BLOCK_CHARACTERS = 2**16, 2**18

_COLUMN = (
    "name the column of the text, --column NAME (column=); train, encode and count also read baskets, --column ITEM "
    "--group-by USER (column=, group_by=); --format lines (format='lines') reads the file as plain text"
)

logger = logging.getLogger(__name__)


class TextBlock(NamedTuple):
    """A block of text.

    ``content`` is UTF-8 text that ends at white space, or a list of pieces. With ``lines``, the end of a line ends a
    sentence. ``check()`` raises InputError if the block is not valid UTF-8. ``where`` maps the number of a line in the
    block, counted from 0, to its name in messages.
    """

    content: bytes | list[Piece]
    check: Callable[[], object] = lambda: None
    lines: bool = True
    where: Callable[[int], str] = str

    def words(self, tokenize: Filter) -> bytes | Sequence[Piece]:
        """Return the content, either as text with white space between words or as pieces."""
        if isinstance(self.content, list):
            return self.content
        if not tokenize.is_identity:
            self.check()
        return tokenize(self.content, self.lines, self.where)

    def pieces(self, tokenize: Filter) -> Sequence[Piece]:
        """Return the content as pieces, one for each line or part of a line."""
        words = self.words(tokenize)
        if not isinstance(words, bytes):
            return words
        self.check()
        *lines, rest = words.decode().split("\n") if self.lines else [words.decode()]
        pieces: list[Piece] = [(line.split(), True) for line in lines]
        return [*pieces, (rest.split(), False)] if rest else pieces


class RawText:
    """A text and the options for reading it. The text is a path, a list of paths, a data frame, or an iterable.

    A directory stands for all files below it, sorted by name. Files may be compressed: .gz, .bz2, .xz or .zst. The
    items of an iterable are sentences, which are iterables of tokens. With ``tokens``, the items are texts (str), in
    which each line is a sentence. With ``column``, the items are mappings, one for each row of a table. Empty tokens of
    an iterable are left out; a warning counts them.

    The options are fields of :class:`wordsparse.corpus.options.TextOptions`. The default of ``tokens`` is ``simple``
    for ``wiki`` and ``split`` for other files. By default, the items of an iterable must already be split into tokens.
    With ``group_by``, each cell is one token unless ``tokens`` is given. If ``items`` is True, each cell is one token
    in any case. If ``documents`` is True, the lines of a cell, or of a str, are one sentence. ``names`` are the column
    names of CSV files without a header. With ``weight_column``, a row occurs as often as its cell in this column says;
    with ``group_by``, copies of a row may also weigh less than 1 each.

    InputError is raised if an option is unknown or does not fit the source, if a file is missing or unreadable, or if
    all files are empty. MissingDependencyError is raised if the package that a tokeniser or a format needs is not
    installed.

    Attributes
    ----------
    files : list of Path or None
        The files; None for an iterable.
    tokens : str or None
        The name of the tokeniser; None for an iterable of tokens, and for a callable.
    tokenization : dict or None
        The record of the tokeniser: :mod:`wordsparse.tokens.records`.
    column : str or None
        The column that holds the text; None if the text is not in rows.
    is_scanned : bool
        True if the blocks hold UTF-8 text that no tokeniser has split yet; False if the blocks hold lists of tokens.
    """

    def __init__(
        self,
        source: Source,
        format: str | None = None,
        tokens: PathLike | Tokenizer | None = None,
        column: str | None = None,
        *,
        group_by: str | None = None,
        order_by: str | None = None,
        weight_column: str | None = None,
        min_groups: int | None = None,
        half_life: str | float | None = None,
        items: bool = False,
        documents: bool = False,
        names: Sequence[str] = (),
    ) -> None:
        known, format = [*FORMATS, *TABLES], "csv" if names else format
        if format is not None and format not in known:
            raise InputError(f"unknown format {format!r}: choose one of {', '.join(known)}")
        corpus = Corpus.of(source)
        is_rows, paths = corpus.form == "frame", corpus.paths
        if paths is None and not is_rows and not isinstance(corpus.given, Iterable):
            raise InputError(f"give a path, a list of paths, or an iterable of sentences, not {corpus.given!r}")
        if order_by is not None and group_by is None:
            raise InputError("order_by sorts the rows of each group: name their column too (group_by, --group-by)")
        if min_groups is not None and group_by is None:
            raise InputError("min_groups counts groups of rows: name their column too (group_by, --group-by)")
        if half_life is not None and order_by is None:
            raise InputError("half_life weighs items by age: name the column of their times too (order_by, --order-by)")
        if paths is None and format is not None:
            raise InputError(f"format {format!r} applies to files only: leave it out for an iterable")
        if column is not None and format in FORMATS:
            raise InputError(f"the format {format!r} has no columns: choose one of {', '.join(TABLES)}")
        self.files = None if paths is None else find_files(paths)
        if column is None and not names:
            for file in self.files or ():
                if (kind := format or format_of_name(file)) in TABLES:
                    raise needs_column(file, kind, _COLUMN)
        if column is None and (is_rows or group_by is not None or weight_column is not None or names):
            columns = f": its columns are {listed([*map(str, corpus.given.columns)])}" if is_rows else ""
            raise InputError(f"a table needs the name of the column that holds the text or the items (column){columns}")
        is_text = group_by is None and not items and (paths is not None or column is not None)
        if tokens is None and is_text:
            tokens = "simple" if format == "wiki" else "split"
        self.column, self._format, self._names, self._weight = column, format, names, weight_column
        self._groups = (
            None
            if group_by is None
            else groups.Columns(str(column), group_by, order_by, weight_column, min_groups or 1)
        )
        are_weighed = half_life is not None or (group_by is not None and weight_column is not None)
        self._half_life, self._marks = half_life, array("d") if are_weighed else None
        self._source = corpus.given
        self.tokenization: dict[str, str] | None = None
        if isinstance(tokens, str | os.PathLike):
            self.tokenization = tokenization(tokens)
            self._tokenize: Tokenizer | None = tokenizer(**self.tokenization)
        else:
            self.tokenization = tokens.tokenization if isinstance(tokens, Splitter) else None
            self._tokenize = None if tokens is None else checked(tokens)
        self.tokens = None if self.tokenization is None else self.tokenization["tokens"]
        if self.files is not None and column is not None and format is None:
            for file in self.files:
                format_of_file(file)
        self._is_frame, self._are_documents = is_rows, documents and group_by is None
        self._lines = FORMATS[format or "lines"].lines if column is None else True
        self.is_scanned = tokens is not None and group_by is None and self._lines is not None

    def filter(self, workers: int) -> Filter:
        """Return a filter that applies the tokeniser to blocks."""
        return Filter(self._tokenize or str.split, self.tokenization, workers)

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the text in blocks of bounded size.

        Raise InputError that names the file, item or row if a file is binary or damaged, or if an item or a row does
        not have the form described in the docstring of the class.
        """
        if not self.is_scanned:
            return _in_blocks(self._unscanned())
        if self.column is not None:
            return map(self._block_of_rows, self._blocks_of_column())
        if self.files is None:
            return self._blocks_of_texts()
        return itertools.chain.from_iterable(map(self._blocks_of, self.files))

    def _blocks_of(self, file: Path) -> Iterator[TextBlock]:
        is_open = False
        for position, data in text_blocks(file):
            check = functools.partial(decoded, file, position, data)
            yield TextBlock(data, check, bool(self._lines), functools.partial(line_name, file, position))
            is_open = not (self._lines and data.endswith(b"\n")) if data else is_open
        if is_open:
            yield TextBlock([([], True)])

    def _block_of_rows(self, block: Block) -> TextBlock:
        if (text := block.text()) is not None:
            return TextBlock(text + b"\n", block.check_text, where=block.name_of_line)
        return TextBlock(list(_iterable_pieces(self._sentences([block]))))

    def _blocks_of_texts(self) -> Iterator[TextBlock]:
        """Yield the texts of an iterable in blocks."""
        waiting, first, size = list[str](), 1, 0
        for number, text in enumerate(self._source, 1):
            if not isinstance(text, Iterable) and (text is None or groups.is_nan(text)):
                text = ""  # a missing value has no words, as an empty cell of a table
            if not isinstance(text, str):
                problem = f"text {number} is {text!r:.80}, not a str: give texts, name their column (column=)"
                raise InputError(f"{problem}, or leave tokens={self.tokens!r} out")
            waiting.append(text.replace("\n", " ") if self._are_documents else text)
            size += len(text)
            if size >= BLOCK_CHARACTERS:
                yield self._block_of_texts(waiting, first)
                waiting, first, size = [], number + 1, 0
        yield self._block_of_texts(waiting, first)

    def _block_of_texts(self, texts: list[str], first: int) -> TextBlock:
        block = Block("", range(first, first + len(texts)), [texts], "text")
        return self._block_of_rows(block)

    def pieces(self, workers: int = 1) -> Iterator[Piece]:
        """Yield the text in pieces of bounded size: parts of a line, of a cell or of a sentence of an iterable.

        Raise InputError as :meth:`blocks` does, and also if a text is not UTF-8.
        """
        with self.filter(workers) as tokenize:
            for pieces in ordered_map(
                lambda block: block.pieces(tokenize), self.blocks(), workers, stop=tokenize.close
            ):
                yield from pieces

    def _unscanned(self) -> Iterator[Piece]:
        if self._groups is not None:
            # A half-life without a unit is a number in the unit of the column, so dates are refused.
            kind = "number" if isinstance(self._half_life, float) else ""
            return groups.pieces(*self._of_groups(), self._marks, kind)
        if self.column is not None:
            return _iterable_pieces(self._sentences(self._blocks_of_column()))
        if self.files is None:
            return _iterable_pieces(
                _token_list(f"sentence {n}", sentence) for n, sentence in enumerate(self._source, 1)
            )
        read, tokenize = FORMATS[str(self._format)].read, self._tokenize
        assert tokenize is not None
        assert read is not None
        return itertools.chain.from_iterable(read(file, tokenize) for file in self.files)

    def weights(self) -> Any:
        """Return the weight, by row and by age, of each word and each end of a sentence that was read, float32; None if
        all weigh 1."""
        if self._marks is None:
            return None
        places, weights = np.asarray(self._marks).reshape(-1, 2).T
        if self._half_life is not None:
            weights = weights * groups.weights_by_age(places, self._half_life)
        return None if (weights == 1).all() else weights.astype(np.float32)

    def baskets(self, kind: str = "") -> Iterator[tuple[groups.Key, Iterator[tuple[Any, int | float | None]]]]:
        """Yield the name of each group of rows, and the words of the group in order. Each word comes with the value
        that its row has in the column ``order``. A date becomes the number of seconds since 1970. With ``kind``
        "number", raise InputError for a date; with "date", for a number."""
        for name, placed in groups.baskets(*self._of_groups(), kind):
            yield name, ((word, place) for word, place, _ in placed)

    def _of_groups(self) -> tuple[Iterator[Block], groups.Words, groups.Columns]:
        assert self._groups is not None
        return self._blocks_of_rows(self._groups.named()), self._words, self._groups

    def _words(self, name: str, cell: object) -> list[str]:
        """Return the words of a cell of a basket."""
        if self._tokenize is None and type(cell) is str:  # a fast path for nearly all cells
            return [cell] if cell else []
        sentences = self._sentences_of(name, cell)
        return [word for tokens in sentences for word in tokens if not isinstance(word, str) or word]

    def rows(self, columns: Sequence[str], workers: int = 1) -> Iterator[tuple[str, tuple[Any, ...], list[list[Any]]]]:
        """Yield, for each row, its name for messages, its cells in ``columns``, and the tokens of the sentences in its
        text.

        Raise InputError as :meth:`pieces` does, and also if the text is not in a column of rows, or the rows are
        grouped.
        """
        named = ", ".join(map(repr, columns))
        if self.column is None:
            raise InputError(f"the column {named} needs rows: also name the column that holds the text (column)")
        if self._groups is not None:
            grouped = f"rows are grouped by {self._groups.group!r}"
            raise InputError(f"the column {named} needs single rows, but {grouped}: leave out one of the two")
        blocks = self._blocks_of_rows([self.column, *columns])
        with self.filter(workers) as tokenize:
            for rows in ordered_map(
                lambda block: self._split_rows(block, tokenize), blocks, workers, stop=tokenize.close
            ):
                yield from rows

    def _split_rows(self, block: Block, tokenize: Filter) -> list[tuple[str, tuple[Any, ...], list[list[Any]]]]:
        """Return the rows of a block, as :meth:`rows` yields them. The first cell of a row holds the text."""
        lines: Iterator[Piece] | None = None
        if self.is_scanned and block.text() is not None:
            lines = iter(self._block_of_rows(block).pieces(tokenize))
        split = []
        for name, (text, *cells) in block.rows():
            if lines is None:
                sentences = [*self._sentences_of(name, text)]
            else:
                sentences = [list(next(lines)[0]) for _ in range(0 if text is None else text.count("\n") + 1)]
            split.append((name, tuple(cells), sentences))
        return split

    def _blocks_of_column(self) -> Iterator[Block]:
        """Yield the cells of the text, each as often as its row counts."""
        if self._weight is None:
            return self._blocks_of_rows([str(self.column)])
        return groups.repeated(self._blocks_of_rows([str(self.column), self._weight]), self._weight)

    def _blocks_of_rows(self, columns: Sequence[str]) -> Iterator[Block]:
        source = self._source if self.files is None else self.files
        blocks = table_blocks(source, columns, self._format, self._names, self._is_frame)
        return map(_in_one_line, blocks) if self._are_documents else blocks

    def _sentences(self, blocks: Iterable[Block]) -> Iterator[list[Any]]:
        """Yield the sentences in blocks of rows. Each row has a single cell."""
        for name, (cell,) in itertools.chain.from_iterable(map(Block.rows, blocks)):
            yield from self._sentences_of(name, cell)

    def _sentences_of(self, name: str, cell: object) -> Iterator[list[Any]]:
        """Yield the sentences of a cell. Each line of a text is a sentence, and a list of tokens is one sentence. A
        missing value has no sentences."""
        if self._tokenize is None:  # the cell is a word of a basket, or a list of its words
            cells = cell if isinstance(cell, list | tuple | np.ndarray) else [cell]
            yield [word for each in cells if (word := groups.text_of(name, each)) is not None]
        elif isinstance(cell, list | tuple | np.ndarray):
            yield list(cell)
        elif isinstance(cell, str):
            if not is_text(cell):
                raise InputError(f"{name} holds {cell!a:.80}, which is not valid Unicode text: correct the cell")
            for line in cell.split("\n"):
                try:
                    yield self._tokenize(line)
                except Exception as error:
                    raise failure(name, error) from None
        elif cell is not None:
            raise InputError(f"{name} holds {cell!r:.80}, which is neither text nor a list of tokens: correct the cell")


def _in_one_line(block: Block) -> Block:
    """Return a block in which each cell of the text is one line."""
    first, *others = block.cells()
    first = [cell.replace("\n", " ") if isinstance(cell, str) else cell for cell in first]
    return block._replace(columns=[first, *others])


def joined(stream: Iterator[Piece], *, blank: bool = False) -> Iterator[list[str]]:
    """Join the pieces of a stream into sentences, and yield them. Empty sentences are left out unless ``blank`` is
    True."""
    sentence: list[str] = []
    for tokens, ends_sentence in stream:
        sentence.extend(tokens)
        if ends_sentence and (sentence or blank):
            yield sentence
            sentence = []


def _in_blocks(stream: Iterator[Piece]) -> Iterator[TextBlock]:
    """Yield pieces in blocks of about BLOCK_TOKENS tokens. Lists of tokens are copied, because the user's iterable
    may reuse a list for the next sentence."""
    block, size = list[Piece](), 0
    for tokens, ends_sentence in stream:
        block.append((list(tokens), ends_sentence))
        size += len(tokens)
        if size >= BLOCK_TOKENS:
            yield TextBlock(block)
            block, size = [], 0
    yield TextBlock(block)


def _iterable_pieces(sentences: Iterable[list[Any]]) -> Iterator[Piece]:
    empty = 0
    for tokens in sentences:
        if "" in tokens:
            total, tokens = len(tokens), [token for token in tokens if not isinstance(token, str) or token]
            empty += total - len(tokens)
        yield tokens, True
    if empty:
        logger.warning(
            "%s empty tokens were left out (line.split(' ') returns one at a double space, line.split() does not)",
            f"{empty:,}",
        )


def _token_list(name: str, sentence: object) -> list[Any]:
    """Return the tokens of a sentence. Raise InputError if the sentence is not a list of tokens."""
    if isinstance(sentence, list):
        return sentence
    if isinstance(sentence, Mapping):
        raise InputError(f"{name} is a dict, not a list of tokens: choose a column (column=), {listed(list(sentence))}")
    if isinstance(sentence, str):
        raise InputError(
            f"{name} is {sentence!r:.80}, not a list of tokens: split it, or name a tokeniser (tokens='unicode')"
        )
    if isinstance(sentence, bytes | os.PathLike) or not isinstance(sentence, Iterable):
        raise InputError(f"{name} is {sentence!r:.80}, not a list of tokens (paths go in a list)")
    return list(sentence)


class Format(NamedTuple):
    """A format of text files.

    ``about`` is a line for help messages. ``lines`` says whether the end of a line ends a sentence. A format with its
    own reader has the function ``read``, which takes a path and a tokeniser and yields pieces, and its ``lines`` is
    None.
    """

    about: str
    lines: bool | None
    read: Callable[[Path, Tokenizer], Iterator[tuple[list[str], bool]]] | None = None


FORMATS = {
    "lines": Format("each line is a sentence", lines=True),
    "text8": Format("each file is one sentence; line ends are white space", lines=False),
    "wiki": Format("a dump of Wikipedia (XML), each article a sentence; needs wordsparse[wiki]", None, wiki_pieces),
}
