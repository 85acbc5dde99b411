"""``wordsparse labels``: a classifier for texts or rows, each with few of possibly very many labels."""

import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import click

from wordsparse import validation
from wordsparse.cli.commands import Commands
from wordsparse.cli.common import (
    PATH,
    Choice,
    emit,
    given,
    int_list,
    json_option,
    lines_of,
    output_option,
    quiet_option,
    report_stream,
)
from wordsparse.corpus.tables import format_of_name, table_rows, writing
from wordsparse.errors import InputError
from wordsparse.files import outputs, storage
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.data import cells_of, labelled_rows, numbers_of, rows_of
from wordsparse.labels.text_classifier import TextClassifier
from wordsparse.labels.texts import holds_texts, unlabelled
from wordsparse.tokens.tokenizers import TOKENIZERS

targets_option = click.option(
    "--targets", metavar="FILE", type=PATH, help="npz file of the labels, if DATA is an npz file of features."
)
# Columns of the answers in a table.
ANSWER = ("labels", "probabilities")
SHOWN = 5  # labels in the report after training
threads_option = click.option("--threads", type=int, help="Number of threads.  [default: all available CPUs]")
column_option = click.option("--column", metavar="NAME", help="Column of the texts in a table.")


def table_options(command: Any) -> Any:
    """Add the options that name the columns of texts and of labels in a table."""
    separator = click.option("--separator", help="Separator of the labels in a cell.  [default: a comma]")
    labels = click.option("--labels", metavar="NAME", help="Column of the labels.")
    return column_option(labels(separator(command)))


@click.group("labels", cls=Commands)
def command() -> None:
    """Train, use and evaluate classifiers for huge sets of labels.

    DATA holds texts or numbers. Texts: a table (CSV, JSON lines, Parquet) with --column and --labels, or lines of text
    with labels as words '__label__NAME', as for fastText. Numbers: lines 'label,label feature:value ...', with
    ascending features from 0, after an optional first line 'ROWS FEATURES LABELS', plain or compressed; or an npz file
    of scipy.sparse.save_npz, with --targets.
    """


@command.command()
@click.argument("data", type=PATH, required=False)
@output_option("Directory to write the model to.", "MODEL")
@table_options
@click.option("--tokens", type=Choice(list(TOKENIZERS)), help="Tokeniser of texts.  [default: scikit-learn's words]")
@click.option("--ngrams", type=int, help="Maximum number of words in a feature.  [default: 2]")
@click.option("--min-count", type=int, help="Minimum number of texts that contain a feature.  [default: 2]")
@targets_option
@click.option("--weight-column", metavar="NAME", help="Column of the rows' weights in a table.")
@click.option("--id-column", metavar="NAME", help="Column of the rows' names for --forget.  [default: row numbers]")
@click.option("--resume", is_flag=True, help="Train MODEL again, on its rows and on DATA, and replace it.")
@click.option("--forget", metavar="FILE", type=PATH, help="With --resume: remove rows; FILE has an id on each line.")
@click.option("--no-rows", is_flag=True, help="Do not keep the training rows in MODEL, which --resume needs.")
@click.option("--no-rerank", is_flag=True, help="Do not rank the best labels again.  [default: again if it helps]")
@click.option("--seed", type=int, help="Seed of the choice of held-out rows.  [default: 0]")
@threads_option
@quiet_option
@json_option
def train(
    data: Path | None,
    output: Path,
    column: str | None,
    labels: str | None,
    separator: str | None,
    targets: Path | None,
    weight_column: str | None,
    id_column: str | None,
    resume: bool,
    forget: Path | None,
    no_rows: bool,
    no_rerank: bool,
    seed: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
    **text: Any,
) -> None:
    """Train a classifier on DATA and write MODEL.

    With --resume, MODEL is trained again and replaced. The training rows are the rows of MODEL, except for the
    rows that --forget names, and the rows of DATA, which may be left out. The result equals one training on all these
    rows.
    """
    if forget is not None and not resume:
        raise InputError(f"--forget {forget} removes rows of a model: add --resume")
    if data is None and forget is None:
        raise InputError("name a file to train on, or rows to remove: --resume --forget FILE")
    if (column is None) != (labels is None):
        raise InputError("a table needs both --column for its texts and --labels for its labels")
    source = given({"column": column, "labels": labels, "separator": separator})
    settings = given({**text, "seed": seed, "no_rerank": no_rerank or None, "no_rows": no_rows or None})
    classifier = _saved(output, settings) if resume else _new(output, data, source, settings)
    classifier.threads = threads if threads is not None else classifier.threads
    training: tuple[Any, ...] = ()
    if data is not None:
        X, Y = labelled_rows(classifier, data, targets, source, may_grow=True)
        weights = None if weight_column is None else numbers_of(data, weight_column)
        training = X, Y, None, weights, None if id_column is None else cells_of(data, id_column, "--id-column")
    wall, cpu = time.perf_counter(), time.process_time()
    if forget is not None:
        classifier.forget(lines_of(forget))
    if training:
        classifier.partial_fit(*training)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    classifier.save(output, overwrite=resume)
    total = classifier.n_rows_
    result = {
        "rows": int(total) if total.is_integer() else total,
        "features": classifier.n_features_in_,
        "labels": len(classifier.classes_),
        "scoring_power": classifier.power_,
        "reranked": classifier.reranked_,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
    }
    counted = zip(classifier.label_counts_.tolist(), classifier.classes_.tolist(), strict=True)
    most = (f"{label} ({count:,.12g})" for count, label in sorted(counted, key=lambda pair: -pair[0])[:SHOWN])
    lines = [
        f"{result['rows']:,.12g} rows, {result['labels']:,} labels; {cpu:.1f} CPU s: {output}",
        f"most frequent labels: {', '.join(most)}",
        f"scoring power {classifier.power_:.2f}; best labels {'' if classifier.reranked_ else 'not '}ranked again",
    ]
    emit(result, lines, as_json)


def _saved(model: Path, settings: dict[str, Any]) -> SparseTargetClassifier:
    """Return the classifier in MODEL. Raise InputError if there are settings, which only a new classifier takes."""
    if settings:
        raise InputError(f"--{'/--'.join(settings)} is a choice of the first training".replace("_", "-"))
    return SparseTargetClassifier.load(model)


def _new(model: Path, data: Path | None, source: dict[str, str], settings: dict[str, Any]) -> SparseTargetClassifier:
    """Return a new classifier for DATA with the settings. Raise InputError if MODEL cannot be written, or a setting
    does not apply to numbers."""
    assert data is not None  # only --resume needs none
    storage.check_new_directory(model)
    general = {
        "random_state": settings.pop("seed", 0),
        "rerank": not settings.pop("no_rerank", False),
        "keep_rows": not settings.pop("no_rows", False),
    }
    kind = TextClassifier if source or holds_texts(data) else SparseTargetClassifier
    if not kind.takes_texts and settings:
        raise InputError(f"{data}: holds numbers, so --{'/--'.join(settings)} does not apply".replace("_", "-"))
    return kind(**general, **settings)


class _Ranking(click.Command):
    """A command with the option -k, which is fastText's third argument."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse arguments that are left over."""
        left = super().parse_args(ctx, args)
        if ctx.args:
            advice = f": did you mean -k {ctx.args[0]}?" if ctx.args[0].isdigit() else ""
            ctx.fail(f"unexpected argument {' '.join(ctx.args)}{advice}")
        return left


@command.command(cls=_Ranking)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH)
@column_option
@click.option("-k", type=int, default=5, show_default=True, help="Labels of each row.")
@click.option(
    "--threshold",
    metavar="P|auto",
    default="0",
    help="Minimum probability of a label in the output; auto: for each label, the one with the best F1 in training.",
)
@click.option("--why", type=int, metavar="N", help="Add the N features with the largest shares to each label.")
@click.option("-o", "--output", metavar="FILE", type=PATH, help="Parquet or JSON lines file; - for JSON lines.")
@click.option("--keep", metavar="NAME,NAME", help="Columns of the table to copy to --output.")
@json_option
def predict(
    model: Path,
    data: Path,
    column: str | None,
    k: int,
    threshold: str,
    why: int | None,
    output: Path | None,
    keep: str | None,
    as_json: bool,
) -> None:
    """Print the K likeliest labels of each row of DATA.

    Each row is a line of 'label:probability', likeliest first. A model that was trained on texts reads the --column of
    a table, or the lines of a plain text; labels in its output are separated by two spaces. With - each line of
    standard input is a text, answered as it arrives. An npz file needs no --targets.
    """
    if output is not None:
        writing.check(output)
        storage.check_apart(output, [model, data])
    if keep and (output is None or format_of_name(data) is None):
        raise InputError("--keep names columns of a table to copy to the output file: name that file with --output")
    names = keep.split(",") if keep else []
    writing.check_names("--keep", names, ANSWER)
    cells = [row for _, row in table_rows(data, names)] if names else []
    kept_columns = {name: [row[place] for row in cells] for place, name in enumerate(names)}
    source = given({"column": column})
    classifier = _load(model, source)
    if data != Path("-"):
        minibatches: Iterable[Any] = (rows_of(classifier, data, None, source)[0],)
    elif not classifier.takes_texts:
        raise InputError(f"{model}: was trained on numbers, which are read from a file: name the file in place of -")
    elif output is not None and not outputs.is_stream(output):
        raise InputError(f"{output}: lines of standard input are answered as they come: leave out --output")
    else:
        minibatches = ([unlabelled(line.split())] for line in sys.stdin)
    least = _least(classifier, threshold)
    shares = None if why is None else validation.positive_int("--why", why)
    if shares is not None and output is not None:
        raise InputError("--why prints shares, and --output writes labels: use one of the two")
    answers = (_answers(classifier, X, k, least, shares) for X in minibatches)
    if output is not None:
        columns = ([[[pair[i] for pair in row] for row in rows] for i in (0, 1)] for rows in answers)
        writing.write(output, ({**kept_columns, **dict(zip(ANSWER, both, strict=True))} for both in columns))
        return
    between = "  " if classifier.takes_texts else " "
    for rows in answers:
        lines = (between.join(map(_answer, row)) for row in rows)
        emit({"predictions": rows}, lines, as_json)


def _least(classifier: SparseTargetClassifier, threshold: str) -> dict[Any, float]:
    """Return the minimum probability of each label."""
    if threshold == "auto":
        return dict(zip(classifier.classes_.tolist(), classifier.thresholds_.tolist(), strict=True))
    try:
        least = float(threshold)
    except ValueError:
        raise InputError(f"--threshold must be a number or auto, not {threshold!r:.40}") from None
    return dict.fromkeys(classifier.classes_.tolist(), validation.finite("--threshold", least))


def _answer(label: list[Any]) -> str:
    """Return a label with its probability and, if there are any, the shares of features."""
    name, probability, *shares = label
    why = (", ".join(f"{feature} {share:+.2f}" for feature, share in part.items()) for part in shares)
    return f"{name}:{probability:.4f}" + "".join(f" ({part})" for part in why)


def _answers(
    classifier: SparseTargetClassifier, X: Any, k: int, least: dict[Any, float], why: int | None
) -> list[list[Any]]:
    """Return the likeliest labels of each row with their probabilities, and ``why`` features with their shares, as
    JSON."""
    if why is not None:
        return [
            [
                [e.label, e.probability, dict(islice(e.shares.items(), why))]
                for e in row
                if e.probability >= least[e.label]
            ]
            for row in classifier.explain(X, k)
        ]
    labels, probabilities = classifier.predict_topk(X, k)
    labels = labels if classifier.takes_texts else classifier.named(labels)
    return [
        [[label, p] for label, p in zip(*row, strict=True) if label is not None and p >= least[label]]
        for row in zip(labels.tolist(), probabilities.tolist(), strict=True)
    ]


@command.command(cls=_Ranking)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH)
@table_options
@targets_option
@click.option("-k", callback=int_list, metavar="K,K,…", default="1,3,5", show_default=True, help="Depths.")
@click.option(
    "--per-label",
    metavar="FILE",
    type=PATH,
    help="Write precision, recall, support, threshold of each label to a .csv, .parquet, .jsonl file; - prints JSON.",
)
@json_option
def evaluate(
    model: Path,
    data: Path,
    targets: Path | None,
    k: tuple[int, ...],
    per_label: Path | None,
    as_json: bool,
    **source: str | None,
) -> None:
    """Evaluate MODEL on DATA with P@k, nDCG@k and PSP@k.

    PSP@k uses A = 0.55, B = 1.5 and the propensities of the training rows. With --per-label, a label is predicted if
    its probability is at least 0.5; precision and recall are empty if they are not defined.
    """
    report = None
    if per_label is not None:
        report = report_stream(per_label, as_json, "--per-label")
        writing.check(per_label)
        storage.check_apart(per_label, [model, data, *([targets] if targets else [])])
    classifier = _load(model, source)
    X, Y = labelled_rows(classifier, data, targets, given(source))
    cpu = time.process_time()
    scores = classifier.evaluate(X, Y, k)
    cpu = time.process_time() - cpu
    if per_label is not None:
        writing.write(per_label, [_per_label(classifier, X, Y)])
    names = {"precision": "P", "ndcg": "nDCG", "psp": "PSP"}
    lines = [
        f"{short + '@' + str(depth):8} {value:.4f}"
        for name, short in names.items()
        for depth, value in scores[name].items()
    ]
    result = {**scores, "scoring_power": classifier.power_, "cpu_seconds": cpu}
    emit(result, [*lines, f"{scores['examples']:,} rows, scoring power {classifier.power_:.2f}"], as_json, report)


def _per_label(classifier: SparseTargetClassifier, X: Any, Y: Any) -> dict[str, list[Any]]:
    """Return the columns of a table with a row for each label, most frequent first. Undefined scores are None."""
    scores = classifier.evaluate_labels(X, Y)
    order = (-scores["support"]).argsort(kind="stable")
    columns = {name: [None if score != score else score for score in scores[name][order].tolist()] for name in scores}
    return {"label": classifier.classes_[order].tolist(), **columns}


def _load(model: Path, source: dict[str, str | None]) -> SparseTargetClassifier:
    """Load a saved classifier. Raise InputError if ``source`` names columns but the classifier was trained on
    numbers."""
    classifier = SparseTargetClassifier.load(model)
    if given(source) and not classifier.takes_texts:
        raise InputError(f"{model}: was trained on numbers: leave out --{', --'.join(given(source))}")
    return classifier
