"""Rows come from their owners, and their sums go back."""

import numpy as np
import pytest
from support.thread_ranks import ThreadRanks, on_ranks

from wordsparse.distributed.owners import Owners
from wordsparse.distributed.route import Route
from wordsparse.kernels import kernels_on
from wordsparse.words.examples import by_owner

N, WIDTH = 23, 4
MATRIX = np.random.default_rng(0).standard_normal((N, WIDTH)).astype(np.float32)


def wanted(ranks: ThreadRanks) -> np.ndarray:
    """Rank 0 wants nothing."""
    rank = ranks.rank
    return by_owner(np.sort(np.random.default_rng(rank).choice(N, 7 * rank % N, replace=False)), ranks.size)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_rows_come_from_their_owners_and_sums_go_back(size: int) -> None:
    given: dict[int, np.ndarray] = {}

    def work(ranks: ThreadRanks) -> np.ndarray:
        kernels, mine = kernels_on("cpu", 1), MATRIX[Owners(N, ranks).mine].copy()
        rows = wanted(ranks)
        route = Route(ranks, kernels, rows)
        assert np.array_equal(route.fetch(kernels.take(mine, route.rows)), MATRIX[rows])
        assert np.array_equal(route.deliver(kernels.take(mine, route.asked)), MATRIX[rows])
        sums = np.zeros_like(mine)
        sums[route.rows] = route.collect(MATRIX[rows] * (ranks.rank + 1))
        given[ranks.rank] = rows
        return sums

    found, expected = on_ranks(size, work), np.zeros_like(MATRIX)
    for rank in range(size):
        expected[given[rank]] += MATRIX[given[rank]] * (rank + 1)
    for rank in range(size):
        np.testing.assert_allclose(found[rank], expected[rank::size], rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 23])
def test_a_sharded_matrix_is_gathered_in_its_order(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordsparse.distributed.owners.BLOCK_ROWS", 7)

    def work(ranks: ThreadRanks) -> np.ndarray:
        owners = Owners(N, ranks)
        return np.concatenate(list(owners.gathered(MATRIX[owners.mine].copy())))

    whole, *others = on_ranks(size, work)
    assert np.array_equal(whole, MATRIX)
    assert all(len(other) == 0 for other in others)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_rank_keeps_its_rows_of_what_is_drawn(size: int) -> None:
    def work(ranks: ThreadRanks) -> np.ndarray:
        owners, random = Owners(N, ranks), np.random.default_rng(3)
        own = np.empty((owners.own, WIDTH))
        for rows, drawn in owners.drawn(lambda n: random.random((n, WIDTH)), 6):
            own[rows] = drawn
        return own

    random = np.random.default_rng(3)
    whole = np.concatenate([random.random((n, WIDTH)) for n in (6, 6, 6, 5)])
    for rank, own in enumerate(on_ranks(size, work)):
        assert np.array_equal(own, whole[rank::size])
