"""The argument and the options of the commands that read text: encode, train and compare."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from wordsparse.corpus.reading import FORMATS
from wordsparse.corpus.sources import STANDARD_INPUT


class _TextPath(click.Path):
    """The path of a text; ``-`` is standard input. An empty one would be the current directory."""

    name = "path"

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error if it is empty."""
        if not os.fspath(value):
            self.fail("the path is empty", param, ctx)
        return STANDARD_INPUT if value == "-" else Path(value)


def _choices(title: str, described: Mapping[str, str]) -> str:
    """The help of an option whose value is one of the ``described`` names: a line for each."""
    return "\n".join([title, "", "\b", *(f"{name}: {text}" for name, text in described.items())])


corpus_argument = click.argument("corpus", nargs=-1, required=True, type=_TextPath())

format_option = click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    help=_choices("How files are read.  [default: lines]", {name: format.about for name, format in FORMATS.items()}),
)
