"""``wordsparse encode``: text written as a vocabulary and int32 shards."""

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
from wordsparse.tokens import phrases
from wordsparse.words.kinds import TEXT, kind_of
from wordsparse.words.options import Options


@click.command()
@corpus_argument
@output_option("New directory for the encoded corpus.", "DIR")
@options_of(Options, ["kind"])
@options_of(TextOptions)
@options_of(Options, ["threads"])
@quiet_option
@json_option
def command(
    corpus: tuple[Path, ...], output: Path, kind: str | None, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Count the words of a text, and write it as int32 shards. Any number of training runs can use the shards.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read recursively, or - for
    standard input. Files are read in the given order. By default, each line is a sentence, white space separates words,
    and words are not changed. --format and --tokens change these defaults.
    """
    of_text = kind_of(kind or TEXT)
    if of_text.open is not None:
        raise InputError(f"--for {kind} needs no encoding: wordsparse train --for {kind} reads the files directly")
    fitting = {name: value for name, value in of_text.defaults.items() if name in options}
    started, request = time.perf_counter(), {**fitting, **given(options)}
    with Display(not quiet) as display:
        request["progress"] = lambda tokens, share: display.update("encode", "tokens", tokens, share=share)
        encoded = encode(corpus, output, **request)
    result = {
        "tokens": encoded.tokens,
        "sentences": encoded.sentences,
        "vocab_size": len(encoded.vocabulary),
        "distinct_words": encoded.distinct_words,
        "shards": len(encoded.shards),
        "wall_seconds": time.perf_counter() - started,
        "output": str(output),
        **phrases.report(encoded.tokenization),
    }
    text = (
        f"{encoded.tokens:,} tokens in {encoded.sentences:,} sentences; {len(encoded.vocabulary):,} of "
        f"{encoded.distinct_words:,} words in the vocabulary; {result['wall_seconds']:.1f} s: {output}"
    )
    emit(result, [text, *phrases.lines(result)], as_json)
