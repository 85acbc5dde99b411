"""Weights of rows and labels, against fits to repeated rows, to fewer rows, and dense refits."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.labels import always_reranked, linear, topics

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.labels import TextClassifier, classification, scoring, tuning
from wordsparse.labels.classifier import SparseTargetClassifier


def problem_of(X: sp.csr_array, Y: sp.csr_array, weights: np.ndarray) -> tuning.RidgeProblem:
    return tuning.RidgeProblem(classification.prepared(X, 1.0), Y, weights, 200, 0, CpuKernels(1))


def test_a_weight_is_a_number_of_copies() -> None:
    X, Y = topics(60)
    copies = np.random.default_rng(2).integers(0, 4, 60)
    again = np.repeat(np.arange(60), copies)
    weighted, repeated = problem_of(X, Y, copies.astype(float)), problem_of(X[again], Y[again], np.ones(again.size))
    outputs = [p.solve(0.7, 30).outputs(weighted.X, np.arange(30)) for p in (weighted, repeated)]
    np.testing.assert_allclose(*outputs, atol=2e-4)
    np.testing.assert_array_equal(weighted.counts, repeated.counts)


def test_labels_of_the_largest_weights_are_frequent_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, the product of a count and a weight overflowed, and the heaviest labels were tied."""
    monkeypatch.setattr(scoring, "FREQUENT", 2)
    counts, odds = np.array([9.0, 30.0, 4.0, 20.0]), np.log([1e308, 5e307, 1.0, 1.7e308])
    assert classification._frequent(counts, odds, classification.no_head(3)).tolist() == [1, 3]


def test_leaving_a_row_out_takes_out_all_its_weight() -> None:
    X, Y = topics(60)
    weights = np.random.default_rng(2).choice([0.3, 1, 2, 2.7], 60)
    problem = problem_of(X, Y, weights)
    left = tuning.leave_out(problem.solve(0.7, 30), problem, np.arange(60))
    dense, labels = problem.X.toarray().astype(np.float64), Y.toarray().astype(np.float64)
    for i in (0, 17, 59):
        others = np.delete(np.arange(60), i)
        A, w = dense[others], weights[others, None]
        refitted = dense[i] @ np.linalg.solve(A.T @ (w * A) + 0.7 * np.eye(91), A.T @ (w * labels[others]))
        np.testing.assert_allclose(left.outputs[i], refitted[left.labels[i]], atol=1e-3)
        np.testing.assert_allclose(left.counts[i], (w * labels[others]).sum(0)[left.labels[i]], atol=1e-6)


@pytest.mark.parametrize("rows", [60, 1500])
def test_a_row_of_weight_zero_is_no_row(rows: int) -> None:
    X, Y = topics(rows)
    kept = np.arange(rows) % 3 > 0
    weighted = SparseTargetClassifier(threads=1).fit(X, Y, sample_weight=kept)
    fewer = SparseTargetClassifier(threads=1).fit(X[kept], Y[kept])
    for ours, theirs in zip(weighted.predict_topk(X, 5), fewer.predict_topk(X, 5), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert weighted.n_rows_ == kept.sum()


def test_the_odds_of_a_label_are_multiplied_by_its_weight() -> None:
    X, Y = topics(100)
    plain, weighted = SparseTargetClassifier(threads=1).fit(X, Y), SparseTargetClassifier(threads=1)
    weight = np.linspace(0.5, 4, 30)
    weighted.fit(X, Y, label_weight=weight)
    expected = plain.decision_function(X) + np.log(weight)
    np.testing.assert_allclose(weighted.decision_function(X), expected, rtol=1e-4, atol=1e-5)
    assert (weighted.predict_topk(X, 1)[0][:, 0] == expected.argmax(1)).all()
    weighted.fit(X, Y, label_weight=np.full(30, 0.1))
    odds = [part.thresholds_ / (1 - part.thresholds_) for part in (plain, weighted)]
    np.testing.assert_allclose(odds[0] / 10, odds[1], rtol=1e-4)


@pytest.mark.parametrize("rerank", [False, True])
def test_a_heavy_label_is_in_every_prediction(monkeypatch: pytest.MonkeyPatch, rerank: bool) -> None:
    """Its weight counts before candidates are chosen: for rare labels, and for the labels that are ranked again."""
    monkeypatch.setattr(scoring, "FREQUENT", 40)
    monkeypatch.setattr(classification, "HEAD_LABELS", 5)
    X, Y = linear(1300, 3)
    counts = Y[:1200].sum(0)
    rarest = int(np.where(counts > 0, counts, np.inf).argmin())
    weight = np.where(np.arange(400) == rarest, 1e30, 1)
    with always_reranked():
        classifier = SparseTargetClassifier(rerank=rerank, threads=1).fit(X[:1200], Y[:1200], label_weight=weight)
    assert (classifier.predict_topk(X[1200:], 1)[0] == rarest).all()
    assert (classifier.predict(X[1200:])[:, [rarest]].toarray() == 1).all()


@pytest.mark.parametrize("largest", [1.5, 1e40, 1.7e308])
def test_weights_of_labels_are_the_same_after_training_again(largest: float) -> None:
    """Previously, weights above 1e38 overflowed, and other weights were rounded again."""
    X, Y = topics(100)
    weight = np.geomspace(1e-308, largest, 30)
    again = SparseTargetClassifier(threads=1).fit(X, Y, label_weight=weight).forget(["3"])
    others = np.arange(100) != 3
    once = SparseTargetClassifier(threads=1).fit(X[others], Y[others], label_weight=weight)
    np.testing.assert_array_equal(again._fitted.odds, once._fitted.odds)


def test_a_text_of_weight_zero_has_no_words() -> None:
    texts, labels = ["a cat purrs", "the dog barks", "cat and dog"] * 5, [["cat"], ["dog"], ["cat", "dog"]] * 5
    more = ["a horse neighs", "the horse and the cat"] * 2
    fewer = TextClassifier(threads=1).fit(texts, labels)
    weighted = TextClassifier(threads=1).fit(texts + more, labels + [["cat"]] * 4, [1] * 15 + [0] * 4)
    assert weighted.vocabulary_ == fewer.vocabulary_
    for ours, theirs in zip(weighted.predict_topk(texts, 2), fewer.predict_topk(texts, 2), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("smallest", [1e-9, 1e9 / 2])
def test_small_and_large_weights_are_fitted(smallest: float) -> None:
    X, Y = topics(100)
    weights = smallest * np.linspace(1, 2, 100)
    assert np.isfinite(SparseTargetClassifier(threads=1).fit(X, Y, weights).predict_topk(X, 3)[1]).all()


def test_bad_weights_are_named() -> None:
    X, Y = topics(30)
    unlabelled = sp.csr_array(sp.diags_array(1.0 * (np.arange(30) > 0)) @ Y)
    bad = {
        r"sample_weight must be finite and at least 0, not -1\.0 \(at 29\)": (Y, {"sample_weight": [1] * 29 + [-1]}),
        r"sample_weight must be finite and at least 0, not nan \(at 0\)": (Y, {"sample_weight": [np.nan] * 30}),
        r"sample_weight\.shape == \(2,\), expected \(30,\)": (Y, {"sample_weight": [1, 2]}),
        "sample_weight is zero for every row with a label": (unlabelled, {"sample_weight": np.arange(30) == 0}),
        r"sample_weight must be 0 or between 1e-09 and 1e\+09, not 1e-30": (Y, {"sample_weight": np.full(30, 1e-30)}),
        r"must be 0 or between 1e-09 and 1e\+09, not 1e\+300 \(at 29\)": (Y, {"sample_weight": [1] * 29 + [1e300]}),
        "label_weight must be positive": (Y, {"label_weight": np.arange(30)}),
    }
    for message, (labels, weights) in bad.items():
        with pytest.raises(InputError, match=message):
            SparseTargetClassifier(threads=1).fit(X, labels, **weights)
