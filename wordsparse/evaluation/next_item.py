"""The next items of users as a test of a model: how high does the model rank the items that a user took next?

Each user in an event log has a history and, after it, test items: the last item, or all items from a date on. Only
items that are new to the user are ranked or serve as test items.

    hit@10 = the share of users with a test item among the first ten
    nDCG@10 = Σ 1/log2(1 + rank) over the test items among the first ten, divided by its maximum

Rankings that need no training are scored for comparison. Popularity ranks items by their counts in the vocabulary.

The probabilities p of the K listed items are compared with what came next: over all cases, and in bins of p (expected
calibration error; Naeini et al., 2015).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus import Vocabulary
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.ndcg import ndcg
from wordsparse.types import Array

K, BINS = 10, 10
# The number of users that the ranking by popularity processes at a time.
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

    def tests_of(self, V: int) -> Any:
        """Return a mark for each test item, CSR (n, V) float32."""
        marks = np.ones(len(self.tests), np.float32), tuple(self.tests.T)
        return sp.csr_array(marks, (len(self.wanted), V))


def held_out(
    users: Iterable[tuple[str, Iterable[tuple[str, Any]]]],
    vocabulary: Vocabulary,
    since: float | None = None,
    only: Collection[str] | None = None,
) -> HeldOut:
    """Split each user's items into the history and the test items: at the date ``since``, or by default before the last
    item. ``users`` yields names, each with pairs of an item and the date or number that orders the items. Only items in
    ``only`` are test items, if it is given; the default is then to split before the last of them."""
    items, owners, tests = list[int](), list[int](), list[tuple[int, int]]()
    wanted, unjudged = list[int](), 0
    for _, placed in users:
        events = [*placed]
        if only is not None and since is None:
            events = events[: 1 + max((i for i, (word, _) in enumerate(events) if word in only), default=-1)]
        before = (i for i in range(len(events) - 1, 0, -1) if events[i - 1] != events[-1])
        end = next(before, 0) if since is None else bisect_left(events, since, key=itemgetter(1))
        history = [word for word, _ in events[:end]]
        new = {word for word, _ in events[end:] if only is None or word in only}.difference(history)
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


def judge(held: HeldOut, rankings: Mapping[str, Array]) -> dict[str, Any]:
    """Return the scores of rankings, each with the K best words of each user, (n, K), padded with −1. Intervals are
    over users. "difference" holds the scores of the first ranking minus those of "rival", the best other ranking by
    nDCG@10, with intervals over the same resamples of users.

    A user whose test items are all unknown to the model counts as a miss (``oov``).
    """
    by_side, (own, *others) = {side: _values(held, rows) for side, rows in rankings.items()}, rankings
    rival = max(others, key=lambda side: float(by_side[side][:, 1].mean()))
    by_side["difference"] = by_side[own] - by_side[rival]
    values = np.concatenate([*by_side.values()], axis=1)
    samples = bootstrap.means(values)
    known = np.unique(held.tests[:, 0]).size
    about = {"n": known, "oov": len(held.wanted) - known, "unjudged": held.unjudged}
    scores = dict[str, dict[str, Any]]()
    for side, at in zip(by_side, range(0, values.shape[1], 2), strict=True):
        (low, high), ndcg_interval = (bootstrap.interval(samples[:, at + i]) or (None, None) for i in range(2))
        hit10, ndcg10 = values[:, at : at + 2].mean(axis=0).tolist()
        intervals = {"ndcg10": ndcg10, "ndcg10_low": ndcg_interval[0], "ndcg10_high": ndcg_interval[1]}
        scores[side] = {"hit10": hit10, "low": low, "high": high, **intervals, **about}
    scores["difference"]["rival"] = rival
    return scores


def calibration(held: HeldOut, rows: Array, logs: Array, of_wanted: Array) -> dict[str, float | None]:
    """Compare the probabilities p of the K listed words of each user, (n, K), with what came next. ``logs`` (n, K)
    holds log p, and ``of_wanted`` the log probabilities of the test items.

    Return the mean p of the first items next to their hit rate, the expected calibration error of the listed items in
    BINS bins of equal width, and the mean log p of a known test item, or None if no test item is known.
    """
    p, is_hit, is_listed = np.exp(logs), _hits(held, rows), rows >= 0
    bins = np.minimum((p[is_listed] * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, p[is_listed] - is_hit[is_listed], BINS)
    return {
        "p1": float(p[:, 0].mean()),
        "hit1": float(is_hit[:, 0].mean()),
        "ece": float(np.abs(gaps).sum() / max(1, len(bins))),
        "log_p": float(of_wanted.mean()) if len(of_wanted) else None,
    }


def _hits(held: HeldOut, rows: Array) -> Array:
    """Return a mask of the words in ``rows`` that are test items of their user."""
    V = int(max(rows.max(initial=0), held.tests[:, 1].max(initial=0))) + 1
    return (rows >= 0) & np.isin(np.arange(len(rows))[:, None] * V + rows, held.tests @ [V, 1])


def _values(held: HeldOut, rows: Array) -> Array:
    """Return hit@10, which is 0 or 1, and nDCG@10 of each user, (n, 2)."""
    is_hit = _hits(held, rows)
    return np.stack([is_hit.any(axis=1), ndcg(is_hit, held.wanted, K)], axis=1)


def popular(held: HeldOut, counts: Array) -> Array:
    """Return the K most frequent words that are not in the history, for each user, (n, K), padded with −1."""
    shape = len(held.wanted), len(counts)
    histories = sp.coo_array((np.ones(len(held.items)), (held.owners, held.items)), shape).tocsr()
    return np.concatenate([*_popular(histories, counts)])


def _popular(histories: Any, counts: Array) -> Iterator[Array]:
    order = np.argsort(-counts, kind="stable")
    for start in range(0, histories.shape[0], _USERS):
        block = histories[start : start + _USERS]
        first = order[: K + int(np.diff(block.indptr).max())]
        is_old = block[:, first].toarray() > 0
        chosen = np.argsort(is_old, axis=1, kind="stable")[:, :K]
        rows = np.where(np.take_along_axis(is_old, chosen, 1), -1, first[chosen])
        yield np.pad(rows, ((0, 0), (0, K - rows.shape[1])), constant_values=-1)
