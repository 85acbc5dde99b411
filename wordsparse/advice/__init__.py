"""Whether the exact layer suits given data: sizes, losses that fit, a timed step, and a short trial.

Data goes one way: sizes → timing → trial → verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.advice import trial, verdict
from wordsparse.advice.sizes import Sizes, of_labels, of_text
from wordsparse.advice.timing import MINIBATCH, time_layer
from wordsparse.advice.trial import AdviceProgress
from wordsparse.corpus.options import TextOptions
from wordsparse.errors import InputError
from wordsparse.layer.losses import LOSSES
from wordsparse.machine.description import processor
from wordsparse.machine.memory import least_left
from wordsparse.machine.threads import resolve_threads
from wordsparse.training.memory import Need
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.words.recipe import recommended

BUDGET = 120.0
DIM = 100
# The rank of SparseTargetClassifier, and the fewest rows that a trial can learn from and be judged on.
LABEL_FEATURES = 300
MIN_ROWS = 50
# The memory of a word besides its vectors: strings, a list and a table of Python.
BYTES_PER_WORD = 200

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


def advise(
    corpus: Paths | None = None,
    *,
    features: str | PathLike[str] | None = None,
    targets: str | PathLike[str] | None = None,
    budget: float = BUDGET,
    dim: int = DIM,
    threads: int | None = None,
    seed: int = 1,
    progress: Callable[[AdviceProgress], None] = lambda progress: None,
    **text: Any,
) -> dict[str, Any]:
    """Tell whether the method suits a text, or rows with labels.

    Parameters
    ----------
    corpus : path or sequence of paths, optional
        A text, or one directory written by :func:`wordsparse.encode`.
    features, targets : path, optional
        Labelled rows instead, as :func:`wordsparse.labels.read_data` takes them: a text file that holds both, or two
        npz files.
    budget : float
        Seconds for the trial; 0 for none.
    dim : int
        Length of the word vectors; of a text only.
    threads : int, optional
        Threads of the trial; None: all available CPUs. The step is timed on one thread.
    seed : int
    progress : callable, optional
        Called with a :class:`wordsparse.advice.trial.AdviceProgress` while a text is encoded, before each stage of the
        trial and after it.
    **text
        Options of :class:`wordsparse.corpus.options.TextOptions`.

    Returns
    -------
    dict
        ``n_examples``, ``n_outputs``, ``n_features``, ``targets_per_example``, ``rare_share``, ``speedup_predicted``,
        ``speedup_measured``, ``step_cpu_seconds``, ``memory_bytes``, ``dense_memory_bytes``, ``losses``, ``trial``,
        ``full_run_cpu_seconds`` (an interval or None), ``verdict`` (factored, dense, trees, sampling or undecided),
        ``reasons``, ``limits``, ``source``, ``made``.

    Raises
    ------
    InputError
        If an option or the data cannot be used, or there is too little of it.
    """
    if (corpus is None) == (features is None):
        raise InputError("name a text, or the features of labelled rows, and not both")
    if corpus is not None and targets is not None:
        raise InputError("targets belong to features: give features, or leave targets out")
    budget, dim = validation.non_negative("budget", budget), validation.positive_int("dim", dim)
    cpus, seed = resolve_threads(threads), validation.whole("seed", seed)
    if features is not None:
        from wordsparse.labels import read_data

        data = read_data(features, targets)
        _check_rows(data, Path(features))
        sizes = of_labels(data.X, data.Y, min(LABEL_FEATURES, data.X.shape[1]))
        stages = trial.of_rows(data, sizes, cpus, seed)
        return _content(sizes, str(features), stages, budget, seed, progress)
    asked = TrainingText(corpus, TextOptions(**text), threads)
    with encoded(asked, progress=lambda tokens: progress(AdviceProgress("encode", tokens))) as ready:
        paths = [corpus] if isinstance(corpus, (str, PathLike)) else corpus or []
        sizes, lack = of_text(ready.vocabulary.counts, dim), _lacking_memory(ready.vocabulary.counts.size, dim)
        stages = trial.of_text(ready, dim, cpus, seed) if lack is None else trial.impossible(lack)
        return _content(sizes, ", ".join(map(str, paths)), stages, budget, seed, progress)


def lines(content: Mapping[str, Any]) -> list[str]:
    """An advice for a terminal: the verdict first, then its reasons, the data, the trial, losses and limits."""
    facts = {
        "examples": f"{content['n_examples']:,}",
        "outputs (D)": f"{content['n_outputs']:,}",
        "features of the layer (d)": f"{content['n_features']:,}",
        "targets an example (K)": f"{content['targets_per_example']:.3g}",
        "outputs seen at most 5 times": f"{content['rare_share']:.0%}",
        "speed-up over a dense layer, predicted": f"{content['speedup_predicted']:,.3g} ×",
        "speed-up over a dense layer, measured": f"{content['speedup_measured']:,.3g} ×",
        "memory of the layer": f"{content['memory_bytes'] / 1e6:,.1f} MB",
        "memory of a dense layer with its gradient": f"{content['dense_memory_bytes'] / 1e6:,.1f} MB",
    }
    said = [verdict.ADVICE[content["verdict"]], *(f"  {reason}" for reason in content["reasons"]), ""]
    said += [f"{value:>16}  {name}" for name, value in facts.items()]
    if content["full_run_cpu_seconds"] is not None:
        low, high = content["full_run_cpu_seconds"]
        said.append(f"{f'{low:.2g} to {high:.2g} s':>16}  CPU time of the full run")
    for row in content["trial"]:
        said.append(
            f"{trial.Result(**row)}  {row['cpu_seconds']:8.2f} CPU s  {row['method']}, {row['amount']:,} examples"
        )
    said.append("")
    for row in content["losses"]:
        fits = "fits" if row["fits"] else "does not fit"
        if "nearest" in row:
            fits = f"is not in the family; nearest: {', '.join(row['nearest'])}"
        said.append(f"{row['loss']:>12}  {row['gives']}, {fits}")
    return [*said, "", "Assumptions and limits:", *(f"- {limit}" for limit in content["limits"])]


def fitting_losses(targets: str) -> list[dict[str, Any]]:
    """Every loss, whether it fits such targets, and its outputs; softmax among them, which never fits."""
    rows: list[dict[str, Any]] = [
        {"loss": name, "fits": targets in loss.fits, "gives": loss.gives} for name, loss in LOSSES.items()
    ]
    nearest = [row["loss"] for row in rows if row["fits"] and row["gives"] == "probabilities"] or ["squared"]
    return [*rows, {"loss": "softmax", "fits": False, "gives": "probabilities", "nearest": nearest}]


def _content(
    sizes: Sizes, source: str, stages: trial.Stages, budget: float, seed: int, progress: trial.Progress
) -> dict[str, Any]:
    judged = trial.run(stages, budget, progress) if budget > 0 and stages.stage is not None else None
    timing = time_layer(sizes, seed)
    advice, reasons = verdict.decide(sizes, timing, judged)
    known = {name: getattr(sizes, name) for name in ("kind", "n_examples", "n_outputs", "n_features")}
    return {
        **known,
        "source": source,
        "targets_per_example": sizes.targets_per_example,
        "rare_share": sizes.rare_share,
        "speedup_predicted": sizes.predicted_speedup(MINIBATCH),
        "speedup_measured": timing.speedup,
        "step_cpu_seconds": asdict(timing),
        "memory_bytes": sizes.memory_bytes,
        "dense_memory_bytes": sizes.dense_memory_bytes,
        "losses": fitting_losses(sizes.targets),
        "trial": [asdict(result) for stage in judged.stages for result in stage] if judged else [],
        "full_run_cpu_seconds": judged.full_run(sizes.n_examples) if judged else None,
        "verdict": advice,
        "reasons": reasons,
        "limits": [*verdict.LIMITS, *stages.limits, *(judged.limits() if judged else [])],
        "made": {"version": version("wordsparse"), "machine": processor()},
    }


def _check_rows(data: Any, path: Path) -> None:
    if data.X.shape[0] < MIN_ROWS:
        raise InputError(f"{path} has {data.X.shape[0]} rows: advice needs at least {MIN_ROWS}; give more of them")
    if data.Y.nnz == 0:
        raise InputError(f"{path} has no labels: name the file that holds them as the targets")


def _lacking_memory(words: int, dim: int) -> str | None:
    """A sentence where the training of a text does not fit into this machine's memory, which says how many it needs."""
    left, machines = least_left(), 1
    if left is None or (need := _training_bytes(words, dim, 1)) <= left[0]:
        return None
    while machines < 4096 and _training_bytes(words, dim, machines) > left[0]:
        machines += 1
    return (
        f"There was no trial: training needs about {need / 1e9:,.3g} GB, and {left[0] / 1e9:,.3g} GB are left here. "
        f"{machines} machines like this one hold it together (mpiexec -n {machines} wordsparse train); or take a "
        "smaller dimension or vocabulary."
    )


def _training_bytes(words: int, dim: int, machines: int) -> int:
    batch = recommended("cbow", "bounded-ns").batch_tokens // machines
    need = Need(words, dim, min(words, batch), 0, checkpoints=False, bags=batch, ranks=machines)
    return need.training + BYTES_PER_WORD * words
