"""Advice on whether wordsparse suits some data, from sizes, a timed step, suitable losses, and a short trial."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from typing import Any

from wordsparse import validation
from wordsparse.advice import trial
from wordsparse.advice.sizes import Sizes, measured_speedup, of_rows
from wordsparse.advice.trial import Result
from wordsparse.corpus.encoding import encoded
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.tables.sparse import read_data
from wordsparse.errors import InputError
from wordsparse.evaluation.scores import ENOUGH_TOKENS
from wordsparse.layer.losses import LOSSES
from wordsparse.options import abouts, refuse_unknown

logger = logging.getLogger(__name__)

BUDGET, DIM = 60.0, 100
# The speed-up below which the exact layer is not worth another dependency.
MIN_SPEEDUP = 2.0
Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


def advise(
    corpus: Paths | None = None,
    *,
    features: str | PathLike[str] | None = None,
    targets: str | PathLike[str] | None = None,
    budget: float = BUDGET,
    dim: int = DIM,
    **text: Any,
) -> dict[str, Any]:
    """Return advice on whether wordsparse suits a text, or rows with targets.

    Parameters
    ----------
    corpus : path or sequence of paths, optional
        A text, or one directory written by :func:`wordsparse.encode`.
    features, targets : path, optional
        Rows in place of a text: a file of both, or two npz files (:mod:`wordsparse.corpus.tables.sparse` reads them).
    budget : float
        The seconds for the trial; 0 for no trial.
    dim : int
        The number of dimensions of word vectors, for a text.
    **text
        Options of :class:`wordsparse.corpus.options.TextOptions`.

    Returns
    -------
    dict
        ``n_examples``, ``n_outputs``, ``n_features``, ``targets_per_example``, ``speedup_predicted``,
        ``speedup_measured``, ``memory_bytes``, ``losses``, ``trial``, ``verdict`` (factored, dense, sampling or
        undecided) and ``reason``.

    Raises
    ------
    InputError
        If an option or the data cannot be used.
    """
    if (corpus is None) == (features is None) or (corpus is not None and targets is not None):
        raise InputError("name either a text or the features and targets of rows")
    if text and corpus is None:
        raise InputError("options of a text need a CORPUS: name the files of the text, or leave the options out")
    budget, dim = validation.non_negative("budget", budget), validation.positive_int("dim", dim)
    if features is not None:
        X, Y = read_data(features, targets)
        if Y.nnz == 0:
            raise InputError(f"{features} has no targets: name the file that holds them as the targets")
        sizes = of_rows(Y, min(trial.MOST_FEATURES, X.shape[1]))
        results = trial.of_rows(X, Y, budget) if budget > 0 else []
        speedup = measured_speedup(sizes)
        return _content(sizes, speedup, results, *_of_rows(sizes, speedup))
    logger.info("advise: reading the text")
    refuse_unknown(text, abouts(TextOptions))
    with encoded(corpus, text) as encoded_text:
        counts = encoded_text.vocabulary.counts
        sizes = Sizes(int(counts.sum()), counts.size, dim + 1, 1.0, "one-hot")  # CBOW: each token is a target
        results = trial.of_text(encoded_text, dim, budget) if budget > 0 else []
        return _content(sizes, measured_speedup(sizes), results, *_of_text(results))


def lines(content: Mapping[str, Any]) -> list[str]:
    """Return the advice as lines for a terminal: verdict and reason, sizes, trial and losses."""
    facts = {
        "examples": f"{content['n_examples']:,}",
        "outputs (D)": f"{content['n_outputs']:,}",
        "features of the layer (d)": f"{content['n_features']:,}",
        "targets per example (K)": f"{content['targets_per_example']:.3g}",
        "speed-up over a dense layer, predicted": f"{content['speedup_predicted']:,.3g} ×",
        "speed-up over a dense layer, measured": f"{content['speedup_measured']:,.3g} ×",
        "memory of the layer": f"{content['memory_bytes'] / 1e6:,.1f} MB",
    }
    trials = (Result(**row) for row in content["trial"])
    facts |= {f"{each.method}, {each.amount:,} examples, {each.cpu_seconds:.2f} CPU s": str(each) for each in trials}
    fitting = [f"{row['loss']:>16}  fits; gives {row['gives']}" for row in content["losses"] if row["fits"]]
    return [
        f"{content['verdict']}: {content['reason']}",
        "",
        *(f"{value:>16}  {name}" for name, value in facts.items()),
        *fitting,
    ]


def _content(sizes: Sizes, speedup: float, results: list[Result], verdict: str, reason: str) -> dict[str, Any]:
    losses: list[dict[str, Any]] = [
        {"loss": name, "fits": sizes.targets in loss.fits, "gives": loss.gives} for name, loss in LOSSES.items()
    ]
    names = ("n_examples", "n_outputs", "n_features", "targets_per_example", "memory_bytes", "speedup_predicted")
    return {
        **{name: getattr(sizes, name) for name in names},
        "speedup_measured": speedup,
        "losses": losses,
        "trial": [asdict(result) for result in results],
        "verdict": verdict,
        "reason": reason,
    }


def _of_rows(sizes: Sizes, speedup: float) -> tuple[str, str]:
    step = f"With {sizes.n_outputs:,} outputs a step is {speedup:,.3g} times as fast as a dense one"
    if speedup < MIN_SPEEDUP:
        return "dense", f"{step}, less than {MIN_SPEEDUP:g} times: a dense layer is simpler and supports every loss."
    if sizes.targets == "one-hot":
        step += "; in a network with one label per row, wordsparse.torch.SampledOutput usually ranks better"
    return "factored", f"{step}."


def _of_text(results: list[Result]) -> tuple[str, str]:
    """Return the verdict on a text and its reason: a comparison with negative sampling, not with a dense layer."""
    if not results:
        return "undecided", f"A text cannot be judged without a trial: give --budget {BUDGET:g}."
    more = f"give more text (a trial needs some {ENOUGH_TOKENS:,} tokens), or a larger --budget"
    ours, *others = results
    if ours.low is None or ours.high is None or ours.low <= 0:
        return "undecided", f"No score is above chance: {more}."
    if not others:
        return "undecided", "Negative sampling needs gensim: pip install 'wordsparse[gensim]'."
    (other,) = others
    both = f"On {ours.amount:,} tokens {ours}, and {other} by negative sampling"
    # A difference counts only if the 95 % intervals do not overlap.
    if other.low is None or other.high is None or ours.low > other.high:
        return "factored", f"{both}."
    if other.low > ours.high:
        return "sampling", f"{both}."
    return "undecided", f"{both}: no difference is certain; {more}."
