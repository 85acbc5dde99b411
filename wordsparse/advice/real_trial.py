"""The trial on weighted or real-valued targets: ours and scikit-learn's ridge, judged by R² on rows held out."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.advice.label_trial import LabelTrial, timed
from wordsparse.advice.trial import Result
from wordsparse.labels.data import LabelledRows
from wordsparse.machine.description import blas_threads

Array = NDArray[Any]

OURS, RIDGE = "SparseTargetRegressor", "ridge"
# Ours needs features × features numbers, the rival rows × outputs.
MAX_FEATURES, MAX_DENSE = 4000, 2**25
# Outputs that are dense at a time, and draws of the bootstrap.
BLOCK, DRAWS = 2**22, 200


class RealTrial(LabelTrial):
    """Stages on the first rows of a random order, of targets that are numbers."""

    def stage(self, amount: int) -> Iterator[Result]:
        train, test = self.parts(amount)
        yield self._judged(OURS, train, test, *timed(lambda: _ours(train, self.threads)))
        if amount * train.Y.shape[1] <= MAX_DENSE:
            with blas_threads(1):  # threads of BLAS that wait count as CPU time
                fitted = timed(lambda: _ridge(train))
            yield self._judged(RIDGE, train, test, *fitted)

    def _judged(
        self, method: str, train: LabelledRows, test: LabelledRows, outputs: Callable[[Any], Array], seconds: float
    ) -> Result:
        """R² of all outputs together, beside the training rows' means; its interval by a bootstrap of the rows."""
        mean, D = np.asarray(train.Y.mean(0)).ravel(), train.Y.shape[1]
        n, size = test.X.shape[0], max(1, BLOCK // D)
        residual, total = np.zeros(n), np.zeros(n)
        for start in range(0, n, size):
            rows = slice(start, start + size)
            Y = test.Y[rows].toarray()
            residual[rows] = ((Y - outputs(test.X[rows])) ** 2).sum(1)
            total[rows] = ((Y - mean) ** 2).sum(1)
        drawn = np.random.default_rng(self.seed).integers(0, n, (DRAWS, n))
        scores = 1 - residual[drawn].sum(1) / np.maximum(total[drawn].sum(1), np.finfo(np.float64).tiny)
        low, high = np.quantile(scores, (0.025, 0.975))
        quality = 1 - residual.sum() / max(total.sum(), np.finfo(np.float64).tiny)
        return Result(method, train.X.shape[0], seconds, float(quality), float(low), float(high), "R²")


def _ours(train: LabelledRows, threads: int) -> Callable[[Any], Array]:
    from wordsparse.labels.regressor import SparseTargetRegressor

    return SparseTargetRegressor(threads=threads).fit(train.X, train.Y).decision_function


def _ridge(train: LabelledRows) -> Callable[[Any], Array]:
    linear = optional.load("a trial of ridge regression", "sklearn.linear_model")
    fitted = linear.Ridge().fit(train.X, train.Y.toarray())
    return lambda rows: np.asarray(fitted.predict(rows)).reshape(rows.shape[0], -1)
