"""The ranking metrics compared with numbers worked out by hand from the published definitions."""

from math import log, log2

import numpy as np
import pytest
import scipy.sparse as sp

from wordsparse.labels.ranking import inverse_propensities, ranking_scores

# There are four labels and two examples. Labels {0, 2} are predicted as 2, 1, 0; label {3} is predicted as 0, 3, 1.
Y = sp.csr_array(np.array([[1, 0, 1, 0], [0, 0, 0, 1]]))
TOP, ONES = np.array([[2, 1, 0], [0, 3, 1]]), np.ones(4)


def test_precision_counts_hits_among_k() -> None:
    scores = ranking_scores(TOP, Y, ONES, ks=(1, 2, 3))
    assert scores["precision"] == pytest.approx({1: 1 / 2, 2: (1 / 2 + 1 / 2) / 2, 3: (2 / 3 + 1 / 3) / 2})
    assert scores["examples"] == 2


def test_ndcg_divides_by_the_best_that_an_example_allows() -> None:
    scores = ranking_scores(TOP, Y, ONES, ks=(1, 3))
    first = (1 / log2(2) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3))
    second = (1 / log2(3)) / (1 / log2(2))  # in the ideal ranking, the only label comes first
    assert scores["ndcg"] == pytest.approx({1: 1 / 2, 3: (first + second) / 2})


def test_inverse_propensity_is_that_of_jain_et_al() -> None:
    # For n = 100 rows, A = 1/2, B = 3: C = (ln 100 − 1) √4. A label in 1 row weighs 1 + C/√4; in 97 rows, 1 + C/10.
    weights = inverse_propensities([1, 97], 100, a=0.5, b=3)
    assert weights == pytest.approx([1 + (log(100) - 1), 1 + (log(100) - 1) * 0.2])
    c = (log(100) - 1) * 2.5**0.55
    assert inverse_propensities([0], 100)[0] == pytest.approx(1 + c * 1.5**-0.55)


def test_propensity_scored_precision_is_a_quotient_of_sums() -> None:
    weights = np.array([2.0, 1.0, 3.0, 5.0])
    scores = ranking_scores(TOP, Y, weights, ks=(1, 2, 3))
    # PSP@k divides the gain of both examples by the largest possible gain: (3 + 0) / (3 + 5) for k = 1,
    # (3 + 5) / (5 + 5) for k = 2, and (5 + 5) / (5 + 5) for k = 3.
    assert scores["psp"] == pytest.approx({1: 3 / 8, 2: 8 / 10, 3: 10 / 10})


def test_minus_one_is_no_prediction() -> None:
    truth = sp.csr_array(np.array([[0, 1]]))
    scores = ranking_scores([[0, -1]], truth, np.array([1.0, 4.0]), ks=(1, 2))
    assert scores["precision"] == scores["psp"] == {1: 0.0, 2: 0.0}
