"""``wordsparse count``, which writes the pairs of words in a text as a table."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import emit, given, json_option, output_option, quiet_option
from wordsparse.cli.options import corpus_argument, options_of
from wordsparse.counts.counting import CountOptions, count
from wordsparse.display import Display


@click.command(short_help="Count the pairs of words of a text, for training from counts.")
@corpus_argument
@output_option("The Parquet file to write: columns word, context and count.", "PAIRS.parquet")
@options_of(CountOptions)
@quiet_option
@json_option
def command(corpus: tuple[Path, ...], output: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Count the pairs of words in CORPUS that are within a window of each other, as skip-gram counts them.

    CORPUS: a text as for `train`, or an encoded text; with --for counts, tables to add up. `train TABLE… --for counts`
    trains from tables of pairs, which may also come from other programs.
    """
    with Display(not quiet) as display:
        arguments = {**given(options), "progress": lambda pairs: display.update("count", "pairs", pairs)}
        source = corpus[0] if len(corpus) == 1 else corpus
        result = count(source, output, **arguments)
    text = f"{result['pairs']:,} pairs of {result['vocab_size']:,} words; {result['wall_seconds']:.1f} s: {output}"
    emit({**result, "output": str(output)}, [text], as_json)
