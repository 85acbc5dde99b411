"""``wordsparse encode``: text to a vocabulary and int32 shards."""

import time
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import emit, expansion_option, json_option, quiet_option
from wordsparse.cli.config import config_option
from wordsparse.cli.text_options import corpus_argument, min_count_option, preset_option, taken, text_options
from wordsparse.display import Display, write
from wordsparse.distributed import launch
from wordsparse.distributed.agreement import ending_all
from wordsparse.distributed.encoding import encode
from wordsparse.words import presets


@click.command(short_help="Count the words of a text and write it as int32 shards.")
@corpus_argument
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="New directory for the encoded corpus.",
)
@preset_option
@text_options
@min_count_option
@click.option("--max-vocab", type=int, help="Maximum number of words; the most frequent are kept.")
@expansion_option
@click.option("--threads", type=int, help="Number of threads.  [default: all available CPUs]")
@config_option
@quiet_option
@json_option
def command(
    corpus: tuple[Path, ...],
    output: Path,
    preset: str,
    min_count: int | None,
    max_vocab: int | None,
    max_expansion: float,
    threads: int | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the words of CORPUS, build the vocabulary and write int32 shards, for use in any number of trainings.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read down, or - for standard
    input; read in the given order. Each line is a sentence, words are separated by white space, and nothing is
    changed: --format and --tokens name other ways.
    """
    started, ranks = time.perf_counter(), launch.ranks()
    ending = ending_all(ranks, lambda line: write(f"wordsparse: {line}"), lambda: "nothing was written")
    with ending, Display(not quiet and ranks.rank == 0) as display:
        encoded = encode(
            ranks,
            corpus,
            output,
            min_count=presets.preset(preset).min_count if min_count is None else min_count,
            max_vocab=max_vocab,
            max_expansion=max_expansion,
            progress=lambda tokens: display.update("encode", "tokens", tokens),
            threads=threads,
            **taken(options),
        )
    result = {
        "tokens": encoded.tokens,
        "sentences": encoded.sentences,
        "vocab_size": len(encoded.vocabulary),
        "distinct_words": encoded.distinct_words,
        "shards": len(encoded.shards),
        "wall_seconds": time.perf_counter() - started,
        "output": str(output),
    }
    text = (
        f"{encoded.tokens:,} tokens in {encoded.sentences:,} sentences; {len(encoded.vocabulary):,} of "
        f"{encoded.distinct_words:,} words in the vocabulary; {result['wall_seconds']:.1f} s: {output}"
    )
    emit(result, [text], as_json)
