"""The exponent of the spectrum with which vectors of walks are exported, chosen on the nodes whose class is known.

    python tools/walk_exponents.py --seed 7 --seed 8 -o walk-exponents.json

Walks and models as in ``tools/walks.py`` with ``--walks 5 --length 16``, other seeds. Sections of 5 % of the nodes are
read and no others: each fifth of them trains the judge, and the other four are asked, so that 1 % of all nodes are
known. The AUC is that of the held-out edges. gensim's vectors are judged in the same way. Prints the means over seeds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from walks import ARGUMENTS, SIDES, Array, Packages, judged, links, read, sides, trained, unit, walks_and_tests

import wordsparse as ws
from wordsparse.words import coordinates, presets

SHAPE = (5, 16)  # walks from a node, and their length
PARTS = 5


@click.command()
@click.option("--packages", type=click.Path(exists=True, path_type=Path), help="Output of apt-cache dumpavail.")
@click.option("--exponents", default="0,0.5,1,1.5,2", show_default=True)
@click.option("--side", "wanted", type=click.Choice(SIDES), multiple=True, help="One side; all where none is named.")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, default=(7, 8), show_default=True)
@click.option(
    "--known", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Nodes whose class is read."
)
@machine.threads_option
@machine.output_option
def main(
    packages: Path | None,
    exponents: str,
    wanted: tuple[str, ...],
    seeds: tuple[int, ...],
    known: float,
    threads: int,
    output: Path | None,
) -> None:
    """Print the scores of each side by exponent, on nodes that are known."""
    graph = read(packages)
    report = {"tool": "walk_exponents", "machine": machine.provenance(threads), "seeds": seeds, "known": known}
    values = [float(exponent) for exponent in exponents.split(",")]
    rows = [row for seed in seeds for row in of_seed(graph, values, wanted or SIDES, known, seed, threads)]
    columns = list(rows[0])[3:]
    named = {(row["side"], row["exponent"]): [] for row in rows}
    for row in rows:
        named[row["side"], row["exponent"]].append([row[column] for column in columns])
    means = [[*name, *np.mean(found, axis=0).round(4).tolist()] for name, found in named.items()]
    print(machine.table(["side", "exponent", *columns], means))
    machine.write_report({**report, "rows": rows}, output)


def of_seed(
    graph: Packages, exponents: list[float], wanted: tuple[str, ...], share: float, seed: int, threads: int
) -> Iterator[dict[str, Any]]:
    """The scores of each side with one seed."""
    texts, held, tests = walks_and_tests(graph, SHAPE, seed)
    names = [str(node) for node in range(len(graph.names))]
    shown = np.random.default_rng(seed).permutation(len(names))[: int(share * len(names))]
    for side in wanted:
        for exponent, made in exports(side, texts, names, exponents, threads):
            vectors = unit(made)
            scores = [
                judged(vectors, graph.sections, known, np.setdiff1d(shown, known), seed)
                for known in np.array_split(shown, PARTS)
            ]
            micro, macro, _ = np.mean(scores, axis=0).tolist()
            row = {"seed": seed, "side": side, "exponent": exponent, "micro F1": micro, "macro F1": macro}
            yield row | links(vectors, held, tests)
            print(row, flush=True)


def exports(
    side: str, texts: list[list[str]], names: list[str], exponents: list[float], threads: int
) -> Iterator[tuple[float | None, Array]]:
    """Each exponent and our vectors with it, in the order of the names; gensim's vectors without one."""
    if side.startswith("gensim"):
        (one,) = sides([side], epochs=1, window=5, workers=threads)
        yield None, trained(one, texts)[0].wv[names]
        return
    kind = "skipgram" if side.endswith("skip-gram") else "cbow"
    model = ws.train(
        texts, preset="walks", model=kind, dim=ARGUMENTS["vector_size"], epochs=1, threads=threads, progress=False
    )
    rows, turn = [model.vocabulary[name] for name in names], presets.preset("walks").turn
    counts = np.asarray(model.vocabulary.counts, np.float64)
    E, W = model.input_rows, model.output_rows[:, : model.dim]
    for exponent in exponents:
        yield exponent, coordinates.combined(E, W, counts, exponent=exponent, turn=turn, threads=threads)[rows]


if __name__ == "__main__":
    machine.run(main)
