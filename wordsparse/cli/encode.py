"""``wordsparse encode``: text to a vocabulary and int32 shards."""

import time
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import emit, given, json_option, output_option, quiet_option
from wordsparse.cli.options import corpus_argument, options_of
from wordsparse.corpus import encode
from wordsparse.corpus.options import TextOptions
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.words.kinds import TEXT, kind_of
from wordsparse.words.options import Options


@click.command()
@corpus_argument
@output_option("New directory for the encoded corpus.", "DIR")
@options_of(Options, ["preset"])
@options_of(TextOptions)
@options_of(Options, ["threads"])
@quiet_option
@json_option
def command(
    corpus: tuple[Path, ...], output: Path, preset: str | None, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Count the words of a text, and write it as int32 shards. It serves any number of trainings.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read down, or - for standard
    input; read in the given order. Each line is a sentence, words are separated by white space, and nothing is
    changed: --format and --tokens name other ways.
    """
    kind = kind_of(preset or TEXT)
    if kind.open is not None:
        raise InputError(f"what --for {preset} reads is not encoded: train --for {preset} reads it itself")
    fitting = {name: value for name, value in kind.defaults.items() if name in options}
    started, asked = time.perf_counter(), {**fitting, **given(options)}
    with Display(not quiet) as display:
        asked["progress"] = lambda tokens, share: display.update("encode", "tokens", tokens, share=share)
        encoded = encode(corpus, output, **asked)
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
