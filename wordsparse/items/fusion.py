"""The score of an item that may come next, and the choice of its constants.

    log p_j = T (a o_j + b log n_j + c log(1 + r_j/ε)) − log Σ    o the model's output, n the item's count, and r its
                                                                  association with the history (memory.py)

The constants a and b are chosen by nDCG@10 on the held-out last items of histories; c is 1, because only ratios matter
for the order. ε is fixed: other values gave the same nDCG@10 on two logs, and probabilities that were less true. T is
then chosen by the likelihood of the FIRST items of the ranking: each of them either came next or did not. Order and
likelihood need different constants, and T does not change the order. The first items are the most visible, and a T that
suits more items makes the probability of the first too high.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from wordsparse.types import Array

LISTED, FIRST = 10, 3
# The values of a and b to choose from.
OUTPUT, POPULARITY = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2), (0.02, 0.05, 0.1)
# The limits of log T.
TEMPERATURES = -3.0, 3.0


@dataclass(frozen=True)
class Fusion:
    """The constants of the score. ``users`` is the number of histories by whose last items the constants were chosen;
    with 0, the constants are defaults, and the numbers are scores, not probabilities."""

    output: float = 0.2
    popularity: float = 0.05
    pairs: float = 1.0
    epsilon: float = 0.01
    temperature: float = 1.0
    users: int = 0

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Fusion":
        """Return the constants in ``content``, which may hold other entries, too."""
        return cls(**{field.name: content[field.name] for field in fields(cls)})

    def as_dict(self) -> dict[str, Any]:
        """Return the constants as a dict that JSON can store."""
        return asdict(self)


class Contenders(NamedTuple):
    """The items that may be among the first LISTED items of each history, with any constants, and a sample of the other
    items, which matters for the sum of all scores.

    The first arrays have an entry per contender, ordered by history: the number of the history, the model's output,
    log n, r, and whether the item is the history's last item. Each history has a contender. ``others`` (histories, k)
    and ``of_others`` (k,) hold the model's output and log n of the sampled items. An item of the sample stands for
    ``weights`` (histories, k) other items.
    """

    history: Array
    output: Array
    popularity: Array
    association: Array
    is_last: Array
    others: Array
    of_others: Array
    weights: Array


def chosen(contenders: Contenders) -> Fusion:
    """Return the constants with the highest nDCG@10, but the defaults if the gain is below one standard error (Breiman
    et al., 1984), with the T that suits them."""
    users = len(contenders.weights)
    usual = Fusion(users=users)
    logs = np.log1p(contenders.association / np.float32(usual.epsilon))
    tried = [replace(usual, output=a, popularity=b) for a, b in product(OUTPUT, POPULARITY)]
    may_be_listed = _may_be_listed(contenders, logs, users)
    some = contenders._replace(**{name: getattr(contenders, name)[may_be_listed] for name in Contenders._fields[:5]})
    gains = {by: _gains(some, _scores(some, by, logs[may_be_listed]), users) for by in (usual, *tried)}
    best = max(tried, key=lambda by: float(gains[by].mean()))
    more = gains[best] - gains[usual]
    best = best if more.mean() > more.std() / np.sqrt(users) else usual
    return calibrated(contenders, best, _scores(contenders, best, logs))


def _scores(contenders: Contenders, by: Fusion, logs: Array) -> Array:
    return np.float32(by.output) * contenders.output + np.float32(by.popularity) * contenders.popularity + logs


def _may_be_listed(contenders: Contenders, logs: Array, users: int) -> Array:
    """Return a mask of the contenders of histories whose last item may be among the LISTED first items with some
    constants: fewer than LISTED items are ahead of the last item with all constants."""
    history, is_last, lead = contenders.history, contenders.is_last, np.zeros(len(logs), np.float32)
    numbers = contenders.output, contenders.popularity, logs
    for values, factors in zip(numbers, (OUTPUT, POPULARITY, (1.0,)), strict=True):
        more = values - values[is_last][history]
        lead += np.minimum(np.float32(min(factors)) * more, np.float32(max(factors)) * more)
    return (np.bincount(history[lead > 0], minlength=users) < LISTED)[history]


def _gains(contenders: Contenders, scores: Array, users: int) -> Array:
    """Return the nDCG@10 of each last item, (users,). Items with equal scores share the mean of their ranks."""
    history, is_last, of_last = contenders.history, contenders.is_last, np.full(users, np.inf, np.float32)
    of_last[history[is_last]] = scores[is_last]
    masks = scores > of_last[history], scores == of_last[history]
    above, equal = (np.bincount(history[mask], minlength=users) for mask in masks)
    rank = above + (equal - 1) / 2
    return np.where((rank < LISTED) & (equal > 0), 1 / np.log2(2 + np.maximum(rank, 0)), 0)


def calibrated(contenders: Contenders, by: Fusion, scores: Array) -> Fusion:
    """Return the constants with T."""
    from scipy.optimize import minimize_scalar  # imported here, because every run would wait for it .2 seconds

    history, starts = contenders.history, np.searchsorted(contenders.history, np.arange(by.users))
    is_first = scores >= _largest(scores, history, starts)[history]
    others = np.float32(by.output) * contenders.others + np.float32(by.popularity) * contenders.of_others
    top = np.maximum(np.maximum.reduceat(scores, starts), others.max(axis=1, initial=-np.inf))
    scores, others = scores - top[history], others - top[:, None]
    of_first, is_next, owners = scores[is_first], contenders.is_last[is_first], history[is_first]

    def loss(log_t: float) -> float:
        t = np.float32(np.exp(log_t))
        total = np.add.reduceat(np.exp(t * scores), starts) + (contenders.weights * np.exp(t * others)).sum(axis=1)
        p = np.clip(np.exp(t * of_first, dtype=np.float64) / total[owners], 1e-12, 1 - 1e-6)
        return -float(np.where(is_next, np.log(p), np.log1p(-p)).mean())

    found = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded", options={"xatol": 0.05})
    return replace(by, temperature=float(np.exp(found.x)))


def _largest(scores: Array, history: Array, starts: Array) -> Array:
    """Return the FIRST-largest score of each history, (histories,). Equal scores count once."""
    largest = np.maximum.reduceat(scores, starts)
    for _ in range(FIRST - 1):
        scores = np.where(scores < largest[history], scores, -np.inf)
        largest = np.maximum.reduceat(scores, starts)
    return largest
