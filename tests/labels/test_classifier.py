"""The classifier: scikit-learn's conventions, predictions against dense computations, files, and bad input."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.arrays import with_value
from support.labels import topics

from wordsparse.kernels import CpuKernels
from wordsparse.labels import classification, ranking, scoring, tuning
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.logistic import Calibration

COPIES = "a weight is a number of copies for outputs with the same λ alone: leave-one-out leaves copies in"
SAMPLE_WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)


@parametrize_with_checks(
    [SparseTargetClassifier(threads=1)], expected_failed_checks=lambda _: dict.fromkeys(SAMPLE_WEIGHTS, COPIES)
)
def test_scikit_learns_checks(estimator: SparseTargetClassifier, check: object) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> SparseTargetClassifier:
    return SparseTargetClassifier(threads=1).fit(*topics())


def test_methods_of_prediction_agree(fitted: SparseTargetClassifier) -> None:
    X, _ = topics(20, seed=3)
    labels, probabilities = fitted.predict_topk(X, 4)
    every = fitted.predict_proba(X)
    assert every.shape == (20, 30)
    assert (np.argsort(-every, 1, kind="stable")[:, :4] == labels).all()
    # Outputs of chosen labels are summed in float64; outputs of all frequent labels are summed in float32.
    np.testing.assert_allclose(np.take_along_axis(every, labels, 1), probabilities, rtol=1e-4)
    columns = [3, 1, 29]
    np.testing.assert_allclose(fitted.decision_function(X, columns), fitted.decision_function(X)[:, columns], rtol=1e-4)
    predicted = fitted.predict(X)
    assert isinstance(predicted, sp.csr_array)
    assert (predicted.toarray() == (every >= 0.5)).all()


@pytest.mark.parametrize("classes", [2, 30])
def test_probabilities_of_classes_sum_to_one_in_every_method(classes: int) -> None:
    X, Y = topics(1200)
    y = Y.toarray().argmax(1) % classes
    classifier = SparseTargetClassifier(threads=1).fit(X[:1100], y[:1100])
    new, count = X[1100:], len(classifier.classes_)
    every, (columns, probabilities) = classifier.predict_proba(new), classifier.predict_topk(new, classes)
    np.testing.assert_allclose(every.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, columns, 1), probabilities, rtol=1e-3, atol=1e-6)
    assert (classifier.predict(new) == classifier.classes_[columns[:, 0]]).all()
    decision = classifier.decision_function(new, range(count))
    np.testing.assert_allclose(1 / (1 + np.exp(-decision)), every, rtol=1e-4)
    np.testing.assert_array_equal(classifier.predict_proba(new, [1, 0, 1]), every[:, [1, 0, 1]])
    assert [part[0].probability for part in classifier.explain(new)] == probabilities[:, 0].tolist()


def test_probabilities_are_calibrated(fitted: SparseTargetClassifier) -> None:
    X, Y = topics(2000, seed=4)
    labels, probabilities = fitted.predict_topk(X, 5)
    truth = ranking.is_true(Y, labels)
    assert probabilities.mean() == pytest.approx(truth.mean(), abs=0.05)
    sure = probabilities > 0.8
    assert truth[sure].mean() > 0.75


def test_most_labels_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rare labels that share an uncommon feature with a row are found, and ranked in the order of dense outputs."""
    monkeypatch.setattr(scoring, "FREQUENT", 4)
    X, Y = topics()
    few = SparseTargetClassifier(threads=1).fit(X, Y)
    new, _ = topics(50, seed=5)
    labels, probabilities = few.predict_topk(new, 3)
    every = few.predict_proba(new)
    assert (np.argsort(-every, 1, kind="stable")[:, 0] == labels[:, 0]).mean() > 0.95
    np.testing.assert_allclose(np.take_along_axis(every, labels, 1), probabilities, rtol=1e-4)
    assert [part.shape for part in few.predict_topk(0 * new, 30)] == 2 * [(50, 30)]  # k columns even for empty rows
    np.testing.assert_array_equal(few.decision_function(new, [2]), few.decision_function(new, [1, 2, 3])[:, 1:2])


def test_of_equal_scores_the_first_labels_are_best() -> None:
    scores = np.random.default_rng(1).integers(0, 30, (50, 1300)).astype(np.float32)
    for k in (1, 40, 600, 1300):
        assert (scoring.best(scores, k) == np.argsort(-scores, axis=1, kind="stable")[:, :k]).all()


@pytest.mark.parametrize("dim", [5, 200])
def test_the_regression_is_its_formula(dim: int) -> None:
    X, Y = topics(60)
    X = classification.prepared(X, 1.0)
    problem = tuning.RidgeProblem(X, Y, np.ones(60), dim, 0, CpuKernels(1))
    spectrum, dense = problem.spectrum, X.toarray().astype(np.float64)
    M = (spectrum.V * spectrum.S2) @ spectrum.V.T + np.diag(3 * spectrum.rest + 0.7)
    expected = dense @ np.linalg.solve(M, dense.T @ Y.toarray())
    scorer = problem.solve(0.7, 30)
    np.testing.assert_allclose(scorer.outputs(X, np.arange(30)), expected, atol=2e-4)
    if dim == 200:  # more dimensions than features: plain ridge regression
        ridge = dense @ np.linalg.solve(dense.T @ dense + 0.7 * np.eye(91), dense.T @ Y.toarray())
        np.testing.assert_allclose(expected, ridge, atol=2e-3)


@pytest.mark.parametrize(("features", "dim", "smallest"), [(40, 41, 1.0), (900, 300, 0.03)])
def test_the_regression_is_exact_with_as_many_dimensions_as_features_or_rows(
    features: int, dim: int, smallest: float
) -> None:
    """Previously, the products of a square random matrix sometimes missed a dimension."""
    random = np.random.default_rng(1)
    for _ in range(60):
        rows = int(random.integers(20, 80))
        X = (random.standard_normal((rows, features)) * np.geomspace(smallest, 1, rows)[:, None]).astype(np.float32)
        X, Y = classification.prepared(sp.csr_array(X), features**0.5 / 6), random.random((rows, 3)) < 0.3
        problem = tuning.RidgeProblem(X, sp.csr_array(Y.astype(np.float32)), np.ones(rows), dim, 0, CpuKernels(1))
        dense = X.toarray().astype(np.float64)
        ridge = dense @ dense.T @ np.linalg.solve(dense @ dense.T + np.eye(rows), Y)
        np.testing.assert_allclose(problem.solve(1.0, 3).outputs(X, np.arange(3)), ridge, atol=2e-4)


def test_leaving_a_row_out_is_fitting_without_it() -> None:
    X, Y = topics(60)
    X = classification.prepared(X, 1.0)
    problem = tuning.RidgeProblem(X, Y, np.ones(60), 200, 0, CpuKernels(1))
    left = tuning.leave_out(problem.solve(0.7, 30), problem, np.arange(60))
    dense, labels = X.toarray().astype(np.float64), Y.toarray().astype(np.float64)
    for i in (0, 17, 59):
        others = np.delete(np.arange(60), i)
        A = dense[others].T @ dense[others] + 0.7 * np.eye(91)
        refitted = dense[i] @ np.linalg.solve(A, dense[others].T @ labels[others])
        np.testing.assert_allclose(left.outputs[i], refitted[left.labels[i]], atol=1e-3)


def test_a_saved_classifier_answers_alike(fitted: SparseTargetClassifier, tmp_path: Path) -> None:
    X, _ = topics(20, seed=3)
    fitted.save(tmp_path / "model")
    other = SparseTargetClassifier.load(tmp_path / "model")
    for ours, theirs in zip(other.predict_topk(X, 3), fitted.predict_topk(X, 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (other.power_, other.get_params()) == (fitted.power_, fitted.get_params())


def test_bad_input_is_named() -> None:
    X, Y = topics(30)
    row, column = (int(part[5]) for part in X.nonzero())
    bad = {
        f"X holds a value that is not a finite float32 number, first in row {row}, column {column}": (
            with_value(X, np.nan, 5),
            Y,
        ),
        "Y holds a value that is not a finite float32 number, first in row 0": (X, with_value(Y, np.inf, 0)),
        "Y must hold zeros and ones, not 2.0 .row 0, column": (X, with_value(Y, 2, 0)),
        "Y has no labels": (X, sp.csr_array((30, 5))),
    }
    dense = X.toarray().astype(np.float64)
    dense[7, 3] = 1e200
    bad["X contains infinity"] = (dense, Y)
    bad["y contains NaN"] = (X, np.where(np.arange(30) == 4, np.nan, 1))
    for message, (features, labels) in bad.items():
        with pytest.raises(ValueError, match=message):  # InputError is a ValueError
            SparseTargetClassifier(threads=1).fit(features, labels)


@pytest.mark.parametrize("length", [1e-9, 1e9])
def test_predictions_do_not_depend_on_the_scale_of_rows(length: float) -> None:
    """The squares of rows with large norms must not overflow float32."""
    X, Y = topics(100)
    rows = X * np.float32(length)
    plain = SparseTargetClassifier(threads=1).fit(X, Y).predict_topk(X, 1)[0]
    assert (SparseTargetClassifier(threads=1).fit(rows, Y).predict_topk(rows, 1)[0] == plain).mean() > 0.95


def test_rows_without_features_or_labels_are_kept() -> None:
    X, Y = topics(60)
    keep = np.ones(60)
    keep[3] = 0
    X, Y = sp.csr_array(sp.diags_array(keep) @ X), sp.csr_array(sp.diags_array(np.roll(keep, 5)) @ Y)
    labels, probabilities = SparseTargetClassifier(threads=1).fit(X, Y).predict_topk(X, 2)
    assert (labels >= 0).all()
    assert np.isfinite(probabilities).all()


def test_the_head_has_not_seen_the_labels_of_held_rows() -> None:
    X, Y = topics(1200)
    held = np.arange(0, 1200, 12)
    other = Y.toarray()
    other[held] = other[np.roll(held, 1)]
    logits = []
    for labels in (Y, sp.csr_array(other)):
        problem = tuning.RidgeProblem(classification.prepared(X, 1.0), labels, np.ones(1200), 200, 0, CpuKernels(1))
        scorer = problem.solve(1.0, 30)
        ranked = tuning.leave_out(scorer, problem, held).ranked(Calibration())
        ranked = replace(ranked, truth=0 * ranked.truth)  # so that the head is better
        logits.append(classification._head(problem, scorer, held, ranked)[0].W)
    assert logits[0].size
    np.testing.assert_array_equal(*logits)


@pytest.mark.parametrize("better", [True, False])
def test_logistic_regressions_are_used_where_they_are_better(monkeypatch: pytest.MonkeyPatch, better: bool) -> None:
    X, Y = topics(1500)

    def scores(ranked: tuning.Ranked, Y: sp.csr_array) -> np.ndarray:
        with_head = ranked.labels.shape[1] > tuning.DEPTH
        return np.full(Y.shape[0], float(with_head == better))

    monkeypatch.setattr(classification, "HEAD_LABELS", 20)
    monkeypatch.setattr(tuning, "SAMPLE", 300)
    monkeypatch.setattr(tuning.Ranked, "ndcg", scores)
    forced = SparseTargetClassifier(rerank=False, threads=1).fit(X, Y)
    counts, size = forced.label_counts_, 20 if better else 0
    assert (np.sort(counts[forced._fitted.head.labels]) == np.sort(counts)[30 - size :]).all()
    new, truth = topics(300, seed=7)
    assert forced.score(new, truth) > 0.7
    np.testing.assert_allclose(forced.predict_topk(new, 1)[1][:, 0], forced.predict_proba(new).max(1), rtol=1e-4)


def test_a_seed_and_any_number_of_threads_give_the_same_bytes() -> None:
    X, Y = topics()
    one, two = (SparseTargetClassifier(threads=n).fit(X, Y).predict_topk(X, 3)[1] for n in (1, 2))
    assert one.tobytes() == two.tobytes()
