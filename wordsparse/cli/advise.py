"""``wordsparse advise``: whether the method suits the data, and what to use where it does not."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wordsparse.cli.common import emit, json_option, quiet_option
from wordsparse.cli.text_options import reading_options, taken
from wordsparse.display import Display
from wordsparse.errors import InputError

if TYPE_CHECKING:
    from wordsparse.advice.trial import AdviceProgress

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("corpus", nargs=-1, type=PATH)
@click.option(
    "--features", metavar="X", type=PATH, help="Labelled rows: a text file with labels, or an npz of features."
)
@click.option("--targets", metavar="Y", type=PATH, help="The npz file of the labels of an npz of features.")
@click.option("--budget", default=120.0, show_default=True, metavar="SECONDS", help="Time for the trial; 0 for none.")
@click.option("-o", "--output", metavar="PAGE.html", type=PATH, help="Write the advice as one HTML page, too.")
@click.option("--language", type=click.Choice(["en", "ja"]), help="Language.  [default: English; of the page, both]")
@click.option("--dim", default=100, show_default=True, help="Length of a word vector, of a text.")
@click.option("--threads", type=int, help="Threads of every side of the trial.  [default: all available CPUs]")
@click.option("--seed", default=1, show_default=True)
@reading_options
@quiet_option
@json_option
def command(
    as_json: bool,
    quiet: bool,
    corpus: tuple[Path, ...],
    output: Path | None,
    language: str | None,
    **options: Any,
) -> None:
    """Tell whether the exact layer suits CORPUS, or the labelled rows of --features.

    Sizes and losses, a timed step beside a dense layer, and a trial within --budget beside what one would use
    otherwise: gensim for a text; for labels one-vs-rest and, where they are installed, omikuji's trees and a dense
    layer by PyTorch. Ctrl-C ends the trial with what has been measured. The advice may be to use something else.
    """
    from wordsparse.advice import advise
    from wordsparse.advice.page import page
    from wordsparse.advice.table import lines
    from wordsparse.files import outputs, storage
    from wordsparse.files.escaping import page_bytes

    to_standard_output = output is not None and outputs.is_standard_output(output)
    if to_standard_output and as_json:
        raise InputError("--json and --output name both standard output: write the page to a file")
    if output is not None:
        storage.check_file(output)
    text = taken(options)
    if text and not corpus:
        raise click.UsageError("options of a text need a CORPUS: name its files, or leave the options out")
    with Display(not quiet) as display:
        content = advise(list(corpus) or None, progress=lambda progress: _show(display, progress), **text, **options)
    if output is not None:
        languages = [language] if language else ["en", "ja"]
        storage.write_file(output, page_bytes(page(content, languages)))
    said = lines(content, language or "en")
    emit(content, said, as_json, sys.stderr if to_standard_output else sys.stdout)


def _show(display: Display, progress: "AdviceProgress") -> None:
    if progress.phase == "encode":
        display.update(progress.phase, "tokens", progress.done)
        return
    display.update(progress.phase, "s", progress.done, progress.total, f"{progress.amount:,} examples")
    if (found := progress.finished) is not None:
        quality = f"{found.measure} {found.quality:.3f}"
        display.say(f"{found.method}, {found.amount:,} examples: {quality}, {found.cpu_seconds:.2f} CPU s")
