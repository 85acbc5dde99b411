"""Debian's packages as a graph: edges are dependencies, classes sections, baskets the dependencies of one package."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from wordsparse.machine.threads import single_threaded_blas

Array = np.ndarray
HITS = 20
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # the values of C that are tried


@dataclass(frozen=True)
class Packages:
    """The packages that have a dependency or are one: names, sections, edges (n, 2) by number, a < b, and baskets."""

    names: list[str]
    sections: Array
    edges: Array
    baskets: list[Array]


def read(path: str) -> Packages:
    """The graph of a list of packages, by default apt's."""
    if path:
        listed = Path(path).read_text()
    else:
        try:
            listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise click.ClickException(f"apt-cache dumpavail: {error}; give a list with packages=FILE") from error
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
    """The edges that are kept, and the others; every node keeps an edge."""
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


def non_edges(graph: Packages, count: int, random: np.random.Generator, kind: str) -> Array:
    """Pairs of nodes without an edge; the ends are drawn uniformly, or by ``degree``, as those of edges are."""
    nodes = len(graph.names)
    known = set((graph.edges @ [nodes, 1]).tolist())
    found: list[tuple[int, int]] = []
    while len(found) < count:
        drawn = (
            random.choice(graph.edges.ravel(), (count, 2))
            if kind == "degree"
            else random.integers(nodes, size=(count, 2))
        )
        for a, b in np.sort(drawn, axis=1).tolist():
            if a != b and a * nodes + b not in known and len(found) < count:
                found.append((a, b))
    return np.array(found)


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
    """Micro and macro F1 of the sections of the nodes ``asked``, and the C that the ``known`` ones chose.

    Unit vectors are taken about the mean of the known ones: the judge then converges in fewer iterations.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import GridSearchCV, KFold

    scaled = (vectors - vectors[known].mean(axis=0)) * np.sqrt(vectors.shape[1])
    folds = KFold(5, shuffle=True, random_state=seed)
    judge = GridSearchCV(LogisticRegression(max_iter=300, tol=1e-3), {"C": STRENGTHS}, cv=folds)
    with single_threaded_blas():
        judge.fit(scaled[known], sections[known])
    answers = judge.predict(scaled[asked])
    micro, macro = (float(f1_score(sections[asked], answers, average=average)) for average in ("micro", "macro"))
    return micro, macro, judge.best_params_["C"]


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
