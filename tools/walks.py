"""Walks on Debian's package dependencies and baskets of them, by gensim's Word2Vec and by ours with the same arguments.

    python tools/walks.py -o walks.json
    python tools/walks.py --packages dumpavail.txt --walks 5 --length 20
    python tools/walks.py --only items --side "gensim CBOW" --seed 2 -o part2.json
    python tools/walks.py --join part1.json --join part2.json -o walks.json

The graph: a package is a node, a dependency (Depends, Pre-Depends, every alternative) an edge, a package's section its
class; ``apt-cache dumpavail`` lists them. Nine tenths of the edges are walked on as by DeepWalk (Perozzi et al., 2014).
Both sides get the same lists of strings, arguments and threads. Classes are predicted from the unit vectors of a
fraction of the nodes by logistic regression, whose regularisation is chosen for each side by cross-validation on those
nodes; the held-out edges by the cosine of their ends, against as many pairs that
are no edges, with ends drawn uniformly or by degree. Items: the dependencies of a package are a basket; of one basket
in five, one item is held out and predicted from the others, by the cosine of vectors (``most_similar``) and by
the model's outputs (``predict_output_word``); a hit is among the first 20. ``--join`` puts the reports of several seeds
in one, and prints the mean and the range of each number; the sides of a seed may come from several reports.
``--text`` writes the walks as lines of a file and trains nothing.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from numpy.typing import NDArray

from wordsparse.gensim import Word2Vec
from wordsparse.machine.threads import single_threaded_blas

Array = NDArray[Any]
HITS = 20
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # the values of C that are tried
FOLDS = 5
LIMITS: dict[str, Any] = {"max_iter": 300, "tol": 1e-3}  # of the judge's iterations
KINDS = ("walks", "items")
SIDES = ("wordsparse skip-gram", "gensim skip-gram", "wordsparse CBOW", "gensim CBOW")
ARGUMENTS: dict[str, Any] = {"vector_size": 100, "min_count": 1, "seed": 1}


@dataclass(frozen=True)
class Packages:
    """The packages that have a dependency or are one: names, sections, edges (n, 2) by number, a < b, and baskets."""

    names: list[str]
    sections: Array
    edges: Array
    baskets: list[Array]


@click.command()
@click.option("--packages", type=click.Path(exists=True, path_type=Path), help="Output of apt-cache dumpavail.")
@click.option("--walks", type=click.IntRange(1), default=10, show_default=True, help="Walks from each node.")
@click.option("--length", type=click.IntRange(2), default=20, show_default=True, help="Nodes of a walk.")
@click.option("--window", type=click.IntRange(1), default=5, show_default=True, help="Of walks.")
@click.option("--item-epochs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--fractions", default="0.01,0.05,0.2", show_default=True, help="Of the nodes whose class is known.")
@click.option("--questions", "questions_asked", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the walks and what is held out.")
@click.option(
    "--side", "wanted", type=click.Choice(SIDES), multiple=True, help="One that is trained; all where none is named."
)
@click.option("--only", "chosen", type=click.Choice(KINDS), help="Train on the walks or on the baskets alone.")
@click.option(
    "--join", "parts", type=click.Path(exists=True, path_type=Path), multiple=True, help="A report of another seed."
)
@click.option("--text", type=click.Path(dir_okay=False, path_type=Path), help="Write the walks to this file, and stop.")
@machine.threads_option
@machine.output_option
def main(
    wanted: tuple[str, ...],
    chosen: str | None,
    parts: tuple[Path, ...],
    packages: Path | None,
    walks: int,
    length: int,
    window: int,
    item_epochs: int,
    fractions: str,
    questions_asked: int,
    seed: int,
    text: Path | None,
    threads: int,
    output: Path | None,
) -> None:
    """Train each side on the same walks and baskets and print its CPU seconds and scores."""
    if parts:
        machine.write_report(joined([json.loads(part.read_text()) for part in parts]), output)
        return
    graph = read(packages)
    if text is not None:
        lines = walks_and_tests(graph, (walks, length), seed)[0]
        text.write_text("".join(" ".join(line) + "\n" for line in lines))
        return
    options = {"walks": walks, "length": length, "window": window, "item_epochs": item_epochs, **ARGUMENTS}
    report: dict[str, Any] = {
        "tool": "walks",
        "machine": machine.provenance(threads),
        "options": options,
        "seed": seed,
        "graph": {"nodes": len(graph.names), "edges": len(graph.edges), "baskets": len(graph.baskets)},
    }
    if chosen != "items":
        shares = [float(share) for share in fractions.split(",")]
        arguments = {"window": window, "workers": threads}
        report["walks"] = on_walks(graph, (walks, length), shares, seed, wanted or SIDES, arguments)
    if chosen != "walks":
        arguments = {"epochs": item_epochs, "workers": threads}
        report["items"] = on_items(graph, questions_asked, seed, wanted or SIDES, arguments)
    for name in [kind for kind in KINDS if kind in report]:
        print(machine.table(list(report[name][0]), [list(row.values()) for row in report[name]]))
    machine.write_report(report, output)


def on_walks(
    graph: Packages,
    shape: tuple[int, int],
    shares: Sequence[float],
    seed: int,
    wanted: Sequence[str],
    arguments: dict[str, Any],
) -> list[dict[str, Any]]:
    """The CPU seconds and scores of each side on walks; ``shape`` is the walks from a node and their length."""
    texts, held, tests = walks_and_tests(graph, shape, seed)
    rows = []
    for side in sides(wanted, epochs=1, **arguments):
        model, row = trained(side, texts)
        vectors = unit(model.wv[[str(node) for node in range(len(graph.names))]])
        rows.append(row | classes(vectors, graph.sections, shares, seed) | links(vectors, held, tests))
        print(rows[-1], flush=True)
    return rows


def walks_and_tests(
    graph: Packages, shape: tuple[int, int], seed: int
) -> tuple[list[list[str]], Array, dict[str, Array]]:
    """Walks on nine tenths of the edges, the other edges, and as many pairs that are no edges, drawn in two ways."""
    random = np.random.default_rng(seed)
    kept, held = held_out(graph.edges, len(graph.names), 0.1, random)
    texts = as_words(walked(kept, len(graph.names), *shape, random))
    tests = {"uniform": non_edges(graph, len(held), random, False), "degree": non_edges(graph, len(held), random, True)}
    return texts, held, tests


def on_items(
    graph: Packages, questions_asked: int, seed: int, wanted: Sequence[str], arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    """The CPU seconds and hit rates of each side on baskets."""
    baskets, asked = hidden(graph.baskets, np.random.default_rng(seed))
    rows = []
    for side in sides(wanted, window=max(map(len, baskets)), sample=0, **arguments):
        model, row = trained(side, as_words(baskets))
        rows.append(row | hit_rates(model, asked[:questions_asked]))
        print(rows[-1], flush=True)
    return rows


def joined(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One report of the same measurements with several seeds; prints the mean and the range of each number."""
    by_seed: dict[int, dict[str, Any]] = {}
    for report in reports:
        one = by_seed.setdefault(report["seed"], {"seed": report["seed"], "reports": []})
        one["reports"].append({name: report[name] for name in ("command", "machine", "options", "graph")})
        for kind in KINDS:
            one[kind] = in_order([*one.get(kind, []), *report.get(kind, [])])
    for kind in KINDS:
        rows = []
        for side in SIDES:
            found = [row for one in by_seed.values() for row in one[kind] if row["side"] == side]
            if found:
                columns = [column for column in found[0] if column != "side"]
                rows.append([side, len(found), *(spread([row[column] for row in found]) for column in columns)])
        if rows:
            print(machine.table([kind, "seeds", *columns], rows))
    return {"tool": "walks", "seeds": list(by_seed.values())}


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a seed in the order of SIDES; an error if a side has two."""
    names = [row["side"] for row in rows]
    if len(set(names)) < len(names):
        raise click.ClickException("two reports hold the same side with the same seed: join one of them")
    return sorted(rows, key=lambda row: SIDES.index(row["side"]))


def spread(values: Sequence[float]) -> str:
    """The mean and the range."""
    return f"{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def read(path: Path | None) -> Packages:
    """The graph of a list of packages, by default of those that apt knows."""
    if path is not None:
        listed = path.read_text()
    else:
        try:
            listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise click.ClickException(f"apt-cache dumpavail: {error}; give a list with --packages") from error
    needs: dict[str, set[str]] = {}
    sections: dict[str, str] = {}
    for paragraph in listed.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Section|Depends|Pre-Depends): (.*)$", paragraph, re.MULTILINE))
        if "Package" in fields:
            clauses = f"{fields.get('Depends', '')},{fields.get('Pre-Depends', '')}"
            needs[fields["Package"]] = set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", clauses))
            sections[fields["Package"]] = fields.get("Section", "none").split("/")[-1]
    needs = {name: {other for other in others if other in needs and other != name} for name, others in needs.items()}
    pairs = {(min(name, other), max(name, other)) for name, others in needs.items() for other in others}
    if not pairs:
        raise click.ClickException("no package of the list depends on another: run apt-get update first")
    names = sorted({name for pair in pairs for name in pair})
    number = {name: i for i, name in enumerate(names)}
    edges = np.array(sorted((number[a], number[b]) for a, b in pairs))
    baskets = [np.array(sorted(number[other] for other in others)) for _, others in sorted(needs.items())]
    sets = [basket for basket in baskets if len(basket) > 1]
    return Packages(names, np.array([sections[name] for name in names]), edges, sets)


def held_out(edges: Array, nodes: int, fraction: float, random: np.random.Generator) -> tuple[Array, Array]:
    """The edges that are kept, and those that are held out; every node keeps an edge."""
    degree, keep, left = (
        np.bincount(edges.ravel(), minlength=nodes),
        np.ones(len(edges), bool),
        int(fraction * len(edges)),
    )
    for i in random.permutation(len(edges)):
        if left and (degree[edges[i]] > 1).all():
            keep[i], left = False, left - 1
            degree[edges[i]] -= 1
    return edges[keep], edges[~keep]


def walked(edges: Array, nodes: int, walks: int, length: int, random: np.random.Generator) -> list[Array]:
    """Walks that begin at every node and go on to a neighbour by chance."""
    ends = np.concatenate([edges, edges[:, ::-1]])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    degree = np.bincount(ends[:, 0], minlength=nodes)
    first = np.cumsum(degree) - degree
    found = []
    for _ in range(walks):
        steps = [random.permutation(nodes)]
        for _ in range(length - 1):
            at = steps[-1]
            steps.append(ends[first[at] + (random.random(nodes) * degree[at]).astype(np.int64), 1])
        found.extend(np.stack(steps, axis=1))
    return found


def non_edges(graph: Packages, count: int, random: np.random.Generator, by_degree: bool) -> Array:
    """Pairs of nodes without an edge; the ends are drawn uniformly, or as those of edges are."""
    nodes = len(graph.names)
    known = set((graph.edges @ [nodes, 1]).tolist())
    found: list[tuple[int, int]] = []
    while len(found) < count:
        drawn = random.choice(graph.edges.ravel(), (count, 2)) if by_degree else random.integers(nodes, size=(count, 2))
        for a, b in np.sort(drawn, axis=1).tolist():
            if a != b and a * nodes + b not in known and len(found) < count:
                found.append((a, b))
    return np.array(found)


def as_words(sequences: Sequence[Array]) -> list[list[str]]:
    """Lists of strings; equal nodes are one object, as those of most programs are."""
    names = [str(node) for node in range(1 + max(int(sequence.max()) for sequence in sequences))]
    return [[names[node] for node in sequence.tolist()] for sequence in sequences]


def sides(wanted: Sequence[str], **arguments: Any) -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """The wanted sides by name, with the class of each and the same arguments."""
    from gensim.models import Word2Vec as Gensims

    constructors = {"wordsparse": Word2Vec, "gensim": Gensims}
    return [
        (name, constructors[name.split()[0]], {**ARGUMENTS, **arguments, "sg": int(name.endswith("skip-gram"))})
        for name in SIDES
        if name in wanted
    ]


def trained(side: tuple[str, Callable[..., Any], dict[str, Any]], texts: list[list[str]]) -> tuple[Any, dict[str, Any]]:
    """A side's model, and its name and CPU seconds: reading the lists and training."""
    name, constructor, arguments = side
    wall, cpu = time.perf_counter(), time.process_time()
    model = constructor(texts, **arguments)
    return model, {"side": name, "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def unit(vectors: Array) -> Array:
    """Rows of length one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))


def classes(vectors: Array, sections: Array, shares: Sequence[float], seed: int) -> dict[str, float]:
    """Micro and macro F1 of the sections of all nodes but a share, which are known, and the judge's C."""
    found = {}
    for share in shares:
        order = np.random.default_rng(seed).permutation(len(vectors))
        known, asked = np.split(order, [int(share * len(order))])
        scores = judged(vectors, sections, known, asked, seed)
        found |= dict(zip((f"micro F1 {share:g}", f"macro F1 {share:g}", f"C {share:g}"), scores, strict=True))
    return found


def judged(vectors: Array, sections: Array, known: Array, asked: Array, seed: int) -> tuple[float, float, float]:
    """Micro and macro F1 of the sections of the nodes ``asked``, and the C that the ``known`` ones chose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import GridSearchCV, KFold

    scaled, folds = features(vectors, known), KFold(FOLDS, shuffle=True, random_state=seed)
    judge = GridSearchCV(LogisticRegression(**LIMITS), {"C": STRENGTHS}, cv=folds)
    with single_threaded_blas():
        judge.fit(scaled[known], sections[known])
    answers = judge.predict(scaled[asked])
    micro, macro = (float(f1_score(sections[asked], answers, average=average)) for average in ("micro", "macro"))
    return micro, macro, judge.best_params_["C"]


def features(vectors: Array, known: Array) -> Array:
    """Unit vectors about the mean of the ``known`` ones, as the judge takes them.

    The intercept makes up for the mean; but about it, the judge converges in fewer iterations.
    """
    return np.asarray((vectors - vectors[known].mean(axis=0)) * np.sqrt(vectors.shape[1]))


def links(vectors: Array, held: Array, tests: dict[str, Array]) -> dict[str, float]:
    """AUC and average precision of held-out edges among pairs that are none."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    found = {}
    for name, others in tests.items():
        pairs = np.concatenate([held, others])
        is_edge = np.arange(len(pairs)) < len(held)
        cosines = np.einsum("ij,ij->i", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
        found[f"AUC {name}"] = float(roc_auc_score(is_edge, cosines))
        found[f"AP {name}"] = float(average_precision_score(is_edge, cosines))
    return found


def hidden(baskets: list[Array], random: np.random.Generator) -> tuple[list[Array], list[tuple[Array, int]]]:
    """The baskets to train on, shuffled, and for each question the rest of its basket and the item held out."""
    training, questions = [], []
    for basket in baskets:
        basket = random.permutation(basket)
        if len(basket) > 2 and random.random() < 0.2:
            questions.append((basket[1:], int(basket[0])))
            basket = basket[1:]
        training.append(basket)
    return training, questions


def hit_rates(model: Any, questions: list[tuple[Array, int]]) -> dict[str, float]:
    """How often the held-out item is among the first by cosine, and by the model's outputs for the rest."""
    hits = {"cosine": 0, "model": 0}
    for rest, item in questions:
        words = [str(other) for other in rest if str(other) in model.wv]
        if words:
            likely = [word for word, _ in model.predict_output_word(words, topn=HITS + len(words)) if word not in words]
            hits["cosine"] += str(item) in {word for word, _ in model.wv.most_similar(positive=words, topn=HITS)}
            hits["model"] += str(item) in likely[:HITS]
    return {f"hits@{HITS} {name}": found / len(questions) for name, found in hits.items()}


if __name__ == "__main__":
    machine.run(main)
