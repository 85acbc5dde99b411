"""A short trial: on rows, the exact layer against a dense layer; on a text, CBOW against negative sampling."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.advice.sizes import SEED
from wordsparse.comparison import compare
from wordsparse.corpus import EncodedCorpus
from wordsparse.layer.output import FactoredOutput
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array

logger = logging.getLogger(__name__)

# The number of tokens of the first trial on a text; the size of minibatches; the maximum number of features of rows.
FIRST_TOKENS, MINIBATCH, MOST_FEATURES = 200_000, 256, 300
# The maximum number of held-out rows; the minimum number of known pairs for a score; the ridge, relative to mean ‖h‖².
MAX_TEST, MIN_PAIRS, RIDGE = 2000, 30, 1.0
METHODS = ("wordsparse-cbow", "gensim-cbow-ns")


@dataclass(frozen=True)
class Result:
    """The result of training on ``amount`` examples: CPU seconds, and a score with its 95 % interval, if known."""

    method: str
    amount: int
    cpu_seconds: float
    measure: str
    score: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return "not judged" if self.score is None else f"{self.measure} {self.score:.3f}"


def of_text(corpus: EncodedCorpus, dim: int, budget: float) -> list[Result]:
    """Train CBOW for an epoch on as many tokens as the budget allows, with wordsparse and gensim. Score both models on
    word pairs."""
    start, amount = time.monotonic(), min(FIRST_TOKENS, corpus.tokens)
    results = _compared(corpus, amount, dim)
    took = time.monotonic() - start
    most = min(corpus.tokens, int(amount * 0.8 * (budget - took) / took))
    return _compared(corpus, most, dim) if most > 2 * amount else results


def _compared(corpus: EncodedCorpus, amount: int, dim: int) -> list[Result]:
    logger.info("advise: a trial on %s tokens", f"{amount:,}")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report"
        content = compare(corpus.path, report, methods=METHODS, epochs=(1,), max_tokens=amount, dim=dim, seed=SEED)
    return [_by_pairs(run, content["methods"][run["name"]], amount) for run in content["runs"]]


def _by_pairs(run: Mapping[str, Any], method: str, amount: int) -> Result:
    """Average the scores of test sets with enough known pairs. Without such test sets, the result has no score."""
    pairs = [scores for scores in run.get("pairs", {}).values() if scores["n"] >= MIN_PAIRS]
    mean = [float(np.mean([scores[name] for scores in pairs])) for name in ("spearman", "low", "high") if pairs]
    return Result(method, amount, run.get("cpu_seconds", 0.0), "Spearman", *mean)


def of_rows(X: Any, Y: Any, budget: float) -> list[Result]:
    """Run ridge regression by minibatches with the exact layer and a dense layer, each within half of the budget. Score
    both layers on held-out rows by P@1, or by R² for real values."""
    H, order = projected(X), np.random.default_rng(SEED).permutation(X.shape[0])
    test, rows = np.split(order, [min(MAX_TEST, max(1, order.size // 5))])
    layer = FactoredOutput(Y.shape[1], H.shape[1], "squared")
    W = np.zeros((Y.shape[1], H.shape[1]), np.float32)

    def factored(h: Array, y: Any, Pi: Array) -> None:
        layer.step(h, y, 1.0, preconditioner=Pi)

    def dense(h: Array, y: Any, Pi: Array) -> None:
        errors = h @ W.T
        errors -= y.toarray()
        W.__isub__(2 * errors.T @ (h @ Pi.astype(np.float32)))

    results = []
    for name, step in (("the exact layer", factored), ("a dense layer", dense)):
        logger.info("advise: regression by %s", name)
        amount, seconds = _taken_in(step, H, Y, rows, budget / 2)
        weights = layer.weights() if step is factored else W
        results.append(Result(name, amount, seconds, *_judged(H[test] @ weights.T, Y[test])))
    return results


def projected(X: Any) -> Array:
    """Project rows onto at most MOST_FEATURES leading directions, (n, any) float32, by a random range finder."""
    if X.shape[1] <= MOST_FEATURES:
        return np.asarray(X.toarray(), np.float32)
    start = np.random.default_rng(SEED).standard_normal((X.shape[1], MOST_FEATURES), np.float32)
    return np.asarray(X @ np.linalg.qr(X.T @ (X @ start))[0], np.float32)


def _taken_in(
    step: Callable[[Array, Any, Array], None], H: Array, Y: Any, rows: Array, budget: float
) -> tuple[int, float]:
    """Fit as many rows as the budget allows by recursive least squares: C ← C + HᵀH, then a gradient step on W with
    rate 1 and preconditioner ½ C⁻¹. Return the number of rows and the CPU seconds."""
    C = RIDGE * float(np.square(H[rows[:MINIBATCH]]).sum(1).mean()) * np.eye(H.shape[1])
    start, end, amount = time.process_time(), time.monotonic() + budget, 0
    while amount < rows.size and time.monotonic() < end:
        part = rows[amount : amount + MINIBATCH]
        C += H[part].T.astype(np.float64) @ H[part]
        with single_threaded_blas():
            Pi = 0.5 * np.linalg.inv(C)
        step(H[part], Y[part], Pi)
        amount += part.size
    return amount, time.process_time() - start


def _judged(outputs: Array, Y: Any) -> tuple[str, float]:
    if (Y.data == 1).all():
        return "P@1", float(np.mean(np.asarray(Y[np.arange(Y.shape[0]), outputs.argmax(1)]) > 0))
    truth = Y.toarray()
    return "R²", float(1 - np.square(outputs - truth).sum() / (np.square(truth).sum() or 1))
