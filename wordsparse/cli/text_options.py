"""The argument and the options of the commands that read text: encode, train and compare."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import FilePath
from wordsparse.cli.options import options_of
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.corpus.tables import format_of_name
from wordsparse.words.model import Model


class _TextPath(FilePath):
    """The path of a text; ``-`` is standard input."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error if it is empty."""
        path: Path = super().convert(value, param, ctx)
        return STANDARD_INPUT if value == "-" else path


corpus_argument = click.argument("corpus", nargs=-1, required=True, type=_TextPath(path_type=Path))
# The options of commands that read a language, with a vocabulary of any size.
reading_options = options_of(TextOptions, ["format", "column", "tokens", "min_count"])
column_option = options_of(TextOptions, ["column"])


def column_of(model: Model, paths: Sequence[Path], column: str | None) -> str | None:
    """The column of the text in files of rows: that of the model's text where none is given."""
    if column is not None or "group" in model.call:
        return column
    return model.call.get("column") if all(map(format_of_name, paths)) else None
