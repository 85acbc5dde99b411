"""``wordsparse advise``, which says whether wordsparse suits the data, and names another method if it does not."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH, emit, given, json_option, quiet_option
from wordsparse.cli.options import reading_options


@click.command()
@click.argument("corpus", nargs=-1, type=PATH)
@click.option("--features", metavar="X", type=PATH, help="Rows: a text file with labels, or an npz file of features.")
@click.option("--targets", metavar="Y", type=PATH, help="npz file of targets, if the features X are an npz file.")
@click.option("--budget", default=60.0, show_default=True, metavar="SECONDS", help="Time for the trial; 0: no trial.")
@click.option("--dim", default=100, show_default=True, help="Number of dimensions of word vectors, for a text.")
@reading_options
@quiet_option
@json_option
def command(as_json: bool, quiet: bool, corpus: tuple[Path, ...], **options: Any) -> None:
    """Tell whether the exact layer suits your data.

    The data are either the text CORPUS or rows of numbers (--features and --targets).

    The command compares sizes and losses, times a step of the layer and of a dense layer, and runs a trial within
    --budget. The command may recommend another method.
    """
    from wordsparse.advice import advise, lines

    content = advise(list(corpus) or None, **given(options))
    emit(content, lines(content), as_json)
