"""``wordsparse advise``: whether the method suits the data, and what to use where it does not."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wordsparse.cli.common import PATH, emit, json_option, quiet_option
from wordsparse.cli.text_options import reading_options, taken
from wordsparse.display import Display

if TYPE_CHECKING:
    from wordsparse.advice.trial import AdviceProgress


@click.command()
@click.argument("corpus", nargs=-1, type=PATH)
@click.option(
    "--features", metavar="X", type=PATH, help="Labelled rows: a text file with labels, or an npz of features."
)
@click.option("--targets", metavar="Y", type=PATH, help="The npz file of the labels of an npz of features.")
@click.option("--budget", default=120.0, show_default=True, metavar="SECONDS", help="Time for the trial; 0 for none.")
@click.option("--dim", default=100, show_default=True, help="Length of a word vector, of a text.")
@click.option("--threads", type=int, help="Threads of the trial.  [default: all available CPUs]")
@click.option("--seed", default=1, show_default=True)
@reading_options
@quiet_option
@json_option
def command(
    as_json: bool,
    quiet: bool,
    corpus: tuple[Path, ...],
    **options: Any,
) -> None:
    """Tell whether the exact layer suits CORPUS, or the labelled rows of --features.

    Sizes and losses, a timed step beside a dense layer, and a trial within --budget. Ctrl-C ends the trial with what
    has been measured. The advice may be to use something else.
    """
    from wordsparse.advice import advise, lines

    text = taken(options)
    if text and not corpus:
        raise click.UsageError("options of a text need a CORPUS: name its files, or leave the options out")
    with Display(not quiet) as display:
        content = advise(list(corpus) or None, progress=lambda progress: _show(display, progress), **text, **options)
    emit(content, lines(content), as_json)


def _show(display: Display, progress: "AdviceProgress") -> None:
    if progress.phase == "encode":
        display.update(progress.phase, "tokens", progress.done)
        return
    display.update(progress.phase, "s", progress.done, progress.total, f"{progress.amount:,} examples")
    if (found := progress.finished) is not None:
        display.say(f"{found.method}, {found.amount:,} examples: {found}, {found.cpu_seconds:.2f} CPU s")
