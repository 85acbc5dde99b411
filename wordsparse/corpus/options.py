"""The options for turning text into tokens and ids, shared by ``encode``, ``train`` and every other reader of text."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tables.groups import half_life
from wordsparse.errors import InputError
from wordsparse.options import Checked, option
from wordsparse.tokens.phrases import ENGLISH, Phrases
from wordsparse.tokens.tokenizers import TOKENIZERS
from wordsparse.validation import positive_int, whole

MOST_PASSES, MOST_CONNECTORS = 8, 255
ROWS = ("format", "column", "group_by", "order_by", "weight_column", "min_groups", "half_life")
"""Names of the options for reading rows."""


def _phrases(name: str, value: Any) -> int | Phrases:
    """Check a number of passes. Phrases that another text had are accepted, too."""
    return value if isinstance(value, Phrases) else whole(name, value, 1, MOST_PASSES)


def _connectors(name: str, value: Any) -> tuple[str, ...]:
    """Return connectors, given as a list or separated by commas, as a tuple."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{name} must be a list of words, not {value!r:.80}")
    if len(words) > MOST_CONNECTORS:
        raise InputError(f"{name}: {len(words)} words are too many: give at most {MOST_CONNECTORS}")
    return tuple(dict.fromkeys(filter(None, words)))


@dataclass(frozen=True, kw_only=True)
class TextOptions(Checked):
    """Options for turning text into tokens and ids."""

    format: str | None = option(
        None,
        "Format of the files.",
        shown="lines; with --column, the format given by each file's suffix",
        choices={name: format.about for table in (FORMATS, TABLES) for name, format in table.items()},
    )
    column: str | None = option(
        None,
        'Column of the text in a table; title,text joins two columns, and "a,b" is the column a,b.',
        metavar="NAME",
    )
    group_by: str | None = option(
        None,
        "Column by which rows are grouped: rows with the same value form one basket or session. Unless a "
        "tokeniser is chosen, each cell of the text's column is one word of a basket.",
        metavar="NAME",
    )
    order_by: str | None = option(
        None,
        "Column of numbers or dates by which the rows of a group are sorted.",
        shown="the order of the rows",
        metavar="NAME",
    )
    weight_column: str | None = option(
        None,
        "Column with the weight of a row: a row with weight 17 counts as if it occurred 17 times. Weights of grouped "
        "rows may be fractions, such as .2 for a view and 1 for a purchase.",
        metavar="NAME",
    )
    min_groups: int | None = option(
        None,
        "Leave out items that fewer than N groups have, such as codes of fewer than N patients.",
        metavar="N",
        check=positive_int,
    )
    half_life: str | None = option(
        None,
        "Weigh items by age: an item of this age counts half as much as the latest item. Give a number with a unit "
        "(30d, 12h, 4w), or a number in the unit of the column --order-by.",
        shown="all items count alike",
        metavar="TIME",
        check=half_life,
    )
    tokens: str | os.PathLike[str] | Callable[[str], list[str]] | None = option(
        None,
        "Tokeniser. If one is given, the items of an iterable are texts (str).",
        shown="split; simple for the format wiki and, in train, for columns, --for search, and str in Python",
        choices={
            **{name: tokenizer.about for name, tokenizer in TOKENIZERS.items()},
            "FILE.json": "subwords from a Hugging Face tokenizer file; needs wordsparse[tokenizers]",
        },
        open=True,
        metavar="NAME",
    )
    min_count: int = option(5, "Minimum count of a word.", shown="5; 1 with --for items or walks", check=positive_int)
    phrases: int | Phrases | None = option(
        None,
        "Join words that occur together far more often than by chance, such as new_york. N passes find phrases of up "
        "to 2^N words, and more with connectors.",
        metavar="N",
        check=_phrases,
    )
    connectors: Sequence[str] | None = option(
        None,
        "Words that may stand inside a phrase, but not at its ends.",
        shown=",".join(ENGLISH),
        metavar="WORD,WORD",
        check=_connectors,
    )
    max_vocab: int | None = option(None, "Maximum number of words; the most frequent are kept.", check=positive_int)


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(TextOptions):
    """The options of :func:`wordsparse.encode`."""

    known: Collection[str] = option((), "Words of the text to keep in the vocabulary, even if they are rare.")
    are_items: bool = option(
        False,
        "Whether the words are names of items, such as products, about which no advice on tokenisers is given.",
        cli=None,
    )
    are_documents: bool = option(False, "Whether each cell, or str, is one document: its lines are joined.", cli=None)
    threads: int | None = option(
        None, "Number of threads, which does not affect the result.", shown="all CPUs", check=positive_int
    )
    progress: Callable[[int, float | None], object] | None = option(
        None,
        "Function called at intervals with the number of tokens and the share of the files' bytes read so far, or "
        "None if the share is unknown.",
        cli=None,
    )
