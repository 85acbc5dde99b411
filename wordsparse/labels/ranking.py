"""Metrics that compare ranked labels with true labels: P@k, nDCG@k and the propensity-scored PSP@k.

For each of n examples, y_l is 1 if the example has label l and 0 otherwise. l_1, l_2, … are its predicted labels, best
first:

    P@k     mean over examples of  (1/k) Σ_{r ≤ k} y_{l_r}
    nDCG@k  mean over examples of  Σ_{r ≤ k} y_{l_r} / log₂(r + 1)  /  Σ_{r ≤ min(k, Σ y)} 1 / log₂(r + 1)
    PSP@k   Σ over examples of  Σ_{r ≤ k} y_{l_r} / p_{l_r}, divided by the same sum for the best possible ranking
    1/p_l   = 1 + C (n_l + B)^−A,  C = (ln n − 1) (B + 1)^A;  n_l of n training examples have label l

(Jain, Prabhu & Varma, KDD 2016: A = 0.55 and B = 1.5, except for some data sets.) PSP is a quotient of sums over all
examples, as in the evaluation code of the Extreme Classification Repository. Examples without labels count as 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse.evaluation.ndcg import ndcg
from wordsparse.types import Array

A, B = 0.55, 1.5


def inverse_propensities(counts: ArrayLike, examples: float, a: float = A, b: float = B) -> Array:
    """Return 1/p_l for each label l, (D,) float64. ``counts`` has n_l for each label, and ``examples`` is n."""
    return np.asarray(1 + (np.log(examples) - 1) * (b + 1) ** a * (np.asarray(counts, np.float64) + b) ** -a)


def is_true(Y: Any, labels: Array) -> Array:
    """Return (n, k) float64: 1 if row i of Y (a CSR matrix of ones) has the label ``labels[i, j]``, otherwise 0. A −1
    in ``labels`` means no label."""
    row = np.repeat(np.arange(Y.shape[0]), labels.shape[1])
    return np.asarray(Y[row, labels.ravel()], np.float64).reshape(labels.shape) * (labels >= 0)


def best_entries(indptr: Array, scores: Array, k: int) -> tuple[Array, Array, Array]:
    """Return the k entries with the highest scores in each CSR row: their rows, their ranks from 0, and their indices.
    Among equal scores, the first entry ranks first."""
    row = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    place = np.arange(row.size) - indptr[row]
    first = place < k
    return row[first], place[first], np.lexsort((-scores, row))[first]


def ranking_scores(top: ArrayLike, Y: Any, weights: Array, ks: tuple[int, ...] = (1, 3, 5)) -> dict[str, Any]:
    """Compute P@k, nDCG@k and PSP@k of ranked predictions, for each k of ``ks``.

    ``top`` (n, K) holds the predicted labels of each example, best first, without repeats; −1 is no label. Y (n, D)
    holds the true labels as a CSR matrix of ones, ``weights`` (D,) the inverse propensities 1/p_l. Return
    ``precision``, ``ndcg`` and ``psp`` at each k, and the number of ``examples``.
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
    # The best possible ranking of an example is its true labels in descending order of weight.
    value = weights[Y.indices]
    _, place, entry = best_entries(Y.indptr, value, max(ks))
    possible = {k: float(value[entry][place < k].sum()) for k in ks}
    return {k: float(gained[:, :k].sum()) / possible[k] if possible[k] else 0.0 for k in ks}
