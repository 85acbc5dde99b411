"""Classifiers and a recommender of huge sparse label sets: ranking scores and CPU seconds, beside omikuji.

    python tools/labels.py debian-tags debian-depends synthetic -o labels.json --seeds 3 --omikuji python-with-omikuji
    python tools/labels.py bibtex delicious corel5k --mulan mulan/data/multi-label
    python tools/labels.py debian-tags --write sets
    python tools/labels.py debian-recommends --heads 0,64,256
    python tools/labels.py recommender --option factors=400

Debian's package list comes from apt's files (long descriptions need `apt-get -o Acquire::Languages=en update`); mulan's
directory holds NAME-train.arff and NAME-test.arff, with Corel5k's as Corel5k-train-sparse.arff. Everything runs on one
thread. Scores are P@1, 3, 5 and PSP@1, 3, 5 in per cent. The rival, omikuji with its defaults, runs in a Python
environment of its own (``--omikuji``: its interpreter); its scores are ranked a second time times n_l^−0.2, as ours are
times a power of n_l that leave-one-out chooses.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import label_sets
import machine
import numpy as np
from scipy.linalg import lapack

import wordsparse as ws
from wordsparse.evaluation.ranking import inverse_propensities, ranking_scores
from wordsparse.labels import LabelledRows, classification, write_text

KS = (1, 3, 5)
RESCORING = 0.2
USERS = 8000
# Mulan's data sets: the name of the files, labels, and whether their features are weighted by idf.
MULAN = {"bibtex": ("bibtex", 159, True), "delicious": ("delicious", 983, True), "corel5k": ("Corel5k", 374, False)}
DEBIAN = {"debian-tags": "tags", "debian-depends": "depends", "debian-recommends": "recommends"}
SETS = (*MULAN, *DEBIAN, "synthetic", "recommender")
RIVAL = """
import json, sys, time
import numpy as np, omikuji
train, test, out = sys.argv[1:]
params = omikuji.Model.default_hyper_param()
cpu = time.process_time()
model = omikuji.Model.train_on_data(train, params, n_threads=1)
trained = time.process_time() - cpu
rows = [line.split()[1:] for line in open(test).readlines()[1:]]
rows = [[(int(f), float(v)) for f, v in (pair.split(":") for pair in row)] for row in rows]
cpu = time.process_time()
found = [model.predict(row, top_k=50) for row in rows]
json.dump({"cpu": trained, "predict_cpu": time.process_time() - cpu, "found": found}, open(out, "w"))
"""


def judged(labels: Any, data: label_sets.DataSet) -> dict[str, list[float]]:
    """P@k and PSP@k in per cent."""
    counts = np.bincount(data.Y.indices, minlength=data.Y.shape[1])
    scores = ranking_scores(labels, data.Y_test, inverse_propensities(counts, data.Y.shape[0]), KS)
    return {name: [round(100 * scores[name][k], 1) for k in KS] for name in ("precision", "psp")}


@contextmanager
def logistic_head(labels: int | None) -> Iterator[None]:
    """Let the logistic head have so many labels inside the block, for 0 leave it out; None: as it comes."""
    given = {} if labels is None else {"HEAD_LABELS": labels} if labels else {"HEAD_ROWS": sys.maxsize}
    with patch.multiple(classification, **given) if given else nullcontext():
        yield


def ours(data: label_sets.DataSet, seed: int, **options: Any) -> dict[str, Any]:
    """The classifier with nothing set but the seed and ``options``."""
    start = time.process_time()
    classifier = ws.SparseTargetClassifier(threads=1, random_state=seed, **options).fit(data.X, data.Y)
    trained = time.process_time()
    labels, _ = classifier.predict_topk(data.X_test, max(KS))
    used = {"cpu": round(trained - start, 2), "predict_cpu": round(time.process_time() - trained, 2)}
    chosen = {"power": round(classifier.power_, 2), "head": int(classifier.head_labels_.shape[0])}
    return {"method": named(options), "seed": seed, **judged(labels, data), **used, **chosen}


def named(options: dict[str, Any]) -> str:
    """The name of ours with these options."""
    return ", ".join(["wordsparse", *(f"{name}={value}" for name, value in options.items())])


def omikuji(data: label_sets.DataSet, interpreter: str) -> list[dict[str, Any]]:
    """omikuji as it comes, and its scores ranked again."""
    with tempfile.TemporaryDirectory() as folder:
        train, test, out = (Path(folder) / name for name in ("train.txt", "test.txt", "out.json"))
        write_text(train, LabelledRows(data.X, data.Y))
        write_text(test, LabelledRows(data.X_test, data.Y_test))
        subprocess.run([interpreter, "-c", RIVAL, str(train), str(test), str(out)], check=True, capture_output=True)
        result = json.loads(out.read_text())
    counts = np.bincount(data.Y.indices, minlength=data.Y.shape[1]).astype(np.float64)
    lines = []
    for method, power in (("omikuji", 0.0), (f"omikuji × n^−{RESCORING}", RESCORING)):
        top = np.full((len(result["found"]), max(KS)), -1)
        for i, row in enumerate(result["found"]):
            ranked = sorted(row, key=lambda pair: -pair[1] * counts[pair[0]] ** -power)[: max(KS)]
            top[i, : len(ranked)] = [label for label, _ in ranked]
        used = {"cpu": round(result["cpu"], 2), "predict_cpu": round(result["predict_cpu"], 2)}
        lines.append({"method": method, **judged(top, data), **used})
    return lines


def recommender(seed: int, **options: Any) -> dict[str, Any]:
    """Hit rate and nDCG at 20 of the one item of each user that was held out, in per cent."""
    user_items, held_out = label_sets.dependencies(seed)
    users = _judged_users(user_items, seed)
    start = time.process_time()
    model = ws.SparseTargetRecommender(threads=1, random_state=seed, **options).fit(user_items)
    cpu = time.process_time() - start
    scores = _hits(model.recommend(users, user_items[users], N=20)[0], held_out[users])
    return {"method": named(options), "seed": seed, **scores, "cpu": round(cpu, 2), "shape": list(user_items.shape)}


def ease(seed: int, ridge: float = 10.0) -> dict[str, Any]:
    """EASE in full (Steck, WWW 2019), on the same items held out: B = I − P diag(P)⁻¹, P = (XᵀX + λI)⁻¹, in float32."""
    user_items, held_out = label_sets.dependencies(seed)
    users = _judged_users(user_items, seed)
    start = time.process_time()
    P = (user_items.T @ user_items).toarray().astype(np.float32, order="F")
    P[np.diag_indices_from(P)] += ridge
    P, _ = lapack.spotrf(P, lower=True, overwrite_a=True)
    P, _ = lapack.spotri(P, lower=True, overwrite_c=True)
    P = np.tril(P) + np.tril(P, -1).T
    B = P / -np.diag(P)
    np.fill_diagonal(B, 0)
    cpu = time.process_time() - start
    own = user_items[users]
    scores = own @ B
    scores[own.nonzero()] = -np.inf
    found = np.argsort(-scores, 1)[:, :20]
    return {"method": "EASE", "seed": seed, **_hits(found, held_out[users]), "cpu": round(cpu, 2)}


def _judged_users(user_items: Any, seed: int) -> Any:
    return np.random.default_rng(seed).choice(user_items.shape[0], min(USERS, user_items.shape[0]), replace=False)


def _hits(found: Any, held_out: Any) -> dict[str, float]:
    hits = found == held_out[:, None]
    ndcg = np.where(hits.any(1), 1 / np.log2(hits.argmax(1) + 2), 0)
    return {"hit_rate": round(100 * hits.any(1).mean(), 1), "ndcg": round(100 * ndcg.mean(), 1)}


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(SETS))
@click.option("--mulan", type=click.Path(exists=True, path_type=Path), help="Directory of mulan's ARFF files.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--omikuji", "interpreter", help="Interpreter of an environment with omikuji.")
@click.option("--methods", default="ours,rival", show_default=True, help="Those that are measured.")
@click.option("--option", "given", multiple=True, metavar="NAME=N", help="A parameter of ours, else with its default.")
@click.option("--heads", default="", metavar="N,N,…", help="Measure ours with a head of N labels, too; 0: without.")
@click.option(
    "--write", type=click.Path(file_okay=False, path_type=Path), help="Write NAME-train.txt and -test.txt only."
)
@machine.output_option
def main(
    names: tuple[str, ...],
    mulan: Path | None,
    seeds: int,
    interpreter: str | None,
    methods: str,
    given: tuple[str, ...],
    heads: str,
    write: Path | None,
    output: Path | None,
) -> None:
    """Measure on data sets by name."""
    parts = (each.split("=") for each in given)
    asked, wanted = {name: int(value) for name, value in parts}, methods.split(",")
    seeds = seeds if "ours" in wanted else 0
    results: dict[str, list[dict[str, Any]]] = {}

    def measured(name: str, measure: Callable[[], dict[str, Any]]) -> None:
        results[name].append(measure())
        print(name, json.dumps(results[name][-1], ensure_ascii=False), flush=True)

    for name in names:
        results[name] = []
        if name == "recommender":
            for seed in range(seeds):
                measured(name, lambda seed=seed: recommender(seed, **asked))
            if "rival" in wanted:
                measured(name, lambda: ease(0))
            continue
        if name in MULAN and mulan is None:
            raise click.UsageError(f"{name} needs --mulan")
        data = _data(name, mulan)
        print(name, data.X.shape, data.Y.shape, data.X_test.shape[0], flush=True)
        if write is not None:
            write.mkdir(exist_ok=True)
            write_text(write / f"{name}-train.txt", LabelledRows(data.X, data.Y))
            write_text(write / f"{name}-test.txt", LabelledRows(data.X_test, data.Y_test))
            continue
        for head in (None, *map(int, filter(None, heads.split(",")))):
            label = {} if head is None else {"method": f"wordsparse, head of {head}"}
            for seed in range(seeds):
                with logistic_head(head):
                    measured(name, lambda seed=seed, data=data, label=label: ours(data, seed, **asked) | label)
        for line in omikuji(data, interpreter) if interpreter and "rival" in wanted else []:
            measured(name, lambda line=line: line)
    if write is None:
        machine.write_report({"tool": "labels", "machine": machine.provenance(1), "results": results}, output)


def _data(name: str, mulan: Path | None) -> label_sets.DataSet:
    if name in DEBIAN:
        return label_sets.debian(DEBIAN[name])
    if name == "synthetic":
        return label_sets.synthetic(1)
    assert mulan is not None
    files, labels, idf = MULAN[name]
    return label_sets.mulan(mulan, files, labels, idf=idf)


if __name__ == "__main__":
    machine.run(main)
