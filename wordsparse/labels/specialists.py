"""Linear support vector machines for labels of middling frequency, each fitted to the rows that are hard for its label.

The regression finds most true labels, but often ranks them below labels that it confuses with them. So each middling
label gets a support vector machine that separates the rows with the label from the rows for which the regression ranks
the label among the ``HARD`` best middling labels although it is false. Such a problem has some hundred rows, whatever
the number of all rows.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import optional
from wordsparse.labels.ridge import Inverse, scaled_rows
from wordsparse.labels.scoring import Scorer, blocks, most
from wordsparse.labels.tuning import RidgeProblem
from wordsparse.types import Array

_sklearn, _svm = (optional.load("an estimator of wordsparse.labels", name) for name in ("sklearn", "sklearn.svm"))

# The weight of the rows that a middling label has at least, and the maximum number of middling labels.
LEAST_ROWS, MOST_LABELS = 8, 4096
# The number of false middling labels of a row that count as hard.
HARD = 20
# The factor C of the hinge losses, and the absolute weight up to which a feature is left out.
STRENGTH, SMALL = 4.0, 0.02


@dataclass(frozen=True)
class Specialists:
    """Weights W (f, m), CSR float32, of the machines of ``labels`` (m,), in ascending order."""

    labels: Array
    W: Any

    def outputs(self, X: Any, labels: Array) -> Array:
        """Return the outputs of the machines of ``labels`` (n, k) for rows X, (n, k); NaN for labels without one."""
        chosen = np.minimum(np.searchsorted(self.labels, labels), max(self.labels.size - 1, 0))
        result = np.full(labels.shape, np.nan, np.float32)
        if self.labels.size:
            row, place = np.nonzero(self.labels[chosen] == labels)
            result[row, place] = (X @ self.W).toarray()[row, chosen[row, place]]
        return result


def no_specialists(features: int) -> Specialists:
    """Return machines of no labels."""
    return Specialists(np.zeros(0, np.int64), sp.csr_array((features, 0), dtype=np.float32))


def fitted(problem: RidgeProblem, inverse: Inverse, power: float, head: Array, held: Array) -> Specialists:
    """Fit a machine to each of the most frequent labels outside ``head``, without the labels of the rows ``held``."""
    is_fitted = np.ones(problem.X.shape[0], np.float32)
    is_fitted[held] = 0
    Y = scaled_rows(problem.Y, problem.weights * is_fitted)
    counts = np.bincount(Y.indices, Y.data, Y.shape[1])
    counts[head] = 0
    labels = most(counts, MOST_LABELS)
    labels = labels[counts[labels] >= LEAST_ROWS]
    # A regression that has seen the labels of a held row would choose rows like it as hard rows of these labels.
    B = sp.csr_array(problem.X.T.tocsr() @ Y[:, labels])
    hard = _hard(problem, Scorer(inverse, B, counts[labels], problem.kernels, np.arange(labels.size)), power)
    # Per label, its rows: 1 is a hard row, 2 or 3 a row with the label; held rows are 0.
    kind = sp.csc_array(sp.diags_array(is_fitted) @ (hard + 2 * sp.csr_array(problem.Y[:, labels])))
    kind.eliminate_zeros()
    X = problem.X.astype(np.float64)
    with _sklearn.config_context(assume_finite=True, skip_parameter_validation=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine that has not converged is good enough
        svm = _svm.LinearSVC(
            C=STRENGTH, fit_intercept=False, dual=True, tol=0.1, max_iter=100, random_state=np.random.RandomState(0)
        )
        machines = [
            _machine(svm, X, kind.indices[at], kind.data[at] > 1, problem.weights)
            for at in map(slice, kind.indptr[:-1], kind.indptr[1:])
        ]
    if not machines:
        return no_specialists(X.shape[1])
    return Specialists(labels, sp.csr_array(sp.vstack(machines, format="csr").T))


def _hard(problem: RidgeProblem, scorer: Scorer, power: float) -> Any:
    """Return the ``HARD`` best labels for each row, by o n^−power, as a CSR matrix (n, labels) of ones."""
    m = scorer.counts.size
    scale, count = scorer.counts.astype(np.float32) ** -power, min(HARD, m)
    columns = np.zeros((problem.X.shape[0], count), np.int64)
    for rows in blocks(problem.X) if count else ():
        scores = scorer.candidates(problem.X[rows])[1][:, :m] * scale
        columns[rows] = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    indptr = np.arange(columns.shape[0] + 1) * count
    return sp.csr_array((np.ones(columns.size, np.float32), columns.ravel(), indptr), shape=(columns.shape[0], m))


def _machine(svm: Any, X: Any, rows: Array, truth: Array, weights: Array) -> Any:
    """Return the weights of one label, CSR (1, f), fitted by ``svm``: ``truth`` says which of the rows have the
    label."""
    if truth.all() or not truth.any():
        return sp.csr_array((1, X.shape[1]), dtype=np.float32)
    some = X[rows]
    features, columns = np.unique(some.indices, return_inverse=True)  # the machine does not see unused features
    structure = columns.astype(np.int32), some.indptr.astype(np.int32)  # the only type that liblinear takes
    some = sp.csr_array((some.data, *structure), shape=(rows.size, features.size))
    w = svm.fit(some, truth.astype(np.int64), weights[rows]).coef_[0].astype(np.float32)
    large = np.abs(w) > SMALL
    return sp.csr_array((w[large], features[large], [0, large.sum()]), shape=(1, X.shape[1]))
