"""For each label, the log-odds from which predicting it is worth it: the threshold with the best F1 on held-out rows.

    F1 = 2 Σ_predicted y / (number of predicted rows + number of rows with the label)

A label with fewer than ``LEAST_TRUE`` held-out rows shares one threshold with all such labels.
"""

from typing import Any

import numpy as np

from wordsparse.labels.tuning import Ranked
from wordsparse.types import Array

LEAST_TRUE = 10


def thresholds(ranked: Ranked, Y: Any) -> Array:
    """Return the thresholds (D,) float32 of all labels. ``ranked`` holds candidate labels of the rows of Y (n, D), with
    log-odds that were computed without the rows."""
    known = np.isfinite(ranked.logits)
    labels, logits, truth = ranked.labels[known], ranked.logits[known], ranked.truth[known]
    rows = np.bincount(Y.indices, minlength=Y.shape[1])
    order = np.argsort(-logits, kind="stable")
    own = np.flatnonzero(rows >= LEAST_TRUE)
    result = np.full(Y.shape[1], _best(logits[order], truth[order], rows.sum()), np.float32)
    order = order[np.argsort(labels[order], kind="stable")]  # by label, then by log-odds
    starts, stops = (np.searchsorted(labels[order], own, side) for side in ("left", "right"))
    for label, start, stop in zip(own, starts, stops, strict=True):
        some = order[start:stop]
        if some.size:
            result[label] = _best(logits[some], truth[some], rows[label])
    return result


def _best(logits: Array, truth: Array, true_rows: int) -> float:
    """Return the threshold with the best F1; 0 if no label is true. ``logits`` are in descending order."""
    if not truth.any():
        return 0.0
    f1 = 2 * np.cumsum(truth) / (np.arange(1, truth.size + 1) + true_rows)
    return float(logits[int(np.argmax(f1))])
