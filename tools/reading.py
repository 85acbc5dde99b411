"""Tokens a second from a text file to a vocabulary and int32 shards, beside plain Python and gensim's scan.

    python tools/reading.py english.txt --min-count 2 --sweep-threads 1,2 --rounds 5 -o reading.json

``lists`` and ``gensim lists`` are the same from lists of words in memory, by the class of ``wordsparse.gensim`` and by
gensim's, and ``encode lists`` by ``encode``: what walks and baskets take, which come as lists. ``corpus_file`` is the
file by the class of ``wordsparse.gensim``.

The sides take turns, so what else the machine does hits all of them alike; the file lies in the page cache after the
first round. ``read``: split, checked, counted and numbered, on one thread, nothing written. ``encode``: all of it,
the vocabulary and the shards on the disk; ``encode, unicode`` and so on: with that tokeniser, on one thread; ``encode,
phrases``: with one pass that joins phrases. ``Python``: the same ids and counts by :func:`sentences` and a dict,
nothing written. ``gensim``: the scan of the words by its Word2Vec, which reads the text once more in each epoch. On a
machine that is shared, read the tokens per CPU second, and for several threads their ratio.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import machine

from wordsparse.corpus import encode
from wordsparse.corpus._text import WordTable
from wordsparse.corpus.blocks import text_blocks
from wordsparse.corpus.reading import sentences
from wordsparse.corpus.tokens import TOKENIZERS
from wordsparse.gensim import LineSentence
from wordsparse.gensim.texts import Sentences, opened


@click.command()
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--min-count", type=click.IntRange(1), default=2, show_default=True)
@click.option("--sweep-threads", callback=machine.int_list, default="1,2", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--tokens", "tokenizers", multiple=True, type=click.Choice(list(TOKENIZERS)), help="Repeatable.")
@click.option("--slow-rounds", type=click.IntRange(1), default=1, show_default=True, help="Of all but read and encode.")
@machine.output_option
def main(
    corpus: Path,
    min_count: int,
    sweep_threads: Sequence[int],
    rounds: int,
    tokenizers: Sequence[str],
    slow_rounds: int,
    output: Path | None,
) -> None:
    """Time reading by each side in turn and print tokens a second, wall and CPU."""
    with tempfile.TemporaryDirectory() as folder:
        tokens = encode(corpus, Path(folder, "encoded"), min_count=min_count).tokens
        sides: dict[tuple[str, int], tuple[int, machine.Step]] = {("read", 1): (tokens, lambda: read(corpus))}
        for threads in sweep_threads:
            sides["encode", threads] = tokens, lambda threads=threads: encoded(corpus, min_count, threads)
        for name in tokenizers:
            found = encode(corpus, Path(folder, name), min_count=min_count, tokens=name).tokens
            sides[f"encode, {name}", 1] = found, lambda name=name: encoded(corpus, min_count, 1, tokens=name)
        sides["encode, phrases", 1] = tokens, lambda: encoded(corpus, min_count, 1, phrases=1)
        lists = [list(sentence) for sentence in sentences(corpus)]
        sides["lists", 1] = tokens, lambda: Sentences(lists).scan(None, None)
        sides["encode lists", 1] = tokens, lambda: encoded(lists, min_count, 1)
        sides["corpus_file", 1] = tokens, lambda: scanned_file(corpus)
        sides["gensim lists", 1] = tokens, lambda: scanned_by_gensim(lists, min_count)
        sides["Python", 1] = tokens, lambda: plainly(corpus)
        sides["gensim", 1] = tokens, lambda: scanned_by_gensim(LineSentence(corpus), min_count)
        few = {side: slow_rounds for side in sides if side[0] not in ("read", "encode")}
        times = machine.alternate(sides, rounds, few)
    rows = [
        {
            "side": side,
            "threads": threads,
            "tokens_per_second": 1e6 / cell["wall_us"],
            "tokens_per_cpu_second": 1e6 / cell["cpu_us"],
            "times_python": times["Python", 1]["wall_us"] / cell["wall_us"],
            "times_python_by_cpu_time": times["Python", 1]["cpu_us"] / cell["cpu_us"],
            "rounds_wall_us_per_token": cell["rounds_wall_us"],
        }
        for (side, threads), cell in times.items()
    ]
    headers = ["side", "threads", "tokens/s", "tokens per CPU s", "times Python", "by CPU time"]
    print(machine.table(headers, [list(row.values())[:-1] for row in rows]))
    report = {
        "tool": "reading",
        "machine": machine.provenance(max(sweep_threads)),
        "options": {"corpus": corpus.name, "bytes": corpus.stat().st_size, "min_count": min_count},
        "tokens": tokens,
        "sides": rows,
    }
    machine.write_report(report, output)


def read(corpus: Path) -> None:
    """Number the words of a text."""
    table = WordTable()
    for _, data in text_blocks(corpus):
        assert table.scan(data, True)
        table.take()


def encoded(corpus: Path | list[list[str]], min_count: int, threads: int, **options: Any) -> None:
    """Encode a text in a temporary place."""
    with tempfile.TemporaryDirectory() as folder:
        encode(corpus, Path(folder, "encoded"), min_count=min_count, threads=threads, **options)


def plainly(corpus: Path) -> None:
    """Number and count the words of a text in Python."""
    ids: dict[str, int] = {}
    counts: list[int] = []
    values: list[int] = []
    for sentence in sentences(corpus):
        for word in sentence:
            number = ids.setdefault(word, len(ids))
            if number == len(counts):
                counts.append(0)
            counts[number] += 1
            values.append(number)
        values.append(-2)
        if len(values) > 2**20:
            values.clear()


def scanned_file(corpus: Path) -> None:
    """Count the words of a file as Word2Vec(corpus_file=...) does before it trains."""
    with opened(None, corpus, passes=1) as text:
        text.scan(None, None)


def scanned_by_gensim(sentences: Iterable[list[str]], min_count: int) -> None:
    """Count the words of a text as gensim's Word2Vec does before it trains."""
    from gensim.models.word2vec import Word2Vec

    Word2Vec(min_count=min_count).scan_vocab(corpus_iterable=sentences)


if __name__ == "__main__":
    machine.run(main)
