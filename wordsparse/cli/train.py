"""``wordsparse train``."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wordsparse import validation
from wordsparse.cli.common import emit, given, json_option, launched, output_option, quiet_option
from wordsparse.cli.config import RECIPE, config_option
from wordsparse.cli.options import options_of
from wordsparse.cli.text_options import corpus_argument
from wordsparse.errors import InputError
from wordsparse.machine.launcher import place
from wordsparse.training.model import Model
from wordsparse.training.options import TrainOptions
from wordsparse.words.options import epochs_of


@click.command()
@corpus_argument
@output_option("Model directory to write.")
@options_of(TrainOptions)
@click.option(
    "--slice-by",
    type=click.Choice(["year", "directory", "file"]),
    help="Train one model for each slice of the text, OUTPUT/SLICE, all over the vocabulary of the whole text: by the "
    "year in the names of files or their directories, by directory, or by file. `moved` and `explore` compare them.",
)
@click.option(
    "--slice-column",
    metavar="NAME",
    help="Slices by a column of rows, beside --column; with --slice-by year, by the first year in it.",
)
@click.option(
    "--bootstrap",
    type=int,
    default=0,
    metavar="N",
    help="Train on N resamples of the text too (20 are a start): `similar` and `explore` then show how often each "
    "neighbour came back.",
)
@config_option
@quiet_option
@json_option
def command(
    corpus: tuple[Path, ...],
    output: Path,
    slice_by: str | None,
    slice_column: str | None,
    bootstrap: int,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train word vectors on text files, or on a directory written by `encode`.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read down, or - for standard
    input. Each line is a sentence, words are separated by white space, and nothing is changed: --format and --tokens
    name other ways. With --for graph: files of edges.
    """
    if place()[1] > 1 and (bootstrap or slice_by or slice_column):
        raise InputError("bootstrap and slices are for one process: start it without a launcher")
    asked = given(options)
    if asked.get("preset") == "graph" and (bootstrap or slice_by or slice_column):
        raise InputError("bootstrap and slices are for texts, not for a graph")
    asked |= {"recipe": click.get_current_context().meta.get(RECIPE), "progress": not quiet}
    if slice_by is None and slice_column is None:
        result, lines = _told(_trained(list(corpus), output, bootstrap, asked), output)
        emit(result, lines, as_json)
        return
    from wordsparse.stability.slice_runs import each_slice

    told = {
        name: _told(model, output / name)
        for name, model in each_slice(list(corpus), slice_by, slice_column, output, bootstrap, asked)
    }
    results = {name: result for name, (result, _) in told.items()}
    emit({"slices": results, "output": str(output)}, [line for _, lines in told.values() for line in lines], as_json)


def _trained(corpus: list[Path], output: Path, bootstrap: int, asked: dict[str, Any]) -> Model:
    validation.whole("bootstrap", bootstrap)
    model: Model
    if not bootstrap:
        model = launched("train")(corpus, output=output, **asked)
        return model
    from wordsparse.stability.bootstrap import resample

    launched("train")(corpus, output=output, also={"bootstrap": bootstrap}, **asked)
    return resample(output, corpus, bootstrap)


def _first_and_last(losses: Sequence[float]) -> str:
    """The losses of the first and of the last epoch; --json has all of them."""
    return " → ".join(f"{loss:.4f}" for loss in (losses if len(losses) < 3 else (losses[0], losses[-1])))


def _told(model: Model, output: Path) -> tuple[dict[str, Any], list[str]]:
    """The summary of a trained model, as JSON and as lines."""
    report = model.report
    made = f"{report['vocab_size']:,} vectors of dimension {report['dim']} in {output}"
    how = (
        f"{report['tokens']:,} tokens in {epochs_of(len(report['loss']))} and {report['wall_seconds']:.1f} s "
        f"({report['tokens_per_second']:,.0f} tokens/s, {report['threads']} threads); "
        f"loss: {_first_and_last(report['loss'])}"
    )
    if "heldout_loss" in report:
        how += f"; held-out: {_first_and_last(report['heldout_loss'])}"
    resamples = len(getattr(model, "resamples", ()))
    if "ranks" in report:
        sent, mean, most = (report[f"{name}_bytes"] for name in ("sent", "mean_step", "largest_step"))
        how += (
            f"; {report['ranks']} ranks, which sent {sum(sent) / 1e6:,.1f} MB: a rank {max(mean) / 1e6:.3g} MB in a "
            f"mean step, {max(most) / 1e6:.3g} MB in the largest"
        )
    lines = [made, how, *([f"{resamples} resamples of the text beside it"] if resamples else [])]
    lines.append(f"next: wordsparse similar {shlex.quote(str(output))} WORD")
    return {**report, **({"resamples": resamples} if resamples else {}), "output": str(output)}, lines
