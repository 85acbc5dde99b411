"""The score of an item that may come next, and the choice of its constants.

    log p_j = T (a o_j + b log n_j + c log(1 + r_j/ε)) − log Σ    o the model's output, n the item's count, and r its
                                                                  association with the history (memory.py)

The constants a and b are chosen by nDCG@10 on the held-out last items of histories; c is 1, because only ratios matter
for the order. ε is fixed: other values gave the same nDCG@10 on two logs, and probabilities that were less true. T is
then chosen by the likelihood of the FIRST items of the ranking: each of them either came next or did not. Order and
likelihood need different constants, and T does not change the order. The first items are the most visible, and a T that
suits more items makes the probability of the first too high.
"""

from collections.abc import Callable, Mapping
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
    """The items that may be among the first LISTED items of each history, with any constants. The arrays have an entry
    per contender: the number of the history, the model's output, log n, r, and whether the item is the history's
    last item."""

    history: Array
    output: Array
    popularity: Array
    association: Array
    is_last: Array


def chosen(contenders: Contenders, users: int) -> Fusion:
    """Return the constants with the highest nDCG@10, but the defaults if the gain is below one standard error (Breiman
    et al., 1984). ``users`` is the number of histories."""
    _, output, popularity, association, _ = contenders
    usual = Fusion(users=users)
    logs = np.log1p(association / np.float32(usual.epsilon))

    def gains(by: Fusion) -> Array:
        return _gains(contenders, np.float32(by.output) * output + np.float32(by.popularity) * popularity + logs, users)

    tried = [replace(usual, output=a, popularity=b) for a, b in product(OUTPUT, POPULARITY)]
    best = max(tried, key=lambda by: float(gains(by).mean()))
    more = gains(best) - gains(usual)
    return best if more.mean() > more.std() / np.sqrt(users) else usual


def calibrated(fusion: Fusion, listed: Callable[[Fusion], tuple[Array, Array]]) -> Fusion:
    """Return the constants with T. ``listed`` returns, for given constants, the probabilities of the FIRST items, and
    whether each item came next."""
    from scipy.optimize import minimize_scalar  # imported here, because every run would wait for it .2 seconds

    def loss(log_t: float) -> float:
        p, is_next = listed(replace(fusion, temperature=float(np.exp(log_t))))
        p = np.clip(p.astype(np.float64), 1e-12, 1 - 1e-6)
        return -float(np.where(is_next, np.log(p), np.log1p(-p)).mean())

    found = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded", options={"xatol": 0.05})
    return replace(fusion, temperature=float(np.exp(found.x)))


def _gains(contenders: Contenders, score: Array, users: int) -> Array:
    """Return the nDCG@10 of each last item, (users,). Items with equal scores share the mean of their ranks."""
    history, is_last = contenders.history, contenders.is_last
    of_last = np.full(users, np.inf, np.float32)  # a last item that is no contender has no rank
    of_last[history[is_last]] = score[is_last]
    above, equal = (
        np.bincount(history[mask], minlength=users) for mask in (score > of_last[history], score == of_last[history])
    )
    rank = above + (equal - 1) / 2
    return np.where(np.isfinite(of_last) & (rank < LISTED), 1 / np.log2(2 + np.maximum(rank, 0)), 0)
