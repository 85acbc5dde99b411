"""For each label, the log-odds from which predicting it is worth it: the threshold with the best F1 on held-out rows.

    F1 = 2 Σ_predicted y / (number of predicted rows + number of rows with the label)

A label with fewer than ``LEAST_TRUE`` held-out rows shares one threshold with all such labels. These thresholds are
used only if they are better than a probability of ½ for rows by which they were not chosen: thresholds chosen on one
half of the held-out rows are judged on the other half.
"""

from typing import Any

import numpy as np

from wordsparse.labels.reranking import SIGNIFICANT
from wordsparse.labels.tuning import Ranked
from wordsparse.types import Array

LEAST_TRUE = 10


def thresholds(ranked: Ranked, Y: Any) -> Array:
    """Return the thresholds (D,) float32 of all labels: those with the best F1, or 0 if their gain of the mean F1 of
    labels is not larger than chance explains. ``ranked`` holds candidate labels of the rows of Y (n, D), which are in
    random order, with log-odds that were computed without the rows."""
    in_half = np.arange(Y.shape[0]) % 2 == 0
    unlike = [_chosen(ranked.rows(rows), Y[rows], LEAST_TRUE / 2)[ranked.labels] for rows in (~in_half, in_half)]
    f1, parts = _f1(ranked, Y, np.where(in_half[:, None], *unlike))
    usual, usual_parts = _f1(ranked, Y, np.zeros(ranked.labels.shape))
    if f1 - usual > SIGNIFICANT * np.linalg.norm(parts - usual_parts):
        return _chosen(ranked, Y, LEAST_TRUE)
    return np.zeros(Y.shape[1], np.float32)


def _f1(ranked: Ranked, Y: Any, least: Array) -> tuple[float, Array]:
    """Return the sum of the F1 of all labels, for thresholds ``least`` of each candidate (n, k), and its derivative by
    the weight of each row, (n,). The norm of the derivatives is the standard error of the sum: the infinitesimal
    jackknife (Jaeckel, 1972)."""
    n, D = Y.shape
    predicted = ranked.logits >= least
    labels, truth, row = ranked.labels[predicted], ranked.truth[predicted], np.nonzero(predicted)[0]
    size = np.maximum(np.bincount(labels, minlength=D) + np.bincount(Y.indices, minlength=D), 1)
    f1 = 2 * np.bincount(labels, truth, D) / size
    of_predicted = np.bincount(row, (2 * truth - f1[labels]) / size[labels], n)
    of_true = np.bincount(np.repeat(np.arange(n), np.diff(Y.indptr)), (f1 / size)[Y.indices], n)
    return float(f1.sum()), of_predicted - of_true


def _chosen(ranked: Ranked, Y: Any, least_true: float) -> Array:
    """Return the thresholds with the best F1, (D,)."""
    known = np.isfinite(ranked.logits)
    labels, logits, truth = ranked.labels[known], ranked.logits[known], ranked.truth[known]
    rows = np.bincount(Y.indices, minlength=Y.shape[1])
    order = np.argsort(-logits, kind="stable")
    own = np.flatnonzero(rows >= least_true)
    result = np.full(Y.shape[1], _best(logits[order], truth[order], rows.sum()), np.float32)
    order = order[np.argsort(labels[order], kind="stable")]  # by label, then by log-odds
    starts, stops = (np.searchsorted(labels[order], own, side) for side in ("left", "right"))
    for label, start, stop in zip(own, starts, stops, strict=True):
        some = order[start:stop]
        if some.size:
            result[label] = _best(logits[some], truth[some], rows[label])
    return result


def _best(logits: Array, truth: Array, true_rows: int) -> float:
    """Return the threshold with the best F1, halfway to the next log-odds below; 0 if no label is true. ``logits`` are
    in descending order."""
    if not truth.any():
        return 0.0
    f1 = 2 * np.cumsum(truth) / (np.arange(1, truth.size + 1) + true_rows)
    return float(logits[(last := int(np.argmax(f1))) : last + 2].mean())
