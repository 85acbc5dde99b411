"""The trial on labelled rows: ours, trees, one-vs-rest and a dense layer on the same rows, by P@1 on rows held out."""

import importlib
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.advice import dense_trial, trees
from wordsparse.advice.trial import Result
from wordsparse.labels.data import LabelledRows
from wordsparse.machine.description import blas_threads

Array = NDArray[Any]
Fitted = TypeVar("Fitted")

OURS, TREES, ONE_VS_REST, DENSE = "SparseTargetClassifier", "omikuji", "one-vs-rest", "dense layer"
FIRST = 1000
MAX_TEST = 2000
# One-vs-rest trains a classifier for each label.
MAX_ONE_VS_REST = 1000


@dataclass
class LabelTrial:
    """Stages on the first rows of a random order; a fifth of the rows, at most ``MAX_TEST``, are held out."""

    data: LabelledRows
    threads: int
    seed: int

    def __post_init__(self) -> None:
        order = np.random.default_rng(self.seed).permutation(self.data.X.shape[0])
        held = min(MAX_TEST, max(1, order.size // 5))
        self._test, self._train = order[:held], order[held:]

    @property
    def rows(self) -> int:
        """The rows to train on."""
        return int(self._train.size)

    def prepare(self) -> None:
        """Import all packages, so that it is no part of the time of the first stage, by which the next is foretold."""
        importlib.import_module("wordsparse.labels.classifier")
        if dense_trial.is_possible(self.data):
            few = LabelledRows(self.data.X[:1], self.data.Y[:1])
            dense_trial.first_labels(few, few.X, self.threads, self.seed)

    def parts(self, amount: int) -> tuple[LabelledRows, LabelledRows]:
        """The first ``amount`` rows to train on, and all rows that are held out."""
        train, test = np.sort(self._train[:amount]), self._test
        return LabelledRows(self.data.X[train], self.data.Y[train]), LabelledRows(self.data.X[test], self.data.Y[test])

    def stage(self, amount: int) -> Iterator[Result]:
        """All methods on the first ``amount`` rows."""
        train, test = self.parts(amount)
        yield _judged(OURS, amount, test.Y, *_ours(train, test.X, self.threads, self.seed))
        if optional.installed("omikuji"):
            yield _judged(TREES, amount, test.Y, *trees.first_labels(train, test, self.threads))
        if self.data.Y.shape[1] <= MAX_ONE_VS_REST:
            with blas_threads(1):  # threads of BLAS that wait count as CPU time
                found = _one_vs_rest(train, test.X, self.seed)
            yield _judged(ONE_VS_REST, amount, test.Y, *found)
        if dense_trial.is_possible(self.data):
            yield _judged(DENSE, amount, test.Y, *dense_trial.first_labels(train, test.X, self.threads, self.seed))


def timed(fit: Callable[[], Fitted]) -> tuple[Fitted, float]:
    """What a fit returns, and its CPU seconds."""
    begun = time.process_time()
    return fit(), time.process_time() - begun


def _judged(method: str, amount: int, truth: Any, first: Array, seconds: float) -> Result:
    """P@1 of the first labels, with Wilson's interval, which stays inside [0, 1]."""
    starts = truth.indptr
    hits = np.array([label in truth.indices[starts[i] : starts[i + 1]] for i, label in enumerate(first)])
    p, z2 = float(hits.mean()), 1.96**2 / hits.size
    centre, half = (p + z2 / 2) / (1 + z2), np.sqrt(p * (1 - p) * z2 + z2 * z2 / 4) / (1 + z2)
    return Result(method, amount, seconds, p, float(centre - half), float(centre + half), "P@1")


def _ours(train: LabelledRows, rows: Any, threads: int, seed: int) -> tuple[Array, float]:
    from wordsparse.labels.classifier import SparseTargetClassifier

    classifier = SparseTargetClassifier(threads=threads, random_state=seed)
    fitted, seconds = timed(lambda: classifier.fit(train.X, train.Y))
    return np.asarray(fitted.predict_topk(rows, 1)[0][:, 0]), seconds


def _one_vs_rest(train: LabelledRows, rows: Any, seed: int) -> tuple[Array, float]:
    """The label whose linear support vector machine has the largest output."""
    machines = optional.load("a trial of one-vs-rest", "sklearn.svm")
    X, rows = _short_indices(train.X), _short_indices(rows)
    begun = time.process_time()
    counts, columns = np.bincount(train.Y.indices, minlength=train.Y.shape[1]), train.Y.tocsc()
    labels, n = np.flatnonzero(counts), X.shape[0]
    scores = np.full((rows.shape[0], labels.size), np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label that has not converged is not worth a line
        for i, label in enumerate(labels):
            if counts[label] < n:
                truth = np.zeros(n, bool)
                truth[columns.indices[columns.indptr[label] : columns.indptr[label + 1]]] = True
                scores[:, i] = machines.LinearSVC(random_state=seed).fit(X, truth).decision_function(rows)
    return np.asarray(labels[np.argmax(scores, axis=1)]), time.process_time() - begun


def _short_indices(rows: Any) -> Any:
    """The CSR matrix with 32-bit indices, which liblinear asks for."""
    return sp.csr_array(
        (rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)), shape=rows.shape, copy=False
    )
