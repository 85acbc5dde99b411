"""CPU time of reading sentences, by kind of input: lists of strings or of numbers, NumPy arrays, and a file.

    python tools/lists.py -o lists.json

All kinds hold the same walks. Reading is what ``wordsparse.gensim.Word2Vec`` does before it trains: counting the tokens
and numbering them. gensim's time is that of ``build_vocab``, after which it reads the text again in every epoch. The
time of one epoch of skip-gram and CBOW stands beside them. Numbers are the least of some rounds, in turn.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np

from wordsparse.gensim import Word2Vec, engine, texts


@click.command()
@click.option("--tokens", type=click.IntRange(1000), default=2_000_000, show_default=True)
@click.option("--nodes", type=click.IntRange(2), default=60_000, show_default=True)
@click.option("--length", type=click.IntRange(1), default=16, show_default=True, help="Tokens of a walk.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@machine.output_option
def main(tokens: int, nodes: int, length: int, rounds: int, output: Path | None) -> None:
    """Time each kind of input and print nanoseconds of CPU time a token."""
    random = np.random.default_rng(1)
    numbers = (nodes * random.random((tokens // length, length)) ** 3).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        inputs = kinds(numbers, Path(folder, "walks.txt"))
        work: dict[str, Callable[[], None]] = {f"ours, {name}": reading(text) for name, text in inputs.items()}
        work |= theirs(inputs)
        for sg, name in ((1, "skip-gram"), (0, "CBOW")):
            work[f"ours, lists of str, read and trained by {name}"] = training(inputs["lists of str"], sg)
        seconds: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(rounds):
            for name, run in work.items():
                before = time.process_time()
                run()
                seconds[name].append(time.process_time() - before)
    found = {name: 1e9 * min(each) / numbers.size for name, each in seconds.items()}
    print(machine.table(["input", "CPU ns a token"], [[name, value] for name, value in found.items()]))
    options = {"tokens": int(numbers.size), "nodes": nodes, "length": length, "rounds": rounds}
    report = {"tool": "lists", "machine": machine.provenance(1), "options": options, "cpu_ns_per_token": found}
    machine.write_report(report, output)


def kinds(numbers: Any, path: Path) -> dict[str, Any]:
    """The same walks in each kind of input; equal strings are one object, but in those split from lines."""
    names = [str(node) for node in range(int(numbers.max()) + 1)]
    words = [[names[node] for node in walk] for walk in numbers.tolist()]
    lines = [" ".join(walk) for walk in words]
    path.write_text("\n".join(lines) + "\n")
    return {
        "lists of str": words,
        "lists of str, split from lines": [line.split() for line in lines],
        "lists of long str, split from lines": [["package-" + word for word in walk] for walk in words],
        "lists of int": numbers.tolist(),
        "NumPy arrays of int": list(numbers),
        "corpus_file": path,
    }


def reading(text: Any) -> Callable[[], None]:
    """A function that counts and numbers a text."""

    def read() -> None:
        given = (None, text) if isinstance(text, Path) else (text, None)
        with texts.opened(*given, passes=1) as opened:
            scanned = opened.scan(None, None)
            ranking = engine.Ranking(list(scanned.counts), np.array(list(scanned.counts.values())))
            opened.corpus(ranking.rows, ranking.vocabulary)

    return read


def theirs(inputs: dict[str, Any]) -> dict[str, Callable[[], None]]:
    """gensim's pass over texts, where gensim is installed."""
    try:
        from gensim.models import Word2Vec as Gensims
    except ImportError:
        return {}

    def counting(text: Any) -> Callable[[], None]:
        return lambda: Gensims(min_count=1, vector_size=1).build_vocab(text)

    return {
        f"gensim, {name}, build_vocab": counting(text) for name, text in inputs.items() if not isinstance(text, Path)
    }


def training(text: Any, sg: int) -> Callable[[], None]:
    """A function that reads a text and trains on it for one epoch."""
    return lambda: str(Word2Vec(text, sg=sg, min_count=1, epochs=1, workers=1, sample=0))


if __name__ == "__main__":
    machine.run(main)
