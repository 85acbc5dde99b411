"""The regressor: scikit-learn's conventions, and its weights against dense normal equations in float64."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

from sklearn.utils.estimator_checks import parametrize_with_checks

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.labels.regressor import SparseTargetRegressor

# Why scikit-learn's conventions are not kept there.
EXCEPTIONS = {
    "check_regressors_no_decision_function": "it gives chosen outputs of very many, as the classifier's does",
    "check_sample_weight_equivalence_on_dense_data": "numbers are float32: they agree to 1e-5, not to 1e-7",
    "check_sample_weight_equivalence_on_sparse_data": "numbers are float32: they agree to 1e-5, not to 1e-7",
}


@parametrize_with_checks([SparseTargetRegressor(threads=1)], expected_failed_checks=lambda estimator: EXCEPTIONS)
def test_scikit_learns_checks(estimator: SparseTargetRegressor, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def problem(rows: int = 90, outputs: int = 40) -> tuple[np.ndarray, sp.csr_array]:
    random = np.random.default_rng(1)
    X = random.standard_normal((rows, 6)).astype(np.float32)
    Y = sp.random_array((rows, outputs), density=0.1, rng=random, format="csr", data_sampler=random.standard_normal)
    return X, Y


def oracle(X: np.ndarray, Y: np.ndarray, known: np.ndarray, weights: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Each output's own normal equations, (D, d)."""
    H = np.hstack([X, np.ones((X.shape[0], 1))]).astype(np.float64)
    rows = []
    for c in range(Y.shape[1]):
        w = weights * known[:, c]
        rows.append(np.linalg.solve((H * w[:, None]).T @ H + ridge * np.eye(7), (H * w[:, None]).T @ Y[:, c]))
    return np.array(rows)


def predictions(W: np.ndarray, X: np.ndarray) -> np.ndarray:
    return np.hstack([X, np.ones((X.shape[0], 1))]) @ W.T


@pytest.mark.parametrize("batches", [[90], [1] * 5 + [85], [30, 30, 30], [7, 50, 33]])
def test_closed_form_and_recursive_least_squares_agree(batches: list[int]) -> None:
    X, Y = problem()
    weights = np.random.default_rng(2).random(90) * 3
    weights[40] = 0
    expected = predictions(oracle(X, Y.toarray(), np.ones(Y.shape), weights), X)
    at_once = SparseTargetRegressor(threads=1).fit(X, Y, weights).decision_function(X)
    online, start = SparseTargetRegressor(threads=1), 0
    for rows in batches:
        part = slice(start, start + rows)
        online.partial_fit(sp.csr_array(X[part]), Y[part], weights[part])
        start += rows
    size = np.abs(expected).max()
    np.testing.assert_allclose(at_once, expected, atol=1e-4 * size)
    np.testing.assert_allclose(online.decision_function(X), expected, atol=1e-4 * size)


def test_missing_targets_are_no_zeros() -> None:
    X, Y = problem()
    random = np.random.default_rng(3)
    stored = Y.copy()
    stored.data[random.random(Y.nnz) < 0.3] = np.nan
    known = ~np.isnan(stored.toarray())
    expected = predictions(oracle(X, np.nan_to_num(stored.toarray()), known, np.ones(90)), X)
    at_once = SparseTargetRegressor(threads=1).fit(X, stored)
    online = SparseTargetRegressor(threads=1).partial_fit(X[:50], stored[:50]).partial_fit(X[50:], stored[50:])
    for fitted in (at_once, online):
        np.testing.assert_allclose(fitted.decision_function(X), expected, atol=1e-4 * np.abs(expected).max())
    zeros = SparseTargetRegressor(threads=1).fit(X, np.nan_to_num(stored.toarray())).predict(X)
    assert np.abs(zeros - expected).max() > 1e-2
    truth = np.where(known, np.nan_to_num(stored.toarray()), 0)
    mean = truth.sum(0) / known.sum(0)
    r2 = 1 - ((truth - expected) ** 2 * known).sum() / ((truth - mean) ** 2 * known).sum()
    assert at_once.score(X, stored) == pytest.approx(r2, rel=1e-3)


def test_sparse_targets_get_sparse_predictions() -> None:
    X, Y = problem(outputs=3000)
    fitted = ws.SparseTargetRegressor(threads=1, n_predicted=5).fit(X, Y)
    every = fitted.decision_function(X)
    predicted = fitted.predict(X)
    assert isinstance(predicted, sp.csr_array)
    assert (np.diff(predicted.indptr) == 5).all()
    row, column = predicted.nonzero()
    np.testing.assert_allclose(predicted.data, every[row, column], rtol=1e-5)
    np.testing.assert_allclose(
        np.sort(np.abs(predicted.data.reshape(90, 5)), 1), np.sort(np.abs(every), 1)[:, -5:], rtol=1e-5
    )
    columns, outputs = fitted.predict_topk(X, 3)
    np.testing.assert_allclose(outputs, -np.sort(-every, 1)[:, :3], rtol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, columns, 1), outputs, rtol=1e-5)


def test_saved_regressors_go_on(tmp_path: Path) -> None:
    X, Y = problem()
    Y.data[::7] = np.nan
    fitted = SparseTargetRegressor(threads=1, alpha=2.0).partial_fit(X[:40], Y[:40])
    fitted.save(tmp_path / "model")
    loaded = SparseTargetRegressor.load(tmp_path / "model")
    for each in (fitted, loaded):
        each.partial_fit(X[40:], Y[40:])
    np.testing.assert_allclose(loaded.decision_function(X), fitted.decision_function(X), rtol=1e-4, atol=1e-6)
    assert loaded.get_params() == fitted.get_params()
    with pytest.raises(InputError, match="holds a 'SparseTargetRegressor', not a SparseTargetClassifier"):
        ws.SparseTargetClassifier.load(tmp_path / "model")


def test_bad_input_is_named() -> None:
    X, Y = problem()
    infinite = Y.copy()
    infinite.data[2] = np.inf
    with pytest.raises(InputError, match="Y holds a value that is not a finite float32 number, first in row"):
        SparseTargetRegressor().fit(X, infinite)
    with pytest.raises(InputError, match="ridge must be"):
        SparseTargetRegressor(alpha=0.0).fit(X, Y)
    fitted = SparseTargetRegressor(threads=1).partial_fit(X, Y)
    with pytest.raises(InputError, match="y has 39 outputs, but the rows before had 40"):
        fitted.partial_fit(X, Y[:, :39])
