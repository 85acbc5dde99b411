"""``wordsparse labels``: a classifier for rows with few of very many labels."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wordsparse.cli.common import Group, emit, int_list, json_option, quiet_option
from wordsparse.display import Display

if TYPE_CHECKING:
    from wordsparse.labels import LabelledRows, SparseTargetClassifier

PATH = click.Path(path_type=Path)

targets_option = click.option(
    "--targets", metavar="FILE", type=PATH, help="npz file of the labels, where DATA is an npz file of features."
)
threads_option = click.option("--threads", type=int, help="Number of threads.  [default: all available CPUs]")


@click.group("labels", cls=Group)
def command() -> None:
    """Train, use and judge classifiers for huge sets of sparse labels.

    DATA: a text file with a first line 'ROWS FEATURES LABELS' (optional) and lines 'label,label feature:value ...',
    features ascending, numbers counted from 0, plain or compressed; or an npz file of scipy.sparse.save_npz, with
    --targets.
    """


@command.command()
@click.argument("data", type=PATH)
@click.option("-o", "--output", required=True, metavar="MODEL", type=PATH, help="Directory to write the model to.")
@targets_option
@click.option("--components", type=int, help="Rank of the regression.  [default: 300, or all of up to 600 features]")
@click.option("--seed", type=int, default=0, show_default=True)
@threads_option
@quiet_option
@json_option
def train(
    data: Path,
    output: Path,
    targets: Path | None,
    components: int | None,
    seed: int,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train a classifier on DATA and write MODEL."""
    from wordsparse.files import storage
    from wordsparse.labels import SparseTargetClassifier, read_data

    storage.check_new_directory(output)
    rows = read_data(data, targets)
    classifier = SparseTargetClassifier(n_components=components, threads=threads, random_state=seed)
    wall, cpu = time.perf_counter(), time.process_time()
    with Display(not quiet) as display:
        classifier.fit(rows.X, rows.Y, progress=lambda fit: display.update(fit.phase, "steps", fit.done, fit.total))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    classifier.save(output)
    result = {
        "rows": rows.X.shape[0],
        "features": rows.X.shape[1],
        "labels": rows.Y.shape[1],
        "scoring_power": classifier.power_,
        "ridge": classifier.ridge_,
        "head_labels": int(classifier.head_labels_.shape[0]),
        "wall_seconds": wall,
        "cpu_seconds": cpu,
    }
    head = f", logistic regression for {result['head_labels']} of them" if result["head_labels"] else ""
    line = f"{result['rows']:,} rows, {result['labels']:,} labels{head}; {cpu:.1f} CPU s: {output}"
    emit(result, [line, f"scoring power {classifier.power_:.2f}"], as_json)


@command.command()
@click.argument("model", type=PATH)
@click.argument("data", type=PATH)
@click.option("-k", type=int, default=5, show_default=True, help="Labels of each row.")
@json_option
def predict(model: Path, data: Path, k: int, as_json: bool) -> None:
    """Print the K likeliest labels of each row of DATA: a line of 'label:probability' each, likeliest first.

    An npz file needs features only.
    """
    classifier, rows = _model_and_rows(model, data, labelled=False)
    labels, probabilities = classifier.predict_topk(rows.X, k)
    pairs = [
        [[label, float(probability)] for label, probability in zip(*row, strict=True) if label >= 0]
        for row in zip(labels.tolist(), probabilities.tolist(), strict=True)
    ]
    lines = (" ".join(f"{label}:{probability:.4f}" for label, probability in row) for row in pairs)
    emit({"predictions": pairs}, lines, as_json)


@command.command()
@click.argument("model", type=PATH)
@click.argument("data", type=PATH)
@targets_option
@click.option("-k", callback=int_list, metavar="K,K,…", default="1,3,5", show_default=True, help="Depths.")
@json_option
def evaluate(model: Path, data: Path, targets: Path | None, k: tuple[int, ...], as_json: bool) -> None:
    """Judge MODEL on DATA by P@k, nDCG@k and PSP@k (A = 0.55, B = 1.5, propensities of the training rows)."""
    classifier, rows = _model_and_rows(model, data, targets)
    cpu = time.process_time()
    scores = classifier.evaluate(rows.X, rows.Y, k)
    cpu = time.process_time() - cpu
    names = {"precision": "P", "ndcg": "nDCG", "psp": "PSP"}
    found: dict[str, dict[int, float]] = {name: scores[name] for name in names}  # type: ignore[literal-required]
    lines = [
        f"{short + '@' + str(depth):8} {value:.4f}"
        for name, short in names.items()
        for depth, value in found[name].items()
    ]
    result: dict[str, Any] = {**scores, "scoring_power": classifier.power_, "cpu_seconds": cpu}
    emit(result, [*lines, f"{scores['examples']:,} rows, scoring power {classifier.power_:.2f}"], as_json)


def _model_and_rows(
    model: Path, data: Path, targets: Path | None = None, *, labelled: bool = True
) -> "tuple[SparseTargetClassifier, LabelledRows]":
    """A saved classifier, and rows of no more features and labels than it knows."""
    from wordsparse.labels import SparseTargetClassifier, read_data

    classifier = SparseTargetClassifier.load(model)
    sizes = {"n_features": classifier.n_features_in_, "n_labels": len(classifier.classes_)}
    return classifier, read_data(data, targets, labelled=labelled, **sizes)
