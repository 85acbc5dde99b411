"""Word vectors: constants of the recipe, and n-grams beside fastText."""

import resource
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds
from wordsparse.evaluation.scores import answer_pairs, spearman
from wordsparse.evaluation.testsets import read_pairs
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.recipe import recommended

Array = np.ndarray


@dataclass
class Recipe(Benchmark):
    """One constant of the recipe at several values: held-out loss, CPU time and scores.

    ``constant`` is a field of the recipe, of its step sizes or of its loss, such as ``lr`` or ``touching``, or an
    option of ``train``, such as ``sample``. A difference below .02 on a few hundred word pairs is noise: look at
    several seeds and sets.
    """

    text: Path = Path("text.txt")
    model: Any = ("cbow", "skipgram")
    constant: str = "lr"
    value: Any = (1.0, 2.5, 6.0)
    loss: str = "bounded-ns"
    dim: int = 100
    epochs: int = 5
    seed: Any = (1,)
    pairs: tuple[str, ...] = ("",)
    cases: ClassVar[tuple[str, ...]] = ("model", "value", "seed")

    def track_run(self) -> list[Row]:
        recipe, options = recommended(self.model, self.loss), {}
        parts = {"steps": recipe.steps, "loss": recipe.loss}
        owner = next((name for name, part in parts.items() if hasattr(part, self.constant)), None)
        if owner is not None:
            recipe = replace(recipe, **{owner: replace(parts[owner], **{self.constant: self.value})})  # type: ignore[arg-type]
        elif hasattr(recipe, self.constant):
            recipe = replace(recipe, **{self.constant: self.value})
        else:
            options[self.constant] = self.value
        before = cpu_seconds()
        given = {
            "model": self.model,
            "dim": self.dim,
            "epochs": self.epochs,
            "seed": self.seed,
            "threads": self.threads,
        }
        model = ws.train(self.text, recipe=recipe, heldout=0.01, progress=False, **given, **options)
        row: Row = {"cpu_seconds": cpu_seconds() - before, "heldout_loss": model.report["heldout_loss"][-1]}
        found = ws.evaluate(model, pairs=[path for path in self.pairs if path] or None)
        row |= {name: scores["spearman"] for name, scores in found["pairs"].items()}
        return [row | {name: scores["accuracy"] for name, scores in found["analogies"].items()}]


@dataclass
class FastText(Benchmark):
    """FastText's program with its defaults and ours with n-grams, from the same text: CPU seconds and scores.

    ``covered`` is the rank correlation over the pairs of known words, ``all`` that over all pairs, unknown words by
    their n-grams; a pair without a vector counts 0. ``fasttext`` is Debian's package of that name.
    """

    text: Path = Path("text.txt")
    pairs: tuple[str, ...] = ("rare.tsv",)
    model: Any = ("skipgram", "cbow")
    dim: int = 100
    epochs: int = 5
    form: float = 1.0
    program: str = "fasttext"
    cases: ClassVar[tuple[str, ...]] = ("model",)

    def track_ours(self) -> list[Row]:
        before = cpu_seconds()
        given = {"model": self.model, "dim": self.dim, "epochs": self.epochs, "threads": self.threads}
        model = ws.train(self.text, form=self.form, progress=False, **given)
        vectors = model.word_vectors()
        cost = {"cpu_seconds": cpu_seconds() - before}
        return [cost | row for row in self._scores(vectors)]

    def track_fasttext(self) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            stem = Path(folder, "model")
            options = {
                "input": self.text,
                "output": stem,
                "dim": self.dim,
                "epoch": self.epochs,
                "thread": self.threads,
            }
            before = cpu_seconds()
            self._run(self.model, *(part for name, value in options.items() for part in (f"-{name}", str(value))))
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            cost = {"cpu_seconds": cpu_seconds() - before, "peak_bytes": usage.ru_maxrss * 1024}
            known = ws.read_vectors(stem.with_suffix(".vec"))
            asked = {word for path in self.pairs for pair in read_pairs(Path(path)) for word in pair[:2]}
            unknown = "\n".join(sorted(asked - set(known.words)))
            said = self._run("print-word-vectors", str(stem.with_suffix(".bin")), told=unknown)
        rows = [line.rstrip().split(" ") for line in said.splitlines()]
        made = WithComposed(known, {row[0]: np.array(row[1:], np.float32) for row in rows})
        return [cost | row for row in self._scores(made)]

    def _run(self, *arguments: str, told: str = "") -> str:
        command = [self.program, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=told).stdout

    def _scores(self, vectors: WordVectors) -> list[Row]:
        rows = []
        for path in self.pairs:
            pairs = read_pairs(Path(path))
            judged = np.array([pair.score for pair in pairs])
            known, composed = answer_pairs(vectors, pairs), np.nan_to_num(answer_pairs(vectors, pairs, composed=True))
            covered = np.isfinite(known)
            scores = {"covered": spearman(judged[covered], known[covered]), "all": spearman(judged, composed)}
            rows.append({"set": Path(path).stem, "n": int(covered.sum()), **scores})
        return rows


class WithComposed(WordVectors):
    """Word vectors, and vectors of words that are not among them."""

    def __init__(self, known: WordVectors, composed: dict[str, Array]) -> None:
        super().__init__(known.words, known.vectors)
        self.composed = composed

    def has_vector(self, key: object) -> bool:
        return key in self or key in self.composed

    def get_vector(self, key: Any, norm: bool = False) -> Array:
        if key in self:
            return super().get_vector(key, norm)
        row = self.composed[key]
        return np.asarray(row / np.linalg.norm(row)) if norm else row
