"""The argument and the options of the commands that read text: encode, train and compare."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import Choice, Decorated, FilePath, given
from wordsparse.cli.options import options_of
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import RawText
from wordsparse.corpus.sources import ADDRESS, NOT_LOCAL, STANDARD_INPUT
from wordsparse.corpus.tables import format_of_name
from wordsparse.corpus.tokens import TOKENIZERS, Splitter
from wordsparse.errors import InputError
from wordsparse.options import abouts
from wordsparse.words.model import Model


class _TextPath(FilePath):
    """The path of a text; ``-`` is standard input."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error if it is empty."""
        if ADDRESS.match(name := os.fspath(value)):  # whose two slashes a Path would make one
            raise InputError(NOT_LOCAL.format(name))
        path: Path = super().convert(value, param, ctx)
        return STANDARD_INPUT if value == "-" else path


corpus_argument = click.argument("corpus", nargs=-1, required=True, type=_TextPath(path_type=Path))
# The options of commands that read a language, with a vocabulary of any size.
NAMES = [name for name in abouts(TextOptions) if name not in ("max_vocab", "group", "order")]
reading_options = options_of(TextOptions, NAMES)


def model_text_options(command: Decorated) -> Decorated:
    """The options of a command that reads a text for a finished model; :func:`text_for` takes them."""
    tokens = click.option("--tokens", type=Choice(list(TOKENIZERS)), help="The tokeniser.  [default: the model's]")
    return options_of(TextOptions, ["format", "column"])(tokens(command))


def splitter(model: Model, tokens: str | None) -> Splitter:
    """Splits texts into words as the model's own text was, or by another tokeniser."""
    return model.split if tokens is None else Splitter(tokens)


def column_of(model: Model, paths: Sequence[Path], column: str | None, format: str | None) -> str | None:
    """The column of the text in files of rows: that of the model's text where none is given."""
    if column is not None or format is not None or "group" in model.call:
        return column
    return model.call.get("column") if all(map(format_of_name, paths)) else None


def text_for(
    model: Model,
    paths: Sequence[Path],
    format: str | None,
    column: str | None,
    tokens: str | None,
) -> RawText:
    """The text of files, split into words as the model's own text was, or by another tokeniser."""
    column = column_of(model, paths, column, format)
    return RawText(list(paths), format, splitter(model, tokens), column)


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options of reading that are given out of all options of a command."""
    return given({name: options.pop(name) for name in NAMES})
