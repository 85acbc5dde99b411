"""Ranking the best labels of a row again: machines, votes and log-odds against dense computations."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from support.labels import topics

from wordsparse.errors import InputError
from wordsparse.labels import neighbours, ranking, reranking, specialists
from wordsparse.labels.classification import prepared
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.neighbours import Neighbours
from wordsparse.labels.tuning import Ranked

NEW = topics(50, seed=5)


@pytest.fixture(scope="module")
def reranked() -> SparseTargetClassifier:
    return SparseTargetClassifier(rerank=True, threads=1).fit(*topics(1500))


def test_votes_are_cosines_of_uncommon_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "COMMON", 30)
    monkeypatch.setattr(neighbours, "NEIGHBOURS", 4)
    X, Y = topics(120)
    X = sp.csr_array(sp.hstack([X, np.ones((120, 1), np.float32)], format="csr"))
    weights = np.linspace(0.5, 2, 120)
    votes = Neighbours.of(X, Y, weights).votes(X, np.arange(120)).toarray()
    dense = X.toarray()[:, :-1]
    dense = dense * ((dense > 0).sum(0) <= 30)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-30)
    cosines = dense @ dense.T
    np.fill_diagonal(cosines, 0)
    for row in range(120):
        nearest = np.argsort(-cosines[row])[:4]
        expected = (cosines[row, nearest] ** 4 * weights[nearest]) @ Y.toarray()[nearest]
        if cosines[row, nearest[-1]] > np.sort(cosines[row])[-5] + 1e-6:  # no tie for the last place
            np.testing.assert_allclose(votes[row], expected, atol=1e-5)


def test_machines_separate_hard_rows(reranked: SparseTargetClassifier) -> None:
    machines = reranked._fitted.reranker.opinions.specialists
    X, Y = topics(1500)
    rows = prepared(X, reranked._fitted.length)
    every = np.broadcast_to(np.arange(30), (1500, 30))
    outputs = machines.outputs(rows, every)
    assert (np.isnan(outputs) == ~np.isin(every, machines.labels)).all()
    np.testing.assert_allclose(outputs[:, machines.labels], (rows @ machines.W).toarray(), rtol=1e-5)
    truth = Y.toarray()[:, machines.labels]
    assert outputs[:, machines.labels][truth > 0].mean() > 0.5 > 0 > outputs[:, machines.labels][truth == 0].mean()


def test_every_method_gives_the_new_log_odds(reranked: SparseTargetClassifier) -> None:
    labels, probabilities = reranked.predict_topk(NEW[0], 30)
    every = reranked.predict_proba(NEW[0])
    np.testing.assert_allclose(np.take_along_axis(every, labels, 1), probabilities, rtol=1e-2, atol=1e-5)
    assert (np.diff(probabilities) <= 0).all()
    assert (reranked.predict(NEW[0]).toarray() == (every >= 0.5)).all()


def test_the_log_odds_are_a_sum_of_features(reranked: SparseTargetClassifier) -> None:
    fitted = reranked._fitted
    X, labels = prepared(NEW[0], fitted.length), np.broadcast_to(np.arange(30), (50, 30))
    z = np.random.default_rng(1).normal(size=(50, 30)).astype(np.float32)
    features = np.stack(list(fitted.reranker.opinions.features(X, labels, z)), -1).astype(np.float64)
    assert features.shape == (50, 30, 22)
    expected = features @ fitted.reranker.weights + fitted.reranker.constant
    np.testing.assert_allclose(fitted.reranker.logits(X, labels, z), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_saved_reranking_answers_alike(reranked: SparseTargetClassifier, tmp_path: Path, threads: int) -> None:
    again = SparseTargetClassifier(rerank=True, threads=threads).fit(*topics(1500))
    again.save(tmp_path / "model")
    other = SparseTargetClassifier.load(tmp_path / "model")
    for ours, theirs in zip(other.predict_topk(NEW[0], 3), reranked.predict_topk(NEW[0], 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("gain", "features"), [((1, 2), 4), ((2, 1), 22), ((-np.inf, -np.inf), 0)])
def test_the_better_features_are_kept(
    monkeypatch: pytest.MonkeyPatch, gain: tuple[float, float], features: int
) -> None:
    gains = iter(gain)
    monkeypatch.setattr(reranking, "_gain", lambda *_: next(gains))
    reranker = SparseTargetClassifier(threads=1).fit(*topics(1500))._fitted.reranker
    assert (0 if reranker is None else reranker.weights.size) == features


def test_a_gain_is_significant_and_fair() -> None:
    """A ranking that is better for most rows is a gain, and one that is better for a single row is none."""
    random = np.random.default_rng(1)
    labels = np.broadcast_to(np.arange(30), (200, 30))
    truth = (random.random((200, 30)) < 0.1).astype(float)
    noise = random.normal(size=(200, 30))

    class Problem:
        Y, counts, weights = sp.csr_array(truth), truth.sum(0) + 1, np.ones(200)

    def ranked(scores: np.ndarray) -> Ranked:
        return Ranked(labels, scores, np.ones((200, 30)), truth)

    before, held = ranked(noise), np.arange(200)
    assert reranking._gain(before, ranked(noise + truth), Problem, held) > 0.1
    one = noise.copy()
    one[0] += 9 * truth[0]
    assert reranking._gain(before, ranked(one), Problem, held) == -np.inf


def test_rows_with_many_labels_are_not_given_machines() -> None:
    X, Y = topics(1200)
    many = sp.csr_array((Y.toarray() + np.roll(Y.toarray(), 1, 1) + (np.arange(30) % 3 == 0) > 0).astype(np.float32))
    reranker = SparseTargetClassifier(threads=1).fit(X, many)._fitted.reranker
    assert reranker is None or not reranker.opinions.are_more


def test_too_few_rows_are_named() -> None:
    with pytest.raises(InputError, match=r"rerank=True needs at least 1,000 rows, not 400: leave rerank out"):
        SparseTargetClassifier(rerank=True).fit(*topics(400))
    with pytest.raises(InputError, match="rerank must be True, False or 'auto', not 'yes'"):
        SparseTargetClassifier(rerank="yes").fit(*topics(40))


def test_a_label_that_no_row_has_is_never_predicted(reranked: SparseTargetClassifier) -> None:
    X, Y = topics(1500)
    wider = sp.csr_array(sp.hstack([Y, sp.csr_array((1500, 2), dtype=np.float32)], format="csr"))
    labels, _ = SparseTargetClassifier(rerank=True, threads=1).fit(X, wider).predict_topk(NEW[0], 5)
    assert labels.max() < 30
    assert ranking.is_true(NEW[1], labels)[:, 0].mean() > 0.7
    assert specialists.no_specialists(3).outputs(sp.csr_array((2, 3)), np.zeros((2, 1), int)).shape == (2, 1)


@pytest.mark.parametrize("rerank", ["auto", True])
def test_a_label_that_all_rows_have_needs_no_ranking(rerank: bool | str) -> None:
    X, _ = topics(1200)
    ones = sp.csr_array(np.ones((1200, 1), np.float32))
    classifier = SparseTargetClassifier(rerank=rerank, threads=1).fit(X, ones)
    assert not classifier.reranked_
    assert (classifier.predict_topk(X, 1)[0] == 0).all()
