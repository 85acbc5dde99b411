"""A measured trial within a budget: stages on growing parts of the data.

A spent budget or Ctrl-C ends the trial; the results so far are the answer.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from wordsparse import optional
from wordsparse.advice.sizes import Sizes
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import MissingDependencyError, WordsparseError
from wordsparse.training.runs import train
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.evaluate import evaluate

if TYPE_CHECKING:
    from wordsparse.labels import LabelledRows
logger = logging.getLogger(__name__)

# The data of a stage, as a multiple of the data of the stage before.
GROWTH = 4
# The time of a stage, as a multiple of the time of the stage before; a stage is begun only if it fits the budget.
SLOWER = 1.3 * GROWTH
# The time of no method grows faster than this power of its examples.
MAX_POWER = 2.0
# Tokens and rows of the first stage; rows that are held out at most.
FIRST_TOKENS, FIRST_ROWS, MAX_TEST = 200_000, 1000, 2000
# A score on fewer known pairs is noise.
MIN_PAIRS = 30
# The regressor needs features × features numbers.
MAX_FEATURES = 4000
# Draws of the bootstrap of R².
DRAWS = 200

ONE_SPLIT = "The trial has one seed and one split; its intervals are 95 % over the test examples only."
EXTRAPOLATED = (
    "The time of the full run is extrapolated from the last stage, in proportion to the examples and by the growth "
    "since the stage before, with 25 % either way; from a single stage, from half of its own time to twice the "
    "proportional time."
)
BY_PAIRS = (
    "Text is judged by pairs of words (mean Spearman correlation) after one epoch of the first tokens, with the "
    "defaults of either method."
)


@dataclass(frozen=True)
class Result:
    """Training on ``amount`` examples: CPU seconds, and a quality with its 95 % interval (None where not judged)."""

    method: str
    amount: int
    cpu_seconds: float
    measure: str
    quality: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.quality is None:
            return "not judged"
        return f"{self.measure} {self.quality:.3f} ({self.low:.3f} – {self.high:.3f})"


@dataclass(frozen=True)
class AdviceProgress:
    """How far an advice is: ``done`` of ``total`` units of a phase, None where the total is not known.

    The phase ``encode`` counts the tokens of a text; ``trial`` counts the seconds of the budget, with ``amount``
    examples in the current stage and ``finished``, the result that was just measured.
    """

    phase: str
    done: int
    total: int | None = None
    amount: int | None = None
    finished: Result | None = None


Progress = Callable[[AdviceProgress], None]


@dataclass(frozen=True)
class Stages:
    """A stage trains on a number of examples, from ``first`` to ``most``; None where there is no trial.

    Its results are ours, and that of the method it competes with where there is one.
    """

    stage: Callable[[int], tuple[Result, ...]] | None
    first: int
    most: int
    limits: tuple[str, ...]


def impossible(why: str) -> Stages:
    """No trial, for a reason."""
    return Stages(None, 0, 0, (why,))


def of_text(corpus: EncodedCorpus, dim: int, threads: int, seed: int) -> Stages:
    """CBOW on the first tokens of a text, judged by the default pairs of words; ours, and by negative sampling."""
    options: dict[str, Any] = {"dim": dim, "epochs": 1, "threads": threads, "seed": seed}

    def stage(amount: int) -> tuple[Result, ...]:
        model = train(corpus, max_tokens=amount, progress=False, **options)
        ours = _by_pairs("wordsparse-cbow", amount, model.report["cpu_seconds"], model)
        if not optional.installed("gensim"):
            return (ours,)
        from wordsparse.comparison import peers, texts

        defaults = {"model": "cbow", "window": 5, "sample": 1e-3, **options}
        with TemporaryDirectory() as folder:
            plain = texts.write_plain(corpus, amount, Path(folder) / "text")
            report, vectors = peers.train_gensim(corpus.vocabulary, plain, amount, defaults, hierarchical=False)
        found = WordVectors(corpus.vocabulary.words, vectors)
        return ours, _by_pairs("gensim-cbow-ns", amount, report["cpu_seconds"], found)

    return Stages(stage, FIRST_TOKENS, corpus.tokens, (BY_PAIRS,))


def _by_pairs(method: str, amount: int, seconds: float, vectors: Any) -> Result:
    """The mean over the test sets with enough known pairs; not judged where there are none."""
    try:
        pairs = [found for found in evaluate(vectors)["pairs"].values() if found["n"] >= MIN_PAIRS]
    except MissingDependencyError as error:
        logger.warning("%s", error)
        pairs = []
    if not pairs:
        return Result(method, amount, seconds, "Spearman")
    mean, low, high = (float(np.mean([each[key] for each in pairs])) for key in ("spearman", "low", "high"))
    return Result(method, amount, seconds, "Spearman", mean, low, high)


def of_rows(data: "LabelledRows", sizes: Sizes, threads: int, seed: int) -> Stages:
    """The classifier on the first rows of a random order, or the regressor; a fifth of the rows are held out."""
    from wordsparse.labels import SparseTargetClassifier, SparseTargetRegressor

    order = np.random.default_rng(seed).permutation(data.X.shape[0])
    held = min(MAX_TEST, max(1, order.size // 5))
    test, training = order[:held], order[held:]

    def labels(amount: int) -> tuple[Result, ...]:
        rows = np.sort(training[:amount])
        begun = time.process_time()
        fitted = SparseTargetClassifier(threads=threads, random_state=seed).fit(data.X[rows], data.Y[rows])
        seconds = time.process_time() - begun
        first = fitted.predict_topk(data.X[test], 1)[0][:, 0]
        hits = np.asarray(data.Y[test][np.arange(held), first]).ravel() > 0
        return (Result("SparseTargetClassifier", amount, seconds, "P@1", *_wilson(float(hits.mean()), held)),)

    def numbers(amount: int) -> tuple[Result, ...]:
        rows = np.sort(training[:amount])
        begun = time.process_time()
        fitted = SparseTargetRegressor(threads=threads).fit(data.X[rows], data.Y[rows])
        seconds = time.process_time() - begun
        residual, total = _squares(fitted.decision_function, data.X[test], data.Y[test], data.Y[rows])
        drawn = np.random.default_rng(seed).integers(0, held, (DRAWS, held))
        low, high = np.quantile(1 - residual[drawn].sum(1) / np.maximum(total[drawn].sum(1), 1e-300), (0.025, 0.975))
        quality = 1 - residual.sum() / max(total.sum(), 1e-300)
        return (Result("SparseTargetRegressor", amount, seconds, "R²", float(quality), float(low), float(high)),)

    if sizes.targets in ("one-hot", "several"):
        return Stages(
            labels, FIRST_ROWS, training.size, ("Labels are judged by the first label of held-out rows (P@1).",)
        )
    if data.X.shape[1] > MAX_FEATURES:
        return impossible(
            "There was no trial: the regression of weights or real values needs features × features numbers, too many "
            f"for more than {MAX_FEATURES:,} features."
        )
    return Stages(numbers, FIRST_ROWS, training.size, ("Weights and real values are judged by R² on held-out rows.",))


def _wilson(p: float, n: int) -> tuple[float, float, float]:
    """A share with its 95 % interval, which stays inside [0, 1]."""
    z2 = 1.96**2 / n
    centre, half = (p + z2 / 2) / (1 + z2), math.sqrt(p * (1 - p) * z2 + z2 * z2 / 4) / (1 + z2)
    return p, max(0.0, centre - half), min(1.0, centre + half)


def _squares(outputs: Callable[[Any], Array], X: Any, Y: Any, known: Any) -> tuple[Array, Array]:
    """Σ (y − o)² and Σ (y − ȳ)² of each row, ȳ the mean of the known rows."""
    mean, size = np.asarray(known.mean(0)).ravel(), max(1, 2**22 // Y.shape[1])
    residual, total = np.zeros(X.shape[0]), np.zeros(X.shape[0])
    for start in range(0, X.shape[0], size):
        rows = slice(start, start + size)
        dense = Y[rows].toarray()
        residual[rows] = ((dense - outputs(X[rows])) ** 2).sum(1)
        total[rows] = ((dense - mean) ** 2).sum(1)
    return residual, total


@dataclass
class Trial:
    """The results of each stage so far, and whether the last one had all of the data; the wall time that it took."""

    stages: list[tuple[Result, ...]] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = False
    interrupted: bool = False

    def limits(self) -> list[str]:
        """What to know about the results."""
        found = [ONE_SPLIT, EXTRAPOLATED] if self.stages else []
        if self.stages and self.stages[-1][0].quality is None:
            found.append("The trial judged nothing: too few words of the test sets are in the text.")
        if self.interrupted:
            found.append("The trial was interrupted: the advice is by what had been measured.")
        return found

    def full_run(self, amount: int) -> tuple[float, float] | None:
        """CPU seconds on all the data, from and to.

        By the last stage, in proportion and by the power of the growth since the stage before, 25 % either way; by a
        single stage, most of which may be fixed costs, from half of its own time to twice the proportional time.
        """
        if not self.stages:
            return None
        size, seconds = self.stages[-1][0].amount, self.stages[-1][0].cpu_seconds
        proportional = seconds * amount / size
        if len(self.stages) == 1:
            return 0.5 * seconds, 2 * proportional
        before, shorter = self.stages[-2][0].amount, self.stages[-2][0].cpu_seconds
        power = math.log(max(seconds, 1e-9) / max(shorter, 1e-9)) / math.log(size / before)
        both = proportional, seconds * (amount / size) ** min(max(power, 0.0), MAX_POWER)
        return 0.75 * min(both), 1.25 * max(both)


def run(stages: Stages, budget: float, progress: Progress = lambda progress: None) -> Trial:
    """Stages of ``first``, ``GROWTH`` · ``first``, … examples, at most ``most``, within ``budget`` seconds."""
    trial, start, amount = Trial(), time.monotonic(), min(stages.first, stages.most)
    assert stages.stage is not None

    def report(finished: Result | None = None) -> None:
        seconds = int(min(budget, time.monotonic() - start))
        progress(AdviceProgress("trial", seconds, math.ceil(budget), amount, finished))

    try:
        while True:
            begun = time.monotonic()
            report()
            trial.stages.append(stages.stage(amount))
            for result in trial.stages[-1]:
                report(result)
            trial.complete, trial.seconds = amount == stages.most, time.monotonic() - begun
            following = min(GROWTH * amount, stages.most)
            expected = trial.seconds * SLOWER * following / (GROWTH * amount)
            if trial.complete or time.monotonic() + expected > start + budget:
                break
            amount = following
    except KeyboardInterrupt:
        trial.interrupted = True
        logger.warning("interrupted: the advice is by what has been measured so far")
    except WordsparseError as error:
        if not trial.stages:
            raise
        logger.warning("a stage of the trial failed: %s", error)
    return trial
