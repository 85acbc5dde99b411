"""The three checks before adoption: sizes and a timed step, losses that fit the targets, and a trial of a minute."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.advice import trial
from wordsparse.advice.sizes import RARE, Sizes, of_rows, of_text
from wordsparse.advice.timing import MINIBATCH, time_layer
from wordsparse.advice.trial import Result
from wordsparse.corpus.options import TextOptions
from wordsparse.errors import InputError
from wordsparse.layer.losses import LOSSES
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.words.text_source import TextSource

BUDGET, DIM = 60.0, 100
# The fewest rows that a trial can learn from, and the tokens from which on a text's score is above chance.
MIN_ROWS, ENOUGH_TOKENS = 50, 3_000_000
# Below this speed-up the exact layer is not worth another dependency.
MIN_SPEEDUP = 2.0
VERDICTS = {
    "factored": "Use wordsparse.",
    "dense": "Use a dense output layer.",
    "sampling": "Use negative sampling (gensim).",
    "undecided": "This trial cannot tell.",
}
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
    progress: Callable[[str], None] = lambda sentence: None,
    **text: Any,
) -> dict[str, Any]:
    """Tell whether the method suits a text, or rows with targets.

    Parameters
    ----------
    corpus : path or sequence of paths, optional
        A text, or one directory written by :func:`wordsparse.encode`.
    features, targets : path, optional
        Rows instead, as :func:`wordsparse.corpus.rows.read_data` takes them: a text file of both, or two npz files.
    budget : float
        Seconds for the trial; 0 for none.
    dim : int
        Length of the word vectors; of a text only.
    threads : int, optional
        Threads of the trial; None: all available CPUs. The step is timed on one thread.
    seed : int
    progress : callable, optional
        Called with a sentence at the start of each part.
    **text
        Options of :class:`wordsparse.corpus.options.TextOptions`.

    Returns
    -------
    dict
        ``n_examples``, ``n_outputs``, ``n_features``, ``targets_per_example``, ``rare_share``, ``speedup_predicted``,
        ``speedup_measured``, ``step_cpu_seconds``, ``memory_bytes``, ``dense_memory_bytes``, ``losses``, ``trial``,
        ``verdict`` (factored, dense, sampling or undecided) and ``reasons``.

    Raises
    ------
    InputError
        If an option or the data cannot be used, or there is too little of it.
    """
    if (corpus is None) == (features is None):
        raise InputError("name a text, or the features of rows, and not both")
    if corpus is not None and targets is not None:
        raise InputError("targets belong to features: give features, or leave targets out")
    budget, dim = validation.non_negative("budget", budget), validation.positive_int("dim", dim)
    seed = validation.whole("seed", seed)
    if features is not None:
        X, Y = _rows(Path(features), targets)
        sizes = of_rows(Y, min(trial.MOST_FEATURES, X.shape[1]))
        return _content(sizes, seed, trial.of_rows(X, Y, threads, seed, budget, progress) if budget > 0 else [])
    request = TrainingText(corpus, TextOptions(**text), threads)
    progress("reading the text")
    with encoded(request) as source:
        if not isinstance(source, TextSource):
            raise InputError("counted pairs say nothing of examples: give the text that they were counted in")
        sizes = of_text(source.vocabulary.counts, dim)
        results = trial.of_text(source.corpus, dim, threads, seed, budget, progress) if budget > 0 else []
        return _content(sizes, seed, results)


def lines(content: Mapping[str, Any]) -> list[str]:
    """An advice for a terminal: the verdict first, then its reasons, the sizes, the trial and the losses."""
    facts = {
        "examples": f"{content['n_examples']:,}",
        "outputs (D)": f"{content['n_outputs']:,}",
        "features of the layer (d)": f"{content['n_features']:,}",
        "targets an example (K)": f"{content['targets_per_example']:.3g}",
        f"outputs seen at most {RARE} times": f"{content['rare_share']:.0%}",
        "speed-up over a dense layer, predicted": f"{content['speedup_predicted']:,.3g} ×",
        "speed-up over a dense layer, measured": f"{content['speedup_measured']:,.3g} ×",
        "memory of the layer": f"{content['memory_bytes'] / 1e6:,.1f} MB",
        "memory of a dense layer with its gradient": f"{content['dense_memory_bytes'] / 1e6:,.1f} MB",
    }
    said = [VERDICTS[content["verdict"]], *(f"  {reason}" for reason in content["reasons"]), ""]
    said += [f"{value:>16}  {name}" for name, value in facts.items()]
    for row in content["trial"]:
        said.append(
            f"{Result(**row)!s:>16}  {row['method']}, {row['amount']:,} examples, {row['cpu_seconds']:.2f} CPU s"
        )
    said += [
        f"{row['loss']:>16}  {row['gives']}, {'fits' if row['fits'] else 'does not fit'}" for row in content["losses"]
    ]
    return said


def _rows(features: Path, targets: str | PathLike[str] | None) -> tuple[Any, Any]:
    from wordsparse.corpus.rows import read_data

    data = read_data(features, targets)
    if data.X.shape[0] < MIN_ROWS:
        raise InputError(f"{features} has {data.X.shape[0]} rows: advice needs at least {MIN_ROWS}; give more of them")
    if data.Y.nnz == 0:
        raise InputError(f"{features} has no targets: name the file that holds them as the targets")
    return data.X, data.Y


def _content(sizes: Sizes, seed: int, results: list[Result]) -> dict[str, Any]:
    exact, dense = time_layer(sizes, seed)
    verdict, reasons = (_of_text if sizes.kind == "text" else _of_rows)(sizes, dense / exact, results)
    names = (
        "n_examples",
        "n_outputs",
        "n_features",
        "targets_per_example",
        "rare_share",
        "memory_bytes",
        "dense_memory_bytes",
    )
    return {
        **{name: getattr(sizes, name) for name in names},
        "speedup_predicted": sizes.predicted_speedup(MINIBATCH),
        "speedup_measured": dense / exact,
        "step_cpu_seconds": {"exact": exact, "dense": dense},
        "losses": [
            *({"loss": name, "fits": sizes.targets in loss.fits, "gives": loss.gives} for name, loss in LOSSES.items()),
            {"loss": "softmax", "fits": False, "gives": "probabilities"},
        ],
        "trial": [asdict(result) for result in results],
        "verdict": verdict,
        "reasons": reasons,
    }


def _of_rows(sizes: Sizes, speedup: float, results: list[Result]) -> tuple[str, list[str]]:
    of = f"{sizes.n_outputs:,} outputs and {sizes.n_features:,} features"
    step = f"With {of} a step is {speedup:,.3g} times as fast as a dense one"
    if speedup < MIN_SPEEDUP:
        return "dense", [f"{step}, less than {MIN_SPEEDUP:g} times: a dense layer is simpler and has every loss."]
    reasons = [f"{step}."]
    if len(results) == 2:
        ours, dense = results
        reasons.append(f"On {ours.amount:,} rows: {ours}; a dense layer, on {dense.amount:,}: {dense}.")
    if sizes.targets == "one-hot":
        reasons.append(
            "Each row has one label: in a network full cross-entropy ranks it better than the best exact loss "
            "(docs/torch.md), where a dense layer's time and memory can be paid for."
        )
    return "factored", reasons


def _of_text(sizes: Sizes, speedup: float, results: list[Result]) -> tuple[str, list[str]]:
    """A text competes with negative sampling, whatever a dense layer would cost."""
    if not results:
        return "undecided", [f"Without a trial nothing can be said of a text; give --budget {BUDGET:g}."]
    ours, part = results[0], f"On {results[0].amount:,} tokens"
    more = f"The text is too short: from some {ENOUGH_TOKENS:,} tokens on a trial can tell."
    if ours.amount < sizes.n_examples:
        more = (
            f"Give a larger --budget: {math.ceil(sizes.n_examples / ours.amount)} times as much takes all of the text."
        )
    if ours.low is None or ours.low <= 0:
        score = "nothing is judged" if ours.score is None else f"{ours} is not above chance"
        return "undecided", [f"{part} {score}.", more]
    if len(results) == 1:
        return "undecided", [f"{part}: {ours}.", "Negative sampling needs gensim: pip install 'wordsparse[gensim]'."]
    other = results[1]
    times = f"{other.cpu_seconds / ours.cpu_seconds:.2g} times the CPU time"
    both = f"{part}: {ours}, and {other} by negative sampling in {times}"
    if other.high is None or other.low is None or ours.low > other.high:
        return "factored", [f"{both}."]
    if ours.high is not None and other.low > ours.high:
        return "sampling", [f"{both}."]
    return "undecided", [f"{both}: no difference of the scores is certain.", more]
