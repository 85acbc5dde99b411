"""Whether the exact layer suits given data: sizes, a timed step, and a trial beside the usual methods.

Data goes one way: sizes → timing → trial → verdict → page.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.advice import label_trial, losses, real_trial, text_trial, trial, verdict
from wordsparse.advice.machines import needed
from wordsparse.advice.sizes import Sizes, of_labels, of_text
from wordsparse.advice.timing import MINIBATCH, Timing, time_layer
from wordsparse.advice.trial import AdviceProgress
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.options import TextOptions
from wordsparse.errors import InputError
from wordsparse.labels.data import LabelledRows, read_data
from wordsparse.machine.description import processor
from wordsparse.machine.threads import resolve_threads
from wordsparse.training.texts import TrainingText, encoded

BUDGET = 120.0
DIM = 100
# The rank of SparseTargetClassifier, and the fewest rows that a trial can learn from and be judged on.
LABEL_FEATURES = 300
MIN_ROWS = 50
# Of every advice.
LIMITS = ("limit-step", "limit-dense")

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
        Threads of every side of the trial; None: all available CPUs. The step is timed on one thread.
    seed : int
    progress : callable, optional
        Called with a :class:`wordsparse.advice.trial.AdviceProgress` while a text is encoded, before each stage of the
        trial and after each of its methods.
    **text
        Options of :class:`wordsparse.corpus.options.TextOptions`.

    Returns
    -------
    dict
        ``n_examples``, ``n_outputs``, ``n_features``, ``targets_per_example``, ``rare_share``, ``speedup_predicted``,
        ``speedup_measured``, ``step_cpu_seconds``, ``memory_bytes``, ``dense_memory_bytes``, ``losses``, ``trial``,
        ``full_run_cpu_seconds`` (an interval or None), ``verdict`` (factored, dense, trees, one-vs-rest,
        ridge or negative-sampling), ``reasons``, ``limits``, ``source``, ``made``.

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
        data = read_data(features, targets)
        _check_rows(data, Path(features))
        return _of_labels(data, str(features), budget, cpus, seed, progress)
    asked = TrainingText(corpus, TextOptions(**text), threads)
    with encoded(asked, progress=lambda tokens: progress(AdviceProgress("encode", tokens))) as text_corpus:
        paths = [corpus] if isinstance(corpus, (str, PathLike)) else corpus or []
        return _of_text(text_corpus, ", ".join(map(str, paths)), dim, budget, cpus, seed, progress)


def _of_labels(
    data: LabelledRows, source: str, budget: float, threads: int, seed: int, progress: trial.Progress
) -> dict[str, Any]:
    sizes = of_labels(data.X, data.Y, min(LABEL_FEATURES, data.X.shape[1]))
    limits = [*LIMITS]
    judged = None
    if sizes.targets in ("weighted", "real-valued") and budget > 0:
        if data.X.shape[1] > real_trial.MAX_FEATURES:
            limits.append("limit-features")
        else:
            numbers = real_trial.RealTrial(data, threads, seed)
            judged = trial.run(real_trial.OURS, numbers.stage, label_trial.FIRST, numbers.rows, budget, progress)
            limits.append("limit-real")
    elif budget > 0:
        rows = label_trial.LabelTrial(data, threads, seed)
        rows.prepare()
        judged = trial.run(label_trial.OURS, rows.stage, label_trial.FIRST, rows.rows, budget, progress)
        limits += ["limit-labels"]
    return _content(sizes, source, time_layer(sizes, seed), judged, limits)


def _of_text(
    corpus: EncodedCorpus, source: str, dim: int, budget: float, threads: int, seed: int, progress: trial.Progress
) -> dict[str, Any]:
    sizes, limits, judged = of_text(corpus.vocabulary.counts, dim), [*LIMITS], None
    machines, memory = needed(sizes.n_outputs, dim)
    if machines > 1:
        part = replace(sizes, n_outputs=sizes.n_outputs // machines, counts=sizes.counts[: sizes.n_outputs // machines])
        timed = time_layer(part, seed)
        timed = Timing(timed.exact, timed.dense * sizes.n_outputs / part.n_outputs)
        content = _content(sizes, source, timed, None, [*limits, "limit-memory"])
        return {**content, "reasons": [*content["reasons"], ("machines", memory)]}
    if budget > 0 and not text_trial.is_possible():
        limits.append("limit-packages")
    elif budget > 0:
        stages = text_trial.TextTrial(corpus, dim, threads, seed)
        judged = trial.run(text_trial.OURS, stages.stage, text_trial.FIRST, corpus.tokens, budget, progress)
        limits.append("limit-text" if judged.results else "limit-pairs")
    return _content(sizes, source, time_layer(sizes, seed), judged, limits)


def _content(
    sizes: Sizes, source: str, timing: Timing, judged: trial.Trial | None, limits: list[str]
) -> dict[str, Any]:
    found = verdict.decide(sizes, timing, judged)
    if judged is not None and judged.results:
        limits += ["limit-trial", "limit-full"]
        limits += [] if judged.complete else ["limit-part"]
    if judged is not None and judged.interrupted:
        limits += ["limit-interrupted"]
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
        "losses": losses.fitting(sizes.targets),
        "trial": [asdict(result) for result in judged.results] if judged else [],
        "full_run_cpu_seconds": judged.full_run(sizes.n_examples) if judged else None,
        "verdict": found.advice,
        "reasons": found.reasons,
        "limits": limits,
        "made": {"version": version("wordsparse"), "machine": processor()},
    }


def _check_rows(data: LabelledRows, path: Path) -> None:
    if data.X.shape[0] < MIN_ROWS:
        raise InputError(f"{path} has {data.X.shape[0]} rows: advice needs at least {MIN_ROWS}; give more of them")
    if data.Y.nnz == 0:
        raise InputError(f"{path} has no labels: name the file that holds them as the targets")
