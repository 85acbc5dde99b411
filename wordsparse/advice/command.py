"""``wordsparse advise``: whether the method suits the data, and what to use where it does not."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH, emit, given, json_option, quiet_option
from wordsparse.cli.options import reading_options


@click.command()
@click.argument("corpus", nargs=-1, type=PATH)
@click.option("--features", metavar="X", type=PATH, help="Rows: a text file with labels, or an npz of features.")
@click.option("--targets", metavar="Y", type=PATH, help="The npz file of the targets of an npz of features.")
@click.option("--budget", default=60.0, show_default=True, metavar="SECONDS", help="Time for the trial; 0 for none.")
@click.option("--dim", default=100, show_default=True, help="Length of a word vector, of a text.")
@reading_options
@quiet_option
@json_option
def command(as_json: bool, quiet: bool, corpus: tuple[Path, ...], **options: Any) -> None:
    """Tell whether the exact layer suits CORPUS, or rows of numbers.

    Sizes and losses, a timed step beside a dense layer, and a trial within --budget. The advice may be to use something
    else.
    """
    from wordsparse.advice import advise, lines

    content = advise(list(corpus) or None, **given(options))
    emit(content, lines(content), as_json)
