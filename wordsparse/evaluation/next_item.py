"""The next items of users as a test of a model: how high does the model rank the items that a user took next?

Each user in an event log has a history and, after it, test items: the last item, or all items from a date on. Only
items that are new to the user are ranked or serve as test items.

    hit@10 = the share of users with a test item among the first ten
    nDCG@10 = Σ 1/log2(1 + rank) over the test items among the first ten, divided by its maximum

Two rankings that need no training are scored for comparison. Popularity ranks items by their counts in the vocabulary.
Item-to-item counts come from the histories alone: if item j stands k ≤ 20 places after item i, 0.6^(k − 1) is added to
the count of j after i. The score of j for a user sums these counts over the items i of the history, with weight 0.6^n,
where n is the number of items after i. If the log has no order, all weights are 1, and each item of a pair is counted
as following the other.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus import Vocabulary
from wordsparse.evaluation import bootstrap
from wordsparse.types import Array

Rank = Callable[[Any, int], Array]
"""A function that takes histories, CSR (n, V), and k, and returns each history's k best words, padded with −1."""

K, REACH, DECAY = 10, 20, 0.6
# The number of users that the two rankings without training process at a time.
_USERS = 1024


class HeldOut(NamedTuple):
    """The users of an event log who have a history and, after it, a new item.

    ``items`` holds the items of all histories, in order, as row numbers of the vocabulary. ``owners`` holds the number
    of the user of each entry of ``items``. ``tests`` holds pairs (number of a user, row number of a test item).
    ``wanted`` (n,) is the number of test items of each user. ``unjudged`` is the number of users without a history or a
    new item.
    """

    items: Array
    owners: Array
    tests: Array
    wanted: Array
    unjudged: int


def held_out(
    users: Iterable[tuple[str, Iterable[tuple[str, Any]]]], vocabulary: Vocabulary, since: float | None = None
) -> HeldOut:
    """Split each user's items into the history and the test items: at the date ``since``, or by default before the last
    item. ``users`` yields names, each with pairs of an item and the date or number that orders the items."""
    items, owners, tests = list[int](), list[int](), list[tuple[int, int]]()
    wanted, unjudged = list[int](), 0
    for _, placed in users:
        events = [*placed]
        before = (i for i in range(len(events) - 1, 0, -1) if events[i - 1] != events[-1])
        end = next(before, 0) if since is None else bisect_left(events, since, key=itemgetter(1))
        history = [word for word, _ in events[:end]]
        new = {word for word, _ in events[end:]}.difference(history)
        if not (history and new):
            unjudged += 1
            continue
        known = [row for word in history if (row := vocabulary.get(word)) is not None]
        items += known
        owners += [len(wanted)] * len(known)
        tests += [(len(wanted), row) for word in new if (row := vocabulary.get(word)) is not None]
        wanted.append(len(new))
    pairs = np.array(tests, np.int64).reshape(-1, 2)
    return HeldOut(np.array(items, np.int64), np.array(owners, np.int64), pairs, np.array(wanted, np.int64), unjudged)


def judge(held: HeldOut, rank: Rank, vocabulary: Vocabulary, is_ordered: bool) -> dict[str, Any]:
    """Return the scores of three rankings: by the model, by popularity and by item-to-item counts. Intervals are over
    users.

    A user whose test items are all unknown to the model counts as a miss (``oov``).
    """
    times, shape = np.ones(len(held.items), np.float32), (len(held.wanted), len(vocabulary))
    histories = _matrix(times, held.owners, held.items, shape)
    rankings = {
        "model": rank(histories, K),
        "popularity": np.concatenate([*_popular(histories, vocabulary.counts)]),
        "counts": np.array([*_by_counts(held, histories, is_ordered)]).reshape(-1, K),
    }
    values = np.concatenate([_values(held, rows, len(vocabulary)) for rows in rankings.values()], axis=1)
    samples = bootstrap.means(values)
    known = np.unique(held.tests[:, 0]).size
    about = {"n": known, "oov": len(held.wanted) - known, "unjudged": held.unjudged}
    scores = {}
    for side, at in zip(rankings, range(0, values.shape[1], 2), strict=True):
        (low, high), ndcg = (bootstrap.interval(samples[:, at + i]) or (None, None) for i in range(2))
        hit10, ndcg10 = values[:, at : at + 2].mean(axis=0).tolist()
        intervals = {"ndcg10": ndcg10, "ndcg10_low": ndcg[0], "ndcg10_high": ndcg[1]}
        scores[side] = {"hit10": hit10, "low": low, "high": high, **intervals, **about}
    return scores


def _values(held: HeldOut, rows: Array, V: int) -> Array:
    """Return hit@10, which is 0 or 1, and nDCG@10 of each user, (n, 2)."""
    keys = np.arange(len(rows))[:, None] * V + rows
    is_hit = (rows >= 0) & np.isin(keys, held.tests @ [V, 1])
    discounts = 1 / np.log2(np.arange(2, K + 2))
    best = np.cumsum(discounts)[np.minimum(held.wanted, K) - 1]
    return np.stack([is_hit.any(axis=1), is_hit @ discounts[: rows.shape[1]] / best], axis=1)


def _popular(histories: Any, counts: Array) -> Iterator[Array]:
    """Yield the K most frequent words that are not in the history, for each user of a block of users."""
    order = np.argsort(-counts, kind="stable")
    for start in range(0, histories.shape[0], _USERS):
        block = histories[start : start + _USERS]
        first = order[: K + int(np.diff(block.indptr).max())]
        is_old = block[:, first].toarray() > 0
        chosen = np.argsort(is_old, axis=1, kind="stable")[:, :K]
        rows = np.where(np.take_along_axis(is_old, chosen, 1), -1, first[chosen])
        yield np.pad(rows, ((0, 0), (0, K - rows.shape[1])), constant_values=-1)


def _by_counts(held: HeldOut, histories: Any, is_ordered: bool) -> Iterator[list[int]]:
    """Yield the K best words for each history by item-to-item counts."""
    decay, shape = DECAY if is_ordered else 1.0, histories.shape
    counts = sp.csr_array((shape[1], shape[1]), dtype=np.float32)
    for k in range(1, REACH + 1):
        same = held.owners[k:] == held.owners[:-k]
        earlier, later = held.items[:-k][same], held.items[k:][same]
        counts += _matrix(np.full(len(later), decay ** (k - 1), np.float32), earlier, later, counts.shape)
    if not is_ordered:
        counts = counts + counts.T.tocsr()
    ages = np.searchsorted(held.owners, held.owners, side="right") - 1 - np.arange(len(held.owners))
    recent = ages < REACH
    weights = (decay ** ages[recent]).astype(np.float32)
    asked = _matrix(weights, held.owners[recent], held.items[recent], shape)
    for start in range(0, shape[0], _USERS):
        scores = sp.csr_array(asked[start : start + _USERS] @ counts)
        scores.sort_indices()
        for user in range(scores.shape[0]):
            part = slice(scores.indptr[user], scores.indptr[user + 1])
            own = histories.indices[slice(*histories.indptr[start + user : start + user + 2])]
            new = ~np.isin(scores.indices[part], own)
            words, values = scores.indices[part][new], scores.data[part][new]
            best = words[np.argsort(-values, kind="stable")[:K]].tolist()
            yield best + [-1] * (K - len(best))


def _matrix(values: Array, rows: Array, columns: Array, shape: tuple[int, int]) -> Any:
    """Return a CSR matrix. The values of duplicate entries are summed."""
    return sp.coo_array((values, (rows, columns)), shape).tocsr()
