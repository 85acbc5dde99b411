"""The classifier with a learnt embedding, and with hidden units: answers, files, progress and bad requests."""

from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import wordsparse as ws
from wordsparse import optional
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import CpuKernels
from wordsparse.labels import FitProgress, SparseTargetClassifier, bag, network
from wordsparse.layer import divergence


@parametrize_with_checks([SparseTargetClassifier(embedding=8, threads=1)])
def test_scikit_learns_checks(estimator: SparseTargetClassifier, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def topics(rows: int, seed: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Rows of three words of one of ten topics, each with the topic's label and sometimes a second one."""
    random = np.random.default_rng(seed)
    topic = random.integers(0, 10, rows)
    words, labels = np.zeros((rows, 60), np.float32), np.zeros((rows, 20), np.float32)
    np.put_along_axis(words, topic[:, None] * 6 + random.integers(0, 6, (rows, 3)), 1, 1)
    labels[np.arange(rows), topic] = 1
    labels[np.arange(rows), topic + 10] = random.random(rows) < 0.3
    return sp.csr_array(words), sp.csr_array(labels)


@pytest.fixture(scope="module", params=[None, 6] if optional.installed("torch") else [None])
def fitted(request: pytest.FixtureRequest) -> SparseTargetClassifier:
    return SparseTargetClassifier(embedding=12, hidden=request.param, threads=1).fit(*topics(3000, 1))


def test_labels_are_found_and_probabilities_add_up_to_their_number(fitted: SparseTargetClassifier) -> None:
    X, Y = topics(500, 2)
    assert fitted.score(X, Y) > 0.95
    assert fitted.predict_proba(X).mean() == pytest.approx(Y.toarray().mean(), rel=0.1)


def test_answers_agree_with_each_other(fitted: SparseTargetClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = topics(30, 3)
    labels, probabilities = fitted.predict_topk(X, 4)
    every = fitted.predict_proba(X)
    assert (np.argsort(-every, 1, kind="stable")[:, :4] == labels).all()
    np.testing.assert_allclose(np.take_along_axis(every, labels, 1), probabilities, rtol=1e-4)
    np.testing.assert_allclose(fitted.decision_function(X, [3, 1]), fitted.decision_function(X)[:, [3, 1]], rtol=1e-4)
    assert (fitted.predict(X).toarray() == (every >= 0.5)).all()
    monkeypatch.setattr(network, "BLOCK_OUTPUTS", 7 * 20)
    np.testing.assert_array_equal(fitted.predict_topk(X, 4)[0], labels)


def test_saved_and_pickled_classifiers_answer_alike(fitted: SparseTargetClassifier, tmp_path: Path) -> None:
    X, _ = topics(20, 3)
    fitted.save(tmp_path / "model")
    joblib.dump(fitted, tmp_path / "model.joblib")
    for other in (SparseTargetClassifier.load(tmp_path / "model"), joblib.load(tmp_path / "model.joblib")):
        for ours, theirs in zip(other.predict_topk(X, 3), fitted.predict_topk(X, 3), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert (other.power_, other.get_params()) == (fitted.power_, fitted.get_params())
        assert other.n_features_in_ == 60
        assert not hasattr(other, "ridge_")


def test_a_seed_and_any_number_of_threads_give_the_same_bytes() -> None:
    X, Y = topics(400, 1)
    one, other = (SparseTargetClassifier(embedding=6, threads=threads).fit(X, Y) for threads in (1, 2))
    np.testing.assert_array_equal(one.decision_function(X), other.decision_function(X))


def test_the_output_step_is_one_on_the_dense_layer() -> None:
    """The first minibatch: W after it is −η/N (∂L/∂W) Π, with the gradient of a dense layer."""
    X, Y = topics(50, 1)
    counts = np.bincount(Y.indices, minlength=20)
    training = bag._Training(X, Y, counts, 4, 0, 0, CpuKernels(1))
    H = np.column_stack([X @ training.E, np.ones(50)])
    pi = np.sqrt(np.where(counts > 0, counts, bag.UNSEEN))
    root = np.sqrt(pi / pi.sum())
    training._step(X, Y, 1.0, moves=False)
    # o = 0: softplus'(−0) = −½ at each target; the bound adds k K_j (½ π, by q nothing).
    k, targets = bag.LOSS.negatives, Y.toarray()
    by_o = -0.5 * targets + 0.5 * k * targets.sum(1, keepdims=True) * root**2
    alpha = k * targets.sum(1) * np.tanh(3) / 24
    C = 2 * (H * alpha[:, None]).T @ H / 50
    Pi = np.linalg.inv(C + np.eye(5) * 2 * np.trace(C) / 5)
    eta = min(1 / 60, 1 / np.vdot(Pi, C))
    expected = -eta / 50 * (by_o.T @ H) @ Pi / root[:, None] ** 2
    np.testing.assert_allclose(training.layer.weights(), expected, rtol=1e-3, atol=1e-6)


def test_minibatches_of_rows_without_labels_teach_nothing() -> None:
    """Where the first one was such, its curvature 0 was inverted, and the fit was refused."""
    X, Y = topics(60, 1)
    few = sp.csr_array(Y.toarray() * (np.arange(60) % 10 == 0)[:, None])
    fitted = SparseTargetClassifier(embedding=4, threads=1).fit(X, few)
    assert np.isfinite(fitted.decision_function(X)).all()


def test_labels_that_no_row_has_change_nothing_of_the_others() -> None:
    X, Y = topics(1000, 1)
    wide = sp.csr_array((Y.data, Y.indices, Y.indptr), shape=(1000, 20_000))
    narrow, fitted = (SparseTargetClassifier(embedding=12, threads=1).fit(X, each) for each in (Y, wide))
    new, _ = topics(100, 2)
    labels, _ = fitted.predict_topk(new, 3)
    assert labels.max() < 20
    np.testing.assert_array_equal(labels[:, 0], narrow.predict_topk(new, 1)[0][:, 0])
    np.testing.assert_allclose(fitted._fitted.W[:20], narrow._fitted.W, atol=0.02)


def test_pytorch_is_held_to_the_threads_of_the_fit() -> None:
    torch = pytest.importorskip("torch", reason="hidden units need PyTorch")
    before, seen = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        classifier = SparseTargetClassifier(embedding=4, hidden=3, threads=1)
        classifier.fit(*topics(200, 1), progress=lambda _: seen.add(torch.get_num_threads()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert 1 in seen


def test_progress_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    X, Y = topics(1200, 1)
    told: list[FitProgress] = []
    SparseTargetClassifier(embedding=4, threads=1).fit(X, Y, progress=told.append)
    epochs = [each for each in told if each.phase == "epochs"]
    assert epochs[-1].done == epochs[-1].total == 5 * 1080
    assert all(each.loss is not None and each.loss > 0 for each in epochs)
    told.clear()
    SparseTargetClassifier(threads=1).fit(X, Y, progress=told.append)
    assert list(dict.fromkeys(each.phase for each in told)) == ["ridge", "regression", "calibration", "head"]
    told.clear()
    ws.SparseTargetRegressor(threads=1).fit(X, Y, progress=told.append).partial_fit(X, Y, progress=told.append)
    assert [(each.phase, each.done, each.total) for each in told] == [("rows", 1200, 1200)] * 2
    told.clear()
    ws.SparseTargetRecommender(factors=5, threads=1).fit(Y, progress=told.append)
    assert [each.phase for each in told] == ["basis", "regression"]

    def stop(progress: FitProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SparseTargetClassifier(embedding=4, threads=1).fit(X, Y, progress=stop)
    assert capsys.readouterr() == ("", "")


def test_training_that_diverges_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence, "LIMIT", 1e-9)
    classifier = SparseTargetClassifier(embedding=4, threads=1)
    with pytest.raises(TrainingError, match="training diverges"):
        classifier.fit(*topics(400, 1))
    with pytest.raises(NotFittedError):
        classifier.predict(topics(4, 1)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding": 0}, "embedding must be at least 1"),
        ({"hidden": 4}, "hidden units need an embedding"),
        ({"embedding": 4, "hidden": -1}, "hidden must be at least 1"),
    ],
)
def test_requests_that_cannot_be_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SparseTargetClassifier(**options).fit(*topics(30, 1))


def test_progress_must_be_a_function() -> None:
    with pytest.raises(InputError, match="progress must be a function of a FitProgress, or None, not int"):
        SparseTargetClassifier().fit(*topics(30, 1), progress=3)  # type: ignore[arg-type]
