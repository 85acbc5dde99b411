"""The recommender against its formula in float64, EASE's zero diagonal, and implicit's conventions."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.labels.recommender import SparseTargetRecommender


def tastes(users: int = 300, seed: int = 1) -> sp.csr_array:
    """Users who like one of six kinds of five items, and have three of its items and one other."""
    random = np.random.default_rng(seed)
    X = np.zeros((users, 30), np.float32)
    for i in range(users):
        X[i, random.integers(0, 6) * 5 + random.choice(5, 3, replace=False)] = 1
        X[i, random.integers(0, 30)] = 2
    return sp.csr_array(X)


@pytest.fixture(scope="module")
def fitted() -> SparseTargetRecommender:
    return ws.SparseTargetRecommender(threads=1).fit(tastes())


def test_scores_are_their_formula(fitted: SparseTargetRecommender) -> None:
    X = (tastes().toarray() > 0).astype(np.float64)
    n = X.sum(0)
    scaled = X * X.sum(1, keepdims=True) ** -0.3 * n**-0.3
    inverse = np.linalg.inv(scaled.T @ scaled + 3 * np.eye(30))
    B = -inverse / inverse.diagonal()
    np.fill_diagonal(B, 0)
    expected = scaled @ B  # all of the rank, so that nothing is left for the diagonal
    ids, scores = fitted.recommend(np.arange(300), tastes(), N=30, filter_already_liked_items=False)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, ids, 1), rtol=2e-3, atol=1e-4)


def test_a_low_rank_has_a_diagonal_for_what_it_leaves_out() -> None:
    fitted = ws.SparseTargetRecommender(threads=1, factors=4).fit(tastes())
    X = (tastes().toarray() > 0).astype(np.float64)
    scaled = X * X.sum(1, keepdims=True) ** -0.3 * X.sum(0) ** -0.3
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    M = (vectors[:, -4:] * values[-4:]) @ vectors[:, -4:].T
    inverse = np.linalg.inv(M + np.diag(2 * (scaled.T @ scaled - M).diagonal() + 3))
    B = -inverse / inverse.diagonal()
    np.fill_diagonal(B, 0)
    ids, scores = fitted.recommend(np.arange(300), tastes(), N=30, filter_already_liked_items=False)
    assert np.corrcoef(scores.ravel(), np.take_along_axis(scaled @ B, ids, 1).ravel())[0, 1] > 0.99


def test_users_get_the_rest_of_what_they_like(fitted: SparseTargetRecommender) -> None:
    X = sp.csr_array(np.eye(30, dtype=np.float32)[[0, 1, 12]].sum(0, keepdims=True))
    liked = np.zeros((1, 30), np.float32)
    liked[0, [5, 6, 7]] = 1
    ids, _ = fitted.recommend(7, sp.csr_array(liked), N=2)
    assert set(ids.tolist()) == {8, 9}
    ids, scores = fitted.recommend([7], X, N=30)
    assert ids.shape == (1, 30)
    assert (ids[0, 27:] == -1).all()
    assert not set(ids[0, :27].tolist()) & {0, 1, 12}
    assert (np.diff(scores[0]) <= 0).all()
    ids, _ = fitted.recommend(0, sp.csr_array(liked), N=2, items=[8, 3, 4], filter_items=[8])
    assert set(ids.tolist()) == {3, 4}


def test_an_items_score_is_explained_by_the_users_items(fitted: SparseTargetRecommender) -> None:
    X = tastes(3)[[1]]
    ids, scores = fitted.recommend(0, X, N=30)
    score, causes, parts = fitted.explain(X, ids[0])
    assert score == pytest.approx(scores[0], rel=1e-4)
    assert score == pytest.approx(parts.sum(), rel=1e-4)
    assert set(causes.tolist()) == set(X.indices.tolist())
    assert causes[0] // 5 == ids[0] // 5, "an item of the same kind"
    assert len(fitted.explain(X, ids[0], N=1)[1]) == 1


def test_items_that_were_held_out_are_found(fitted: SparseTargetRecommender) -> None:
    random, whole = np.random.default_rng(5), tastes(200, 7)
    held = random.random(whole.nnz) < 0.25
    known, out = whole.copy(), whole.copy()
    known.data, out.data = np.where(held, 0, whole.data), np.where(held, whole.data, 0)
    scores = fitted.evaluate(known, out, (1, 5))
    assert scores["ndcg"][5] > 0.5
    assert scores["examples"] == np.count_nonzero(np.asarray(out.sum(1)))
    with pytest.raises(InputError, match="held_out holds no items"):
        fitted.evaluate(known, 0 * out)


def test_similar_items_are_of_a_kind(fitted: SparseTargetRecommender) -> None:
    ids, cosines = fitted.similar_items(11, N=5)
    assert ids[0] == 11
    assert set(ids.tolist()) == {10, 11, 12, 13, 14}
    assert cosines[0] == 1
    assert fitted.similar_items([1, 2], N=3)[0].shape == (2, 3)


def test_saved_recommenders_answer_alike(fitted: SparseTargetRecommender, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = SparseTargetRecommender.load(tmp_path / "model")
    for ours, theirs in zip(loaded.recommend([0, 1], tastes(2)), fitted.recommend([0, 1], tastes(2)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_bad_input_is_named(fitted: SparseTargetRecommender) -> None:
    broken = tastes()
    broken.data[0] = np.nan
    with pytest.raises(
        InputError, match="user_items holds a value that is not a finite float32 number, first in row 0"
    ):
        SparseTargetRecommender().fit(broken)
    with pytest.raises(InputError, match="must be a SciPy sparse matrix"):
        SparseTargetRecommender().fit(np.ones((3, 3)))
    with pytest.raises(InputError, match="has 29 items, but 30 were trained on"):
        fitted.recommend(0, tastes(1)[:, :29])
    with pytest.raises(InputError, match="one row a user, 2, not 1"):
        fitted.recommend([0, 1], tastes(1))
    with pytest.raises(InputError, match="filter_items must be from 0 to 29, not 30 to 30"):
        fitted.recommend(0, tastes(1), filter_items=[30])
    with pytest.raises(InputError, match="holds no items"):
        SparseTargetRecommender().fit(sp.csr_array((3, 4)))
