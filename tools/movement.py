"""Are planted changes of meaning found, and how many words are named that did not change?

    python tools/movement.py english-10m.txt --tokens 400000,1600000 --models models -o movement.json

The first 2 N tokens of a text are two periods of N tokens, pages in turn, so that nothing but chance tells them apart.
In the second period some words change places with another one of about their frequency: two pairs in each octave of
frequency at all of their occurrences, and two more at half of them. Both periods are trained with resamples, and
``moved`` compares them. The table has, for each octave, how many of the planted words have q < 0.05; "others" are the
words with q < 0.05 that were not planted. The models are kept, and a run that is started again goes on with them.
"""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np

import wordsparse as ws
from wordsparse.stability.movement import MIN_COUNT, moved
from wordsparse.stability.resampling import BLOCK

LEVEL, PAIRS = 0.05, 2
# Of the occurrences of a planted word, the share that changes.
SHARES = {"whole": 1.0, "half": 0.5}

Sentences = list[list[str]]
Pairs = dict[str, list[tuple[str, str]]]


def periods(path: Path, tokens: int) -> tuple[Sentences, Sentences]:
    """Two texts of so many tokens each, pages in turn."""
    found: tuple[Sentences, Sentences] = ([], [])
    read = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            found[read // BLOCK % 2].append(line.split())
            read += len(found[read // BLOCK % 2][-1])
            if read >= 2 * tokens:
                return found
    raise click.ClickException(f"{path} has {read:,} tokens, and {2 * tokens:,} are needed")


def octave(count: int) -> int:
    """The lower end of a count's octave."""
    return MIN_COUNT * 2 ** int(np.log2(count / MIN_COUNT))


def planted_pairs(counts: Counter[str], random: np.random.Generator) -> Pairs:
    """Of each kind of change, pairs of words that follow each other in frequency, from every octave of it."""
    words = [word for word, count in counts.most_common() if count >= MIN_COUNT]
    chosen: Pairs = {kind: [] for kind in SHARES}
    for _, group in itertools.groupby(words, lambda word: octave(counts[word])):
        members = list(group)
        pairs = list(zip(members[::2], members[1::2], strict=False))
        if len(pairs) >= 20 * PAIRS:  # of the most frequent words there are too few to choose from
            drawn = random.permutation(len(pairs))[: len(SHARES) * PAIRS].reshape(len(SHARES), -1)
            for kind, numbers in zip(SHARES, drawn, strict=True):
                chosen[kind] += [pairs[number] for number in numbers]
    return chosen


def changed(text: Sentences, pairs: Pairs, random: np.random.Generator) -> Sentences:
    """The text in which the words of each pair change places."""
    other = {a: (b, SHARES[kind]) for kind, of in pairs.items() for pair in of for a, b in (pair, pair[::-1])}

    def word(old: str) -> str:
        new, share = other.get(old, (old, 0.0))
        return new if random.random() < share else old

    return [[word(old) if old in other else old for old in sentence] for sentence in text]


def trial(path: Path, tokens: int, models: Path, seed: int, options: dict[str, Any]) -> dict[str, Any]:
    """The planted words of one size of text, and how they and the others were judged."""
    random = np.random.default_rng(seed)
    first, second = periods(path, tokens)
    counts = Counter(word for sentence in (*first, *second) for word in sentence)
    halved = Counter({word: count // 2 for word, count in counts.items()})
    pairs = planted_pairs(halved, random)
    texts = {f"{tokens}-first": first, f"{tokens}-second-{seed}": changed(second, pairs, random)}
    trained = [ws.train(text, output=models / name, resume=True, **options) for name, text in texts.items()]
    judged = {word.word: word for word in moved(*trained)}
    planted = [
        {"kind": kind, "count": halved[word], **judged[word]._asdict()}
        for kind, of in pairs.items()
        for pair in of
        for word in pair
        if word in judged
    ]
    known = {row["word"] for row in planted}
    others = [word._asdict() for word in judged.values() if word.q < LEVEL and word.word not in known]
    return {"tokens": tokens, "seed": seed, "words": len(judged), "planted": planted, "others": others}


def table(trials: list[dict[str, Any]]) -> str:
    """A line for each size of text: planted words that were found, by kind and octave, and other words."""
    octaves = sorted({octave(row["count"]) for trial in trials for row in trial["planted"]})
    lines = []
    for trial in trials:
        for kind in SHARES:
            cells = [f"{trial['tokens']:,}", trial["words"], kind]
            for low in octaves:
                rows = [row for row in trial["planted"] if row["kind"] == kind and octave(row["count"]) == low]
                cells.append(f"{sum(row['q'] < LEVEL for row in rows)}/{len(rows)}" if rows else "-")
            lines.append([*cells, len(trial["others"])])
    return machine.table(["tokens", "words", "change", *(f"{low}+" for low in octaves), "others"], lines)


@click.command(help=__doc__.splitlines()[0])
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--tokens", callback=machine.int_list, default="400000,1600000", show_default=True, help="Of a period.")
@click.option("--seeds", callback=machine.int_list, default="1", show_default=True, help="Of the planted words.")
@click.option("--models", type=click.Path(path_type=Path), required=True, help="Directory for the models.")
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--bootstrap", type=click.IntRange(4), default=20, show_default=True)
@machine.threads_option
@machine.output_option
def main(
    corpus: Path, tokens: tuple[int, ...], seeds: tuple[int, ...], models: Path, output: Path | None, **options: Any
) -> None:
    models.mkdir(exist_ok=True)
    report = {"tool": "movement", "corpus": corpus.name, "options": options, "level": LEVEL}
    report["machine"] = machine.provenance(options["threads"])
    trials: list[dict[str, Any]] = []
    for size, seed in itertools.product(tokens, seeds):
        trials.append(trial(corpus, size, models, seed, options))
        machine.write_report({**report, "trials": trials}, output)
    click.echo(table(trials))


if __name__ == "__main__":
    machine.run(main)
