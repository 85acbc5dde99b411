"""Vectors of documents: against human judgements of news, and as features for the section of a Debian package.

    python tools/documents.py MODEL --packages FILE -o documents.json      FILE: the output of apt-cache dumpavail

MODEL is a model directory; its documents are exact vectors, weighted means of words, or both. Beside them stand vectors
that are trained on the documents of the task alone: ours (each document's name is an item of the basket of its words,
and its input row is the vector) and gensim's PV-DBOW. Texts and judgements of the news come with gensim.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np

import wordsparse as ws
from wordsparse.evaluation.scores import spearman
from wordsparse.unseen.documents import Documents

Array = np.ndarray
Texts = list[list[str]]
DIM = 100
SECTIONS, ROWS = 16, 12_000


def kinds(model: ws.Model, passes: tuple[int, ...]) -> dict[str, Callable[[Texts, Texts], Array]]:
    """Each kind of vector, as a function of the documents and of further ones that may be trained on.

    Vectors are trained with each number of passes.
    """
    made = Documents(model)
    trained = {f"trained, {epochs} epochs": lambda t, more, e=epochs: by_baskets(t, more, e) for epochs in passes}
    peers = {f"gensim PV-DBOW, {epochs} epochs": lambda t, more, e=epochs: by_gensim(t, more, e) for epochs in passes}
    last = passes[-1]
    return {
        "exact": lambda texts, _: made.vectors(texts),
        "weighted mean": lambda texts, _: made.vectors(texts, sif=True),
        "both": lambda texts, _: made.vectors(texts, both=True),
        **trained,
        **peers,
        "both and trained": lambda t, more: np.hstack([made.vectors(t, both=True), by_baskets(t, more, last)]),
    }


def by_baskets(texts: Texts, more: Texts, epochs: int, seed: int = 1) -> Array:
    """Skip-gram on baskets of a document's name and its words: the input rows of the names, of length one."""
    counts = Counter(word for text in [*texts, *more] for word in text)
    baskets = [[f"document-{i}", *(w for w in text if counts[w] > 1)] for i, text in enumerate([*texts, *more])]
    model = ws.train(
        baskets, model="skipgram", preset="items", dim=DIM, epochs=epochs, seed=seed, threads=1, progress=False
    )
    rows = model.objective.inputs[[model.vocabulary[f"document-{i}"] for i in range(len(texts))]]
    return unit(rows)


def by_gensim(texts: Texts, more: Texts, epochs: int, seed: int = 1) -> Array:
    """gensim's PV-DBOW, the vectors of the tags."""
    from gensim.models.doc2vec import Doc2Vec, TaggedDocument

    tagged = [TaggedDocument(text, [i]) for i, text in enumerate([*texts, *more])]
    made = Doc2Vec(tagged, dm=0, vector_size=DIM, epochs=epochs, min_count=2, workers=1, seed=seed)
    return unit(np.stack([made.dv[i] for i in range(len(texts))]))


def unit(rows: Array) -> Array:
    """Rows of length one; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def lee(makers: dict[str, Callable[[Texts, Texts], Array]]) -> dict[str, Any]:
    """Correlations of cosines with the similarities that people gave to 50 news documents (Lee et al., 2005).

    300 further documents of that collection may be trained on.
    """
    import gensim
    from gensim.utils import simple_preprocess

    data = Path(gensim.__file__).parent / "test" / "test_data"
    texts, more = (
        [simple_preprocess(line) for line in (data / name).read_text("latin1").splitlines()]
        for name in ("lee.cor", "lee_background.cor")
    )
    human = np.loadtxt(data / "similarities0-1.txt")
    above = np.triu_indices(len(texts), 1)
    found = {}
    for name, make in makers.items():
        started = time.process_time()
        vectors = unit(make(texts, more))
        cpu = time.process_time() - started
        cosines = (vectors @ vectors.T)[above]
        pearson = float(np.corrcoef(cosines, human[above])[0, 1])
        found[name] = {"pearson": pearson, "spearman": spearman(cosines, human[above]), "cpu_seconds": cpu}
        print(f"news      {name:28} Pearson {pearson:.3f}  Spearman {found[name]['spearman']:.3f}  {cpu:.1f} CPU s")
    return found


def packages_of(path: Path) -> tuple[list[str], Texts]:
    """The sections of packages, the ``SECTIONS`` largest only, and the words of their one-line descriptions."""
    from gensim.utils import simple_preprocess

    rows = []
    for entry in path.read_text(errors="replace").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line and line[0] != " ")
        description = fields.get("Description-en") or fields.get("Description")
        if description and "Section" in fields:
            rows.append((fields["Section"].split("/")[-1], description))
    sizes = Counter(section for section, _ in rows)
    largest = sorted(sizes, key=lambda section: (-sizes[section], section))[:SECTIONS]
    chosen = [row for row in sorted(set(rows)) if row[0] in largest]
    chosen = [chosen[i] for i in np.random.default_rng(1).permutation(len(chosen))[:ROWS]]
    return [section for section, _ in chosen], [simple_preprocess(text) for _, text in chosen]


def sections(makers: dict[str, Callable[[Texts, Texts], Array]], path: Path) -> dict[str, Any]:
    """Accuracy of a softmax regression from the one-line description of a package to its section."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    labels, texts = packages_of(path)
    split = len(texts) * 3 // 4
    found: dict[str, Any] = {"documents": len(texts), "words": float(np.mean([len(text) for text in texts]))}
    for name, make in makers.items():
        started = time.process_time()
        vectors = make(texts, [])
        cpu, best = time.process_time() - started, (0.0, 0.0)
        for penalty in (1.0, 10.0, 100.0):
            fitted = LogisticRegression(C=penalty, max_iter=200).fit(vectors[:split], labels[:split])
            guessed = fitted.predict(vectors[split:])
            accuracy = float((guessed == np.array(labels[split:])).mean())
            best = max(best, (accuracy, float(f1_score(labels[split:], guessed, average="macro"))))
        found[name] = {"accuracy": best[0], "macro_f1": best[1], "cpu_seconds": cpu}
        print(f"sections  {name:28} accuracy {best[0]:.3f}  macro-F1 {best[1]:.3f}  {cpu:.1f} CPU s")
    return found


@click.command()
@click.argument("model")
@click.option("--packages", type=click.Path(path_type=Path, exists=True), help="The output of apt-cache dumpavail.")
@click.option("--epochs", callback=machine.int_list, default="5,20,40", show_default=True, help="Of trained vectors.")
@machine.output_option
def main(model: str, packages: Path | None, epochs: tuple[int, ...], output: Path | None) -> None:
    """Judge each kind of vector on the news, and on the packages where they are given."""
    trained = ws.load(model)
    makers = kinds(trained, epochs)
    result: dict[str, Any] = {"options": trained.options, "lee": lee(makers)}
    if packages is not None:
        result["packages"] = sections(makers, packages)
    machine.write_report({"tool": "documents", "machine": machine.provenance(1), **result}, output)


if __name__ == "__main__":
    machine.run(main)
