"""Ways to export the vectors of walks, compared on nodes whose class is known.

    python tools/walk_exports.py -o walk-exports.json
    python tools/walk_exports.py --side "wordsparse CBOW" --exponents 0,1.5 --popularities 0,0.05 --seed 9

Walks and models as in ``tools/walks.py`` with ``--walks 5 --length 16``, other seeds. Sections of 10 % of the nodes are
read and no others. They are cut into parts of 1 % of all nodes, and again into parts of 5 %; each part trains the
judge, and the rest of the 10 % are asked. The C of the judge is the best one for all parts of a seed. The AUC is that
of the held-out edges. gensim's vectors are judged in the same way. Prints the means over seeds.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from walks import (
    ARGUMENTS,
    LIMITS,
    SIDES,
    STRENGTHS,
    Array,
    Packages,
    features,
    links,
    read,
    sides,
    trained,
    unit,
    walks_and_tests,
)

import wordsparse as ws
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.words import coordinates, presets

SHAPE = (5, 16)  # walks from a node, and their length
PARTS = (10, 2)  # of the known nodes


@click.command()
@click.option("--packages", type=click.Path(exists=True, path_type=Path), help="Output of apt-cache dumpavail.")
@click.option("--exponents", default="0,1,1.5,2", show_default=True, help="Of the spectrum.")
@click.option("--popularities", default="0,0.05,0.1", show_default=True, help="Weights of the logarithm of a count.")
@click.option("--side", "wanted", type=click.Choice(SIDES), multiple=True, help="One side; all where none is named.")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, default=(7, 8, 9), show_default=True)
@click.option("--known", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Nodes whose class is read.")
@machine.threads_option
@machine.output_option
def main(
    packages: Path | None,
    exponents: str,
    popularities: str,
    wanted: tuple[str, ...],
    seeds: tuple[int, ...],
    known: float,
    threads: int,
    output: Path | None,
) -> None:
    """Print the scores of each side by export, on nodes that are known."""
    graph = read(packages)
    report = {"tool": "walk_exports", "machine": machine.provenance(threads), "seeds": seeds, "known": known}
    tried = list(product(*([float(value) for value in values.split(",")] for values in (exponents, popularities))))
    rows = [row for seed in seeds for row in of_seed(graph, tried, wanted or SIDES, known, seed, threads)]
    named: dict[tuple[Any, ...], list[list[float]]] = {}
    for _, side, exponent, popularity, *scores in map(dict.values, rows):
        named.setdefault((side, exponent, popularity), []).append(scores)
    means = [[*name, *np.mean(found, axis=0).round(4).tolist()] for name, found in named.items()]
    print(machine.table(list(rows[0])[1:], means))
    machine.write_report({**report, "rows": rows}, output)


def of_seed(
    graph: Packages, tried: list[tuple[float, float]], wanted: tuple[str, ...], share: float, seed: int, threads: int
) -> Iterator[dict[str, Any]]:
    """The scores of each side with one seed."""
    texts, held, tests = walks_and_tests(graph, SHAPE, seed)
    names = [str(node) for node in range(len(graph.names))]
    known = np.random.default_rng(seed).permutation(len(names))[: int(share * len(names))]
    for side in wanted:
        for export, made in exports(side, texts, names, tried, threads):
            vectors = unit(made)
            row = {"seed": seed, "side": side, **export}
            for parts in PARTS:
                micro, macro = best(vectors[known], graph.sections[known], parts)
                row |= {f"micro F1 {share / parts:g}": micro, f"macro F1 {share / parts:g}": macro}
            found = links(vectors, held, tests)
            yield row | {name: found[name] for name in ("AUC uniform", "AUC degree")}
            print(row, flush=True)


def best(vectors: Array, sections: Array, parts: int) -> tuple[float, float]:
    """Micro and macro F1 where each part of the nodes trains and the others are asked, with the C of the best micro."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    scores = np.zeros((len(STRENGTHS), 2))
    for part in np.array_split(np.arange(len(vectors)), parts):
        scaled, asked = features(vectors, part), np.delete(np.arange(len(vectors)), part)
        judge = LogisticRegression(**LIMITS, warm_start=True)
        for i, strength in enumerate(STRENGTHS):
            with single_threaded_blas():
                judge.set_params(C=strength).fit(scaled[part], sections[part])
            answers = judge.predict(scaled[asked])
            scores[i] += [f1_score(sections[asked], answers, average=average) / parts for average in ("micro", "macro")]
    micro, macro = scores[scores[:, 0].argmax()].tolist()
    return micro, macro


def exports(
    side: str, texts: list[list[str]], names: list[str], tried: list[tuple[float, float]], threads: int
) -> Iterator[tuple[dict[str, float | None], Array]]:
    """Each export and our vectors by it, in the order of the names; gensim's vectors as they are."""
    if side.startswith("gensim"):
        (one,) = sides([side], epochs=1, window=5, workers=threads)
        yield {"exponent": None, "popularity": None}, trained(one, texts)[0].wv[names]
        return
    kind = "skipgram" if side.endswith("skip-gram") else "cbow"
    model = ws.train(
        texts, preset="walks", model=kind, dim=ARGUMENTS["vector_size"], epochs=1, threads=threads, progress=False
    )
    rows = [model.vocabulary[name] for name in names]
    parts = model.input_rows, model.output_rows[:, : model.dim], np.asarray(model.vocabulary.counts, np.float64)
    for exponent, popularity in tried:
        export = {"exponent": exponent, "popularity": popularity}
        fixed = {"turn": presets.preset("walks").turn, "threads": threads}
        yield export, coordinates.combined(*parts, **export, **fixed)[rows]


if __name__ == "__main__":
    machine.run(main)
