"""How well ranked labels meet the true ones: P@k, nDCG@k and the propensity-scored PSP@k.

With y_l whether label l is true of an example, l_1, l_2, … its predictions from the best down, and n examples:

    P@k     mean over examples of  (1/k) Σ_{r ≤ k} y_{l_r}
    nDCG@k  mean over examples of  Σ_{r ≤ k} y_{l_r} / log₂(r + 1)  /  Σ_{r ≤ min(k, Σ y)} 1 / log₂(r + 1)
    PSP@k   Σ over examples of  Σ_{r ≤ k} y_{l_r} / p_{l_r}, divided by the same sum of the best possible ranking
    1/p_l   = 1 + C (n_l + B)^−A,  C = (ln n − 1) (B + 1)^A,  n_l of n training examples having label l

(Jain, Prabhu & Varma, KDD 2016, whose A and B are 0.55 and 1.5 unless a data set has its own.) The quotient of PSP is
that of sums over all examples, as in the Extreme Classification Repository's evaluation code. An example without labels
counts as 0.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.types import Array

A, B = 0.55, 1.5


class RankingScores(TypedDict):
    """The scores at each k, and the number of examples that they are the mean of."""

    precision: dict[int, float]
    ndcg: dict[int, float]
    psp: dict[int, float]
    examples: int


def inverse_propensities(counts: ArrayLike, examples: int, a: float = A, b: float = B) -> NDArray[np.float64]:
    """1/p_l of each label, (D,) float64.

    Parameters
    ----------
    counts : (D,) array
        n_l, in how many training examples label l is true.
    examples : int
        n.
    a, b : float
        A and B.

    Raises
    ------
    InputError
        If a count is negative or above n.
    """
    n = validation.positive_int("examples", examples)
    a, b = validation.non_negative("a", a), validation.non_negative("b", b)
    n_l = np.asarray(counts, np.float64)
    if n_l.ndim != 1 or not ((n_l >= 0) & (n_l <= n)).all():
        raise InputError(f"counts must be one number a label, from 0 to the {n:,} examples")
    if b == 0 and not n_l.all():
        raise InputError("b must be above 0 where a label has no training example")
    weights: NDArray[np.float64] = 1 + (np.log(n) - 1) * (b + 1) ** a * (n_l + b) ** -a
    return weights


def ranking_scores(
    top: ArrayLike, Y: Any, weights: ArrayLike | None = None, ks: tuple[int, ...] = (1, 3, 5)
) -> RankingScores:
    """P@k, nDCG@k and PSP@k of ranked predictions.

    Parameters
    ----------
    top : (n, K) array of int
        The predicted labels of each example, best first; −1 where there is none.
    Y : (n, D) SciPy sparse matrix
        The true labels: its stored values that are not 0.
    weights : (D,) array, optional
        1/p_l; without them PSP is left out.
    ks : tuple of int
        Each at most K.

    Raises
    ------
    InputError
        If shapes do not agree, a k exceeds K, a label is predicted twice or out of range.
    """
    ranked = np.asarray(top)
    examples, width = ranked.shape if ranked.ndim == 2 else (-1, -1)
    if examples < 1 or ranked.dtype.kind not in "iu":
        raise InputError(f"top must be whole numbers of shape (examples, K), not {ranked.dtype} of {ranked.shape}")
    if not ks or max(ks) > width or min(ks) < 1:
        raise InputError(f"each k must be from 1 to the {width} predictions of an example, not {ks}")
    truth = _truth(Y, examples)
    deep = ranked[:, : max(ks)]
    _check_labels(ranked, truth.shape[1])
    hits = _hits(deep, truth)
    rank = np.arange(1, hits.shape[1] + 1)
    discounts = 1 / np.log2(rank + 1)
    best = np.concatenate([[np.inf], np.cumsum(discounts)])  # without labels: 0 / ∞
    true_labels = np.diff(truth.indptr)
    gains = np.cumsum(hits * discounts, 1)
    scores = RankingScores(precision={}, ndcg={}, psp={}, examples=examples)
    for k in ks:
        scores["precision"][k] = float(hits[:, :k].sum() / (k * examples))
        scores["ndcg"][k] = float((gains[:, k - 1] / best[np.minimum(true_labels, k)]).mean())
    if weights is not None:
        scores["psp"] = _propensity_scored(deep, hits, truth, np.asarray(weights, np.float64), ks)
    return scores


def _truth(Y: Any, examples: int) -> Any:
    """The structure of Y, CSR without stored zeros, columns ascending."""
    is_sparse: bool = sp.issparse(Y)
    n_outputs = int(Y.shape[1]) if is_sparse else 0
    indptr, columns, values = validation.sparse_targets(Y, examples, n_outputs, np.dtype(np.float64), add_up=True)
    truth = sp.csr_array((values, columns, indptr), shape=(examples, n_outputs))
    truth.eliminate_zeros()
    return truth


def _check_labels(top: Array, n_outputs: int) -> None:
    if top.min() < -1 or top.max() >= n_outputs:
        raise InputError(f"top must hold labels from 0 to {n_outputs - 1}, or -1 for none")
    ordered = np.sort(top, 1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise InputError("top holds a label twice for one example; leave one out")


def _hits(top: Array, truth: Any) -> NDArray[np.bool_]:
    """Whether each prediction is true, (n, K)."""
    examples, n_outputs = truth.shape
    rows = np.arange(examples, dtype=np.int64)
    true_keys = np.repeat(rows, np.diff(truth.indptr)) * n_outputs + truth.indices
    keys = rows[:, None] * n_outputs + top
    return np.isin(keys, true_keys) & (top >= 0)


def _propensity_scored(top: Array, hits: Array, truth: Any, weights: Array, ks: tuple[int, ...]) -> dict[int, float]:
    if weights.shape != (truth.shape[1],):
        raise InputError(f"weights must be one number a label, ({truth.shape[1]},), not {weights.shape}")
    gained = np.where(hits, weights[top], 0)
    # The best ranking of each example: its true labels by falling weight.
    row = np.repeat(np.arange(truth.shape[0]), np.diff(truth.indptr))
    value = weights[truth.indices]
    order = np.lexsort((-value, row))
    place = np.arange(row.shape[0]) - truth.indptr[:-1][row]
    possible = {k: float(value[order][place < k].sum()) for k in ks}
    return {k: float(gained[:, :k].sum()) / possible[k] if possible[k] else 0.0 for k in ks}
