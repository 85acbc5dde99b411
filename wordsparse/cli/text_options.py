"""The argument and the options of the commands that read text: encode, train and compare."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from wordsparse.corpus.columns import ROW_FORMATS
from wordsparse.corpus.phrases import THRESHOLD
from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.sources import ADDRESS, NOT_LOCAL, STANDARD_INPUT
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.errors import InputError
from wordsparse.words.presets import PRESETS

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _TextPath(click.Path):
    """The path of a text; ``-`` is standard input. An empty one would be the current directory."""

    name = "path"

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error if it is empty."""
        if not os.fspath(value):
            self.fail("the path is empty", param, ctx)
        if ADDRESS.match(name := os.fspath(value)):  # whose two slashes a Path would make one
            raise InputError(NOT_LOCAL.format(name))
        return STANDARD_INPUT if value == "-" else Path(value)


def _choices(title: str, described: Mapping[str, str]) -> str:
    """The help of an option whose value is one of the ``described`` names: a line for each."""
    return "\n".join([title, "", "\b", *(f"{name}: {text}" for name, text in described.items())])


corpus_argument = click.argument("corpus", nargs=-1, required=True, type=_TextPath())

NAMES = ("format", "column", "tokens", "phrases", "phrase_threshold")
_FORMATS = {name: format.about for name, format in FORMATS.items()}
_FORMATS |= {name: format.about for name, format in ROW_FORMATS.items()}
_OPTIONS = (
    click.option(
        "--format",
        type=click.Choice(list(_FORMATS)),
        help=_choices("Format of the files.  [default: lines; with --column, by the names of the files]", _FORMATS),
    ),
    click.option("--column", metavar="NAME", help="Column that holds the text in files of rows (csv, jsonl, parquet)."),
    click.option(
        "--tokens",
        type=click.Choice(list(TOKENIZERS)),
        help=_choices(
            "What a token is.  [default: split; for the format wiki, simple]",
            {name: tokenizer.about for name, tokenizer in TOKENIZERS.items()},
        ),
    ),
    click.option(
        "--phrases",
        type=int,
        metavar="PASSES",
        help="Join pairs of words that occur together far more often than apart (new_york), so many times.  "
        "[default: 0]",
    ),
    click.option(
        "--phrase-threshold",
        type=float,
        metavar="SCORE",
        help=f"Score above which a pair is a phrase, as in gensim's Phrases.  [default: {THRESHOLD:g}]",
    ),
)

preset_option = click.option(
    "--for",
    "preset",
    type=click.Choice(list(PRESETS)),
    default="text",
    show_default=True,
    help=_choices(
        "Kind of sequences, which chooses the defaults of other options.",
        {name: preset.about for name, preset in PRESETS.items()},
    ),
)

min_count_option = click.option(
    "--min-count",
    type=int,
    help=f"Minimum count of a word.  [default: {PRESETS['text'].min_count}; with --for items or walks 1]",
)


def text_options(command: Decorated) -> Decorated:
    """The options that say how text becomes tokens; each is None where it is not given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """Take these options out of all options of a command: those that are given."""
    found = {name: options.pop(name) for name in NAMES}
    return {name: value for name, value in found.items() if value is not None}
