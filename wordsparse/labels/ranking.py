"""Measures of ranked labels against the true ones: P@k, nDCG@k and the propensity-scored PSP@k.

For each of n examples, y_l is 1 if it has label l, otherwise 0, and l_1, l_2, … are the predicted labels, best first:

    P@k     mean over examples of  (1/k) Σ_{r ≤ k} y_{l_r}
    nDCG@k  mean over examples of  Σ_{r ≤ k} y_{l_r} / log₂(r + 1)  /  Σ_{r ≤ min(k, Σ y)} 1 / log₂(r + 1)
    PSP@k   Σ over examples of  Σ_{r ≤ k} y_{l_r} / p_{l_r}, divided by the same sum of the best possible ranking
    1/p_l   = 1 + C (n_l + B)^−A,  C = (ln n − 1) (B + 1)^A,  n_l of n training examples having label l

(Jain, Prabhu & Varma, KDD 2016, whose A and B are 0.55 and 1.5 unless a data set has its own.) PSP divides sums over
all examples, as the Extreme Classification Repository's evaluation code does. An example without labels counts as 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse.types import Array

A, B = 0.55, 1.5


def inverse_propensities(counts: ArrayLike, examples: int, a: float = A, b: float = B) -> Array:
    """Return 1/p_l of each label, (D,) float64, from the counts of training examples with each label and in total."""
    return np.asarray(1 + (np.log(examples) - 1) * (b + 1) ** a * (np.asarray(counts, np.float64) + b) ** -a)


def is_true(Y: Any, labels: Array) -> Array:
    """Return which of the labels (n, k) are in the rows of Y, CSR of ones: float64; −1 is no label."""
    row = np.repeat(np.arange(Y.shape[0]), labels.shape[1])
    return np.asarray(Y[row, labels.ravel()], np.float64).reshape(labels.shape) * (labels >= 0)


def best_entries(indptr: Array, scores: Array, k: int) -> tuple[Array, Array, Array]:
    """Return the k entries of each CSR row that score highest, the first among equals: their rows, places from the best
    down, and entry numbers."""
    row = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    place = np.arange(row.size) - indptr[row]
    first = place < k
    return row[first], place[first], np.lexsort((-scores, row))[first]


def ndcg(hits: Array, true_labels: Array, k: int) -> Array:
    """Compute nDCG@k of each row, (n,), from the truth of its best labels and its number of true labels."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[np.inf], np.cumsum(discounts)])  # without labels: 0 / ∞
    quotient: Array = hits[:, :k] @ discounts[: hits.shape[1]] / best[np.minimum(true_labels, k)]
    return quotient


def ranking_scores(top: ArrayLike, Y: Any, weights: Array, ks: tuple[int, ...] = (1, 3, 5)) -> dict[str, Any]:
    """Compute P@k, nDCG@k and PSP@k of ranked predictions.

    Parameters
    ----------
    top : (n, K) array of int
        The predicted labels of each example, best first, without repeats; −1 for no label.
    Y : (n, D) SciPy CSR of ones
        The true labels.
    weights : (D,) array
        1/p_l.
    ks : tuple of int
        Each from 1 to K.

    Returns
    -------
    dict
        ``precision``, ``ndcg`` and ``psp`` at each k, and the number of ``examples`` averaged.
    """
    ranked = np.asarray(top)
    hits, true_labels = is_true(Y, ranked), np.diff(Y.indptr)
    return {
        "precision": {k: float(hits[:, :k].mean()) for k in ks},
        "ndcg": {k: float(ndcg(hits, true_labels, k).mean()) for k in ks},
        "psp": _propensity_scored(hits, ranked, Y, weights, ks),
        "examples": ranked.shape[0],
    }


def _propensity_scored(hits: Array, top: Array, Y: Any, weights: Array, ks: tuple[int, ...]) -> dict[int, float]:
    gained = hits * weights[top]
    # The best possible ranking of each example: its true labels by descending weight.
    value = weights[Y.indices]
    _, place, entry = best_entries(Y.indptr, value, max(ks))
    possible = {k: float(value[entry][place < k].sum()) for k in ks}
    return {k: float(gained[:, :k].sum()) / possible[k] if possible[k] else 0.0 for k in ks}
