"""How a text becomes tokens and ids: the options of ``encode``, ``train`` and all that reads text."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import Any, cast

from wordsparse import validation
from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.options import option

MIN_COUNT = 5
"""The default minimum count of a word in text."""


class PlainOptions:
    """Options that JSON and TOML can hold: NumPy's numbers and strings among them become Python's. InputError if
    ``min_count`` or ``max_vocab`` is among them and out of range."""

    def __post_init__(self) -> None:
        for field in fields(cast("Any", self)):
            object.__setattr__(self, field.name, validation.plain(getattr(self, field.name)))
        for name in ("min_count", "max_vocab"):
            if getattr(self, name, None) != getattr(type(self), name, None):  # the default
                validation.positive_int(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class TextOptions(PlainOptions):
    """The options that say how text becomes tokens and ids; None is the default of each."""

    format: str | None = option(
        None,
        "Format of the files.",
        shown="lines; with --column, by the names of the files",
        choices={name: format.about for table in (FORMATS, TABLES) for name, format in table.items()},
    )
    column: str | None = option(
        None,
        "Column that holds the text in files of rows (csv, jsonl, parquet), a data frame, or an iterable of mappings.",
        metavar="NAME",
    )
    group: str | None = option(
        None,
        "Column by which rows are grouped: rows that share its value are one basket or session. A cell of the "
        "text's column is then one word, unless tokens are named.",
        cli="group-by",
        metavar="NAME",
    )
    order: str | None = option(
        None,
        "Column of numbers or dates by which the rows of a group are sorted.",
        shown="as they come",
        cli="order-by",
        metavar="NAME",
    )
    tokens: str | None = option(
        None,
        "What a token is. With it, the items of an iterable are texts (str).",
        shown="split; for the format wiki, simple",
        choices={name: tokenizer.about for name, tokenizer in TOKENIZERS.items()},
    )
    min_count: int | None = option(None, "Minimum count of a word.", shown=f"{MIN_COUNT}; with --for items or walks 1")
    max_vocab: int | None = option(None, "Maximum number of words; the most frequent are kept.")


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(TextOptions):
    """The options of :func:`wordsparse.encode`."""

    known: Collection[str] = option((), "Words that are in the vocabulary whatever their count, if they occur.")
    threads: int | None = option(None, "Number of threads; the result does not depend on it.", shown="all CPUs")
    progress: Callable[[int], object] | None = option(
        None, "Called at intervals with the number of tokens read so far.", cli=None
    )
