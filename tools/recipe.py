"""What each choice of the recipe does to the vectors: studies of the defaults, one change at a time.

    python tools/recipe.py english-10m.txt --study losses --dim 100 -o losses.json --pairs men.tsv --analogies msr.txt

A study is a list of variants of the default recipe. Each is trained anew, for both models and every seed asked for, on
the same encoded text with one hundredth of it held out, and judged by its exact held-out loss, CPU seconds, and the
test sets: WordSim-353, SimLex-999 and questions-words as they come with gensim, and any others given. Prints a table
and writes JSON. Differences below .02 on a few hundred word pairs are noise: look at several seeds, and several sets.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import click
import machine

import wordsparse as ws
from wordsparse import evaluation, recipe, training
from wordsparse.corpus import EncodedCorpus

FILES = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Variant:
    """The default recipe with some constants changed: fields of Options, Recipe or StepSizes, by name."""

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.changes.items() if name in recipe.Options.__dataclass_fields__}

    @contextmanager
    def constants(self, model: str, loss: str) -> Iterator[None]:
        """The recipe changed, inside."""
        default = recipe.RECIPES[model, loss]
        outer, inner = default.__dataclass_fields__, default.steps.__dataclass_fields__
        changed = replace(default, **{name: value for name, value in self.changes.items() if name in outer})
        steps = replace(changed.steps, **{name: value for name, value in self.changes.items() if name in inner})
        unknown = self.changes.keys() - self.options().keys() - outer.keys() - inner.keys()
        assert not unknown, unknown
        with mock.patch.dict(recipe.RECIPES, {(model, loss): replace(changed, steps=steps)}):
            yield


def sweep(name: str, *values: Any) -> list[Variant]:
    """One constant at several values."""
    return [Variant(f"{name} {value}", {name: value}) for value in values]


DEFAULT = Variant("default")
STUDIES: dict[str, list[Variant]] = {
    "losses": [Variant(loss, {"loss": loss}) for loss in recipe.LOSSES],
}


@click.command(help=__doc__.splitlines()[0])
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--study", type=click.Choice(list(STUDIES)), required=True)
@click.option("--models", default=",".join(recipe.MODELS), show_default=True)
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seeds", callback=machine.int_list, default="1", show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), help="Train on the first so many tokens only.")
@click.option("--heldout", type=float, default=0.01, show_default=True)
@click.option("--pairs", type=FILES, multiple=True, help="Another set of word pairs; repeatable.")
@click.option("--analogies", type=FILES, multiple=True, help="Another set of analogies; repeatable.")
@machine.threads_option
@machine.output_option
def main(
    corpus: Path,
    study: str,
    models: str,
    seeds: tuple[int, ...],
    pairs: tuple[Path, ...],
    analogies: tuple[Path, ...],
    output: Path | None,
    **options: Any,
) -> None:
    sets = {"pairs": pairs, "analogies": analogies}
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
        encoded = ws.encode(corpus, Path(folder) / "encoded")
        for model in models.split(","):
            for variant in STUDIES[study]:
                for seed in seeds:
                    runs.append(train(encoded, variant, sets, {**options, "model": model, "seed": seed}))
                    click.echo(table(runs[-1:]), err=True)
    click.echo(table(runs))
    report = {"tool": "recipe", "study": study, "corpus": corpus.name, "options": {**options, "seeds": seeds}}
    machine.write_report({**report, "machine": machine.describe(options["threads"]), "runs": runs}, output)


def train(
    corpus: EncodedCorpus, variant: Variant, sets: dict[str, tuple[Path, ...]], asked: dict[str, Any]
) -> dict[str, Any]:
    """Train a variant and judge it."""
    options = recipe.Options(**{**asked, **variant.options()})
    with variant.constants(options.model, options.loss):
        model = training.fit(corpus, options)
    vectors = model.word_vectors()
    scores = [evaluation.evaluate(vectors)]
    if any(sets.values()):
        scores.append(evaluation.evaluate(vectors, **sets))
    return {
        "model": options.model,
        "variant": variant.label,
        "changes": dict(variant.changes),
        "seed": options.seed,
        **{name: model.report[name] for name in ("loss", "heldout_loss", "cpu_seconds")},
        "pairs": {name: score["spearman"] for part in scores for name, score in part["pairs"].items()},
        "analogies": {name: score["accuracy"] for part in scores for name, score in part["analogies"].items()},
    }


def table(runs: list[dict[str, Any]]) -> str:
    """One line a run."""
    names = [*runs[0]["pairs"], *runs[0]["analogies"]]
    headers = ["model", "variant", "seed", "CPU s", "held-out", *(name[:9] for name in names)]
    rows = []
    for run in runs:
        scores = {**run["pairs"], **run["analogies"]}
        start = [
            run["model"],
            run["variant"],
            run["seed"],
            f"{run['cpu_seconds']:.1f}",
            f"{run['heldout_loss'][-1]:.4f}",
        ]
        rows.append([*start, *("-" if scores[name] is None else f"{scores[name]:.3f}" for name in names)])
    return machine.table(headers, rows)


if __name__ == "__main__":
    main()
