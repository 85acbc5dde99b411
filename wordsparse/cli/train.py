"""``wordsparse train``."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import Completed, emit, expansion_option, json_option, quiet_option
from wordsparse.cli.config import RECIPE, config_option
from wordsparse.cli.text_options import corpus_argument, min_count_option, preset_option, text_options
from wordsparse.machine import devices
from wordsparse.stability.slice_runs import each_slice
from wordsparse.stability.time_slices import NAMES
from wordsparse.training.output_run import CHECKPOINT_EVERY
from wordsparse.training.runs import train
from wordsparse.words import recipe
from wordsparse.words.model import Model
from wordsparse.words.options import LOSSES, MODELS, Options
from wordsparse.words.presets import BASKET_WINDOW

DEFAULTS = Options()


def _batch_tokens(model: str) -> int:
    """The recipe's largest minibatch for ``model`` and the default loss."""
    return recipe.recommended(model, str(DEFAULTS.loss)).batch_tokens


@click.command()
@corpus_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Model directory to write.")
@click.option("--model", type=click.Choice(MODELS), default=DEFAULTS.model, show_default=True)
@click.option("--loss", type=Completed(LOSSES), default=DEFAULTS.loss, show_default=True)
@click.option("--dim", type=int, default=DEFAULTS.dim, show_default=True, help="Length of a vector.")
@preset_option
@click.option(
    "--window",
    type=int,
    help=f"Maximum context distance.  [default: {DEFAULTS.window}; with --for items {BASKET_WINDOW}]",
)
@min_count_option
@click.option("--max-vocab", type=int, help="Maximum number of words; the most frequent are kept.")
@click.option(
    "--sample",
    type=float,
    help=f"Subsampling threshold; 0 for none.  [default: {DEFAULTS.sample}; with --for items or walks 0]",
)
@click.option(
    "--measure-power",
    type=float,
    help="Outputs weigh by their counts to this power, which may be negative: the exponent of negative sampling's "
    f"distribution.  [default: {DEFAULTS.used_recipe().measure_power}]",
)
@click.option("--epochs", type=int, default=DEFAULTS.epochs, show_default=True)
@click.option(
    "--batch-tokens",
    type=int,
    help=f"Of the largest minibatches.  [default: {_batch_tokens('cbow')} for CBOW, {_batch_tokens('skipgram')} for "
    "skip-gram, fewer for a short text]",
)
@click.option("--threads", type=int, help="Number of threads.  [default: all available CPUs]")
@click.option("--seed", type=int, default=DEFAULTS.seed, show_default=True)
@click.option("--device", type=click.Choice(devices.DEVICES), default=DEFAULTS.device, show_default=True)
@click.option("--max-tokens", type=int, help="Train on the first N tokens only.")
@click.option(
    "--heldout",
    type=float,
    default=DEFAULTS.heldout,
    show_default=True,
    metavar="FRACTION",
    help="Fraction of the text that is excluded from training; its loss is shown after each epoch.",
)
@click.option(
    "--patience",
    type=int,
    metavar="EPOCHS",
    help="Stop after N epochs without a lower held-out loss. The learning rate falls to 0 over all of --epochs, "
    "so it is still high when a run stops early: for better vectors, run again with that smaller number of --epochs.",
)
@click.option(
    "--subwords/--no-subwords",
    default=DEFAULTS.subwords,
    show_default=True,
    help="Fit n-grams of characters to the vectors after training: unknown words get a vector, rare ones a better one.",
)
@text_options
@expansion_option
@click.option(
    "--init",
    metavar="VECTORS",
    help="Start from these vectors: a model, or a file that `evaluate` reads, such as word2vec's or fastText's .vec. "
    "Their dimension must be --dim.",
)
@click.option(
    "--slice-by",
    type=click.Choice(list(NAMES)),
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
@click.option(
    "--checkpoint-every",
    type=float,
    default=CHECKPOINT_EVERY,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between checkpoints, which are in OUTPUT.training until the model is written; with 0, only an "
    "interrupted run writes one. While a checkpoint is written, memory holds a copy of the vectors.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Resume an interrupted run for this output (the final model has the same bytes as without interruption), or "
    "continue to train a finished model: for more --epochs on its text, or on a new text. If the output has neither, "
    "start a new run.",
)
@config_option
@quiet_option
@json_option
def command(
    corpus: tuple[Path, ...],
    output: Path,
    slice_by: str | None,
    slice_column: str | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train word vectors on text files, or on a directory written by `encode`.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read down, or - for standard
    input. Each line is a sentence, words are separated by white space, and nothing is changed: --format and --tokens
    name other ways.
    """
    asked = {name: value for name, value in options.items() if value is not None}
    asked |= {"recipe": click.get_current_context().meta.get(RECIPE), "progress": not quiet}
    if slice_by is None and slice_column is None:
        result, lines = _told(train(list(corpus), output=output, **asked), output)
        emit(result, lines, as_json)
        return
    told = {
        name: _told(model, output / name)
        for name, model in each_slice(list(corpus), slice_by, slice_column, output, asked)
    }
    results = {name: result for name, (result, _) in told.items()}
    emit({"slices": results, "output": str(output)}, [line for _, lines in told.values() for line in lines], as_json)


def _told(model: Model, output: Path) -> tuple[dict[str, Any], list[str]]:
    """The summary of a trained model, as JSON and as lines."""
    report = model.report
    made = f"{report['vocab_size']:,} vectors of dimension {report['dim']} in {output}"
    how = (
        f"{report['tokens']:,} tokens in {report['wall_seconds']:.1f} s "
        f"({report['tokens_per_second']:,.0f} tokens/s, {report['threads']} threads); "
        f"loss per epoch: {', '.join(f'{loss:.4f}' for loss in report['loss'])}"
    )
    if "heldout_loss" in report:
        how += f"; held-out: {', '.join(f'{loss:.4f}' for loss in report['heldout_loss'])}"
    resamples = 0 if model.resamples is None else len(model.resamples)
    if "ranks" in report:
        sent, mean, most = (report[f"{name}_bytes"] for name in ("sent", "mean_step", "largest_step"))
        how += (
            f"; {report['ranks']} ranks, which sent {sum(sent) / 1e6:,.1f} MB: a rank {max(mean) / 1e6:.3g} MB in a "
            f"mean step, {max(most) / 1e6:.3g} MB in the largest"
        )
    lines = [made, how, *([f"{resamples} resamples of the text beside it"] if resamples else [])]
    return {**report, **({"resamples": resamples} if resamples else {}), "output": str(output)}, lines
