"""Pairs, associations and the fused score equal the sums of the definitions, computed by plain loops."""

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE
from wordsparse.corpus import pairs as corpus_pairs
from wordsparse.items import fusion, memory
from wordsparse.items.fusion import Contenders, Fusion

V = 23


def made(seed, sizes=(0, 1, 2, 7, 40)):
    random = np.random.default_rng(seed)
    return [random.integers(0, V, n).tolist() for n in random.permutation(sizes)]


def flat(histories):
    items = np.array([item for history in histories for item in history], np.int32)
    return items, np.repeat(np.arange(len(histories)), [len(history) for history in histories])


def text(histories):
    return np.array([item for history in histories for item in [*history, END_OF_SENTENCE]], np.int32)


def dense(histories, is_ordered):
    """Compute C from the definition."""
    fade, back = (memory.FADE, memory.BACK) if is_ordered else (1, 1)
    C = np.zeros((V, V))
    for history in histories:
        for i, a in enumerate(history):
            for k, b in enumerate(history[i + 1 : i + 1 + memory.REACH]):
                C[a, b] += fade**k * (a != b)
                C[b, a] += back * fade**k * (a != b)
    return C


@pytest.mark.parametrize("is_ordered", [True, False])
def test_pairs_and_associations_are_the_sums_of_the_definition(is_ordered, monkeypatch):
    histories, more = made(0), made(1)
    items, owners = flat(histories)
    pairs = memory.counted(text(histories), V, is_ordered)
    np.testing.assert_allclose(pairs.toarray(), dense(histories, is_ordered), rtol=1e-5)
    # Blocks of a few rows, several threads, and a second text, give the same pairs.
    monkeypatch.setattr(corpus_pairs, "MOST", 64)
    again = memory.counted(text(histories), V, is_ordered, threads=3)
    assert again.data.tobytes() == pairs.data.tobytes()
    both = memory.counted(text(more), V + 3, is_ordered, before=pairs)
    expected = np.pad(dense([*histories, *more], is_ordered), (0, 3))
    np.testing.assert_allclose(both.toarray(), expected, rtol=1e-5)
    n, decay = np.bincount(items, minlength=V), memory.DECAY if is_ordered else 1
    w = np.zeros((len(histories), V))
    for row, history in enumerate(histories):
        for age, item in enumerate(reversed(history)):
            w[row, item] += decay**age
    weights = memory.histories(items, owners, w.shape, is_ordered)
    np.testing.assert_allclose(weights.toarray(), w, rtol=1e-5)
    occurrences = np.maximum(n, 1.0)
    r = w * occurrences**-0.5 @ dense(histories, is_ordered) * occurrences**-0.2
    np.testing.assert_allclose(memory.associations(weights, pairs, n).toarray(), r, rtol=1e-4)


def test_only_the_strongest_pairs_of_an_item_are_kept(monkeypatch):
    ids = text(made(3))
    whole = memory.counted(ids, V, True).toarray()
    monkeypatch.setattr(memory, "STRONGEST", 4)
    few = memory.counted(ids, V, True).toarray()
    for row, kept in zip(whole, few, strict=True):
        best = np.sort(row)[::-1][:4]
        np.testing.assert_array_equal(np.sort(kept[kept > 0])[::-1], best[best > 0])


def test_constants_are_chosen_by_a_plain_ndcg():
    random = np.random.default_rng(0)
    users, each = 40, 30
    history = np.repeat(np.arange(users), each)
    numbers = random.integers(-3, 4, (3, users * each)).astype(np.float32)
    numbers[2] = np.maximum(numbers[2], 0)
    is_last = np.arange(users * each) % each == 4
    numbers[0, is_last] += 2  # the outputs tell the last items
    # No other items: the sum of the scores is over the contenders.
    contenders = Contenders(history, *numbers, is_last, np.empty((users, 0)), np.empty(0), np.empty((users, 0)))

    def ndcg(constants):
        a, b, epsilon = constants.output, constants.popularity, constants.epsilon
        total = 0.0
        for user in range(users):
            mine = history == user
            o, n, r = (values[mine] for values in numbers)
            z = np.float32(a) * o + np.float32(b) * n + np.log1p(r / np.float32(epsilon))
            last = z[is_last[mine]][0]
            rank = (z > last).sum() + ((z == last).sum() - 1) / 2
            total += (rank < 10) / np.log2(2 + rank)
        return float(total / users)

    best = fusion.chosen(contenders)
    tried = [Fusion(a, b) for a in fusion.OUTPUT for b in fusion.POPULARITY]
    assert best.users == users
    assert ndcg(best) == pytest.approx(max(map(ndcg, tried)))
    assert ndcg(best) > ndcg(Fusion(0, 0.05)) + 0.1


@pytest.mark.parametrize("shown", [5, 4])
def test_a_temperature_makes_probabilities_true(shown):
    """Items with the outputs o come next with p ∝ exp(.4 o). With ``shown`` 4, an item is known from a sample only."""
    random = np.random.default_rng(0)
    outputs = random.normal(0, 2, (3000, 5)).astype(np.float32)
    outputs[:, 4] = -4
    weights = np.exp(0.4 * outputs)
    came = np.array([random.choice(5, p=p) for p in weights / weights.sum(axis=1, keepdims=True)])
    is_shown = np.zeros((3000, 5), bool)
    is_shown[:, :shown] = True
    is_shown[np.arange(3000), came] = True
    history, item = is_shown.nonzero()
    zeros = np.zeros((2, len(history)), np.float32)
    others = outputs[:, 4:], np.zeros(1, np.float32), ~is_shown[:, 4:] * np.float32(1)
    contenders = Contenders(history, outputs[is_shown], *zeros, came[history] == item, *others)
    found = fusion.calibrated(contenders, Fusion(output=1, users=3000), outputs[is_shown])
    assert found.temperature == pytest.approx(0.4, rel=0.08)
    assert found.users == 3000
