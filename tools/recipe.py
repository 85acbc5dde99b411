"""The effect of each choice of the recipe on the vectors: studies of the defaults, one change at a time.

    python tools/recipe.py english-10m.txt --study losses --dim 100 -o losses.json --pairs men.tsv --analogies msr.txt

A study is a list of variants of the default recipe, each for both models and every seed asked for, trained on the same
encoded text with one hundredth of it held out, and judged by its exact held-out loss, CPU seconds, and the
test sets: WordSim-353, SimLex-999 and questions-words as they come with gensim, and any others given. Prints a table
and writes JSON. Differences below .02 on a few hundred word pairs are noise: look at several seeds, and several sets.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from numpy.typing import NDArray

import wordsparse as ws
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import TrainingError
from wordsparse.training import runs
from wordsparse.words import coordinates, recipe
from wordsparse.words.model import Model
from wordsparse.words.options import LOSSES, MODELS, Options

FILES = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Variant:
    """The default recipe with some constants changed: fields of Options, Recipe, StepSizes or the loss, by name."""

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.changes.items() if name in Options.__dataclass_fields__}

    def export(self) -> dict[str, Any]:
        return {name: value for name, value in self.changes.items() if name in EXPORT}

    def recipe(self, model: str, loss: str) -> recipe.Recipe:
        """The recipe, changed."""
        default = recipe.recommended(model, loss)
        others = {**self.options(), **self.export(), "init": True}
        constants = {name: x for name, x in self.changes.items() if name not in others}
        inner = {name: x for name, x in constants.items() if name in default.steps.__dataclass_fields__}
        of_loss = {name: x for name, x in constants.items() if name in default.loss.__dataclass_fields__}
        # replace() refuses what it does not know.
        outer = {name: x for name, x in constants.items() if name not in {**inner, **of_loss}}
        with_loss = replace(default.loss, **of_loss)
        return replace(default, **outer, loss=with_loss, steps=replace(default.steps, **inner))


def sweep(name: str, *values: Any) -> list[Variant]:
    """One constant at several values."""
    return [Variant(f"{name} {value}", {name: value}) for value in values]


STUDIES: dict[str, list[Variant]] = {
    "losses": [Variant(loss, {"loss": loss}) for loss in LOSSES],
    "constants": [
        Variant("default"),
        *sweep("distances", "linear", "harmonic"),
        *sweep("measure_power", 0.0, 0.125, 0.25, 0.375, 0.75),
        *sweep("sample", 1e-4, 1e-2),
        *sweep("touching", 0.0, 2.0, 4.0, 9.0),
        *sweep("negatives", 2.0, 10.0),
        # With 1 minibatches do not grow: they are as large as may be from the start.
        *sweep("growth", 0.02, 0.1, 1.0),
        *sweep("acceleration", 0.0, 0.5),
        *sweep("batch_tokens", 65_536, 524_288, 1_048_576),
        *sweep("forget_tokens", 300_000, 5_000_000),
        *sweep("m0", 10.0, 50.0, 100.0, 300.0),
        *sweep("ridge", 0.005, 0.5),
        *sweep("rho", 0.001, 0.1),
        *sweep("lr", 1.0, 2.5, 6.0),
        *sweep("trust", 0.1, 0.5),
        *sweep("t0", 5.0, 20.0),
        *sweep("epochs", 2, 10),
    ],
    # The limits that hold the steps of wide vectors, and runs without them.
    "wide": [
        Variant(f"dim {dim}{label}", {"dim": dim, **limits})
        for dim in (100, 300, 500, 1000)
        for label, limits in (("", {}), (", no limits", {"max_leverage": 1e9, "wide_dim": 1e9}))
    ],
    # 100 steps at least, or 150.
    "steps": sweep("long_run", 0, 10**12),
    # Needs --init.
    "start": [Variant("default"), Variant("init", {"init": True})],
    # Variants that change the exported vectors only are judged on one and the same trained model.
    "vectors": [
        Variant("default"),
        *(Variant(f"{name} only", {"vectors": name}) for name in ("input", "output")),
        *sweep("turn", 0.0, 0.5, 1.0),
        *sweep("exponent", -0.25, -0.125, 0.125, 0.25, 0.5),
        *sweep("doubt", 0.0, 0.15, 1.0),
    ],
}
EXPORT = ("vectors", "exponent", "doubt", "turn")


@click.command(help=__doc__.splitlines()[0])
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--study", type=click.Choice(list(STUDIES)), required=True)
@click.option("--only", multiple=True, help="Of the study, this variant only; repeatable.")
@click.option("--models", default=",".join(MODELS), show_default=True)
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seeds", callback=machine.int_list, default="1", show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), help="Train on the first so many tokens only.")
@click.option("--init", type=click.Path(exists=True, path_type=Path), help="Vectors that the study start starts from.")
@click.option("--heldout", type=float, default=0.01, show_default=True)
@click.option("--pairs", type=FILES, multiple=True, help="Another set of word pairs; repeatable.")
@click.option("--analogies", type=FILES, multiple=True, help="Another set of analogies; repeatable.")
@machine.threads_option
@machine.output_option
def main(
    corpus: Path,
    study: str,
    only: tuple[str, ...],
    models: str,
    min_count: int,
    seeds: tuple[int, ...],
    init: Path | None,
    pairs: tuple[Path, ...],
    analogies: tuple[Path, ...],
    output: Path | None,
    **options: Any,
) -> None:
    sets = {"pairs": pairs, "analogies": analogies}
    variants = [variant for variant in STUDIES[study] if not only or variant.label in only]
    if study == "start" and init is None:
        raise click.UsageError("the study start needs --init")
    given = None if init is None else ws.read_vectors(init)
    done: list[dict[str, Any]] = []
    report = {"tool": "recipe", "study": study, "corpus": corpus.name, "min_count": min_count}
    report["options"] = {**options, "seeds": seeds, "init": init and init.name}
    report["machine"] = machine.provenance(options["threads"])
    with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
        encoded = ws.encode(corpus, Path(folder) / "encoded", min_count=min_count)
        for model, seed in product(models.split(","), seeds):
            trained: dict[str, Model | str] = {}
            for variant in variants:
                asked = Options(**{**options, "model": model, "seed": seed, **variant.options()})
                # The key of the cache of trained models: everything that training depends on.
                key = repr((asked, {name: x for name, x in variant.changes.items() if name not in EXPORT}))
                if key not in trained:
                    trained = {key: train(encoded, variant, asked, given)}
                done.append(judge(trained[key], variant, asked, sets))
                click.echo(table(done[-1:]), err=True)
                machine.write_report({**report, "runs": done}, output)
    click.echo(table(done))


def train(corpus: EncodedCorpus, variant: Variant, options: Options, given: ws.WordVectors | None) -> Model | str:
    """The model, or the reason why there is none; ``given`` are the vectors to start from, for variants that do."""
    init = given if variant.changes.get("init") else None
    try:
        return runs.fit(corpus, replace(options, recipe=variant.recipe(options.model, options.loss)), init=init)
    except TrainingError as error:
        return str(error)


def judge(model: Model | str, variant: Variant, options: Options, sets: dict[str, tuple[Path, ...]]) -> dict[str, Any]:
    """One run of the report."""
    run = {
        "model": options.model,
        "variant": variant.label,
        "changes": dict(variant.changes),
        "seed": options.seed,
    }
    if isinstance(model, str):
        return {**run, "failed": model}
    vectors = ws.WordVectors(model.vocabulary.words, exported(model, **variant.export()))
    scores = [ws.evaluate(vectors)]
    if any(sets.values()):
        scores.append(ws.evaluate(vectors, **sets))
    return {
        **run,
        **{name: model.report[name] for name in ("loss", "heldout_loss", "cpu_seconds")},
        "pairs": {name: score["spearman"] for part in scores for name, score in part["pairs"].items()},
        "analogies": {name: score["accuracy"] for part in scores for name, score in part["analogies"].items()},
    }


def exported(
    model: Model,
    vectors: str = "combined",
    exponent: float = coordinates.EXPONENT,
    doubt: float = coordinates.DOUBT,
    turn: float = coordinates.TURN,
) -> NDArray[Any]:
    """The vectors of a model (V, dim): combined, or one side alone."""
    E, W, counts = model.input_rows, model.output_rows[:, : model.dim], np.asarray(model.vocabulary.counts, np.float64)
    if vectors == "combined":
        return coordinates.combined(E, W, counts, exponent, doubt, turn)
    c = coordinates.canonical(coordinates.gram(E, counts / counts.sum()), coordinates.gram(W))
    if vectors == "output":
        return (W @ c.outputs * c.spectrum ** (exponent / 2 - 0.5)).astype(np.float32)
    known = counts[:, None] * c.spectrum / c.spectrum.sum()
    return (E @ c.inputs * c.spectrum ** (exponent / 2) * known / (known + doubt)).astype(np.float32)


def table(runs: list[dict[str, Any]]) -> str:
    """One line a run."""
    names = next(([*run["pairs"], *run["analogies"]] for run in runs if "failed" not in run), [])
    rows = []
    for run in runs:
        cells = [run["model"], run["variant"], run["seed"]]
        if "failed" in run:
            rows.append([*cells, "-", "diverged", *("-" for _ in names)])
            continue
        scores = {**run["pairs"], **run["analogies"]}
        cells += [f"{run['cpu_seconds']:.1f}", f"{run['heldout_loss'][-1]:.4f}"]
        rows.append([*cells, *("-" if scores[name] is None else f"{scores[name]:.3f}" for name in names)])
    return machine.table(["model", "variant", "seed", "CPU s", "held-out", *(name[:9] for name in names)], rows)


if __name__ == "__main__":
    machine.run(main)
