"""Made-up histories of items, for tests of next items."""

from typing import Any

import numpy as np

# The probabilities of the five items that may come next in a Markov chain of 200 items, and how much of them is left
# for these items (any item may come with the rest).
CHAINS = {
    "sharp": ((0.9, 0.05, 0.03, 0.01, 0.01), 1.0),
    "middle": ((0.5, 0.2, 0.15, 0.1, 0.05), 1.0),
    "flat": ((0.2,) * 5, 1.0),
    "noise": ((0.2,) * 5, 0.1),
}
KINDS = [*CHAINS, "topics", "popular", "tiny", "sparse", "phases", "series"]


def of_chain(kind: str, count: int, random: np.random.Generator) -> tuple[Any, list[list[int]]]:
    """Make histories of 2 to 50 items, and return the probabilities (200, 200) of their chain, too."""
    shares, rest = CHAINS[kind]
    chain = np.full((200, 200), (1 - rest) / 200)
    for item in range(200):
        chain[item, random.choice(200, 5, replace=False)] += rest * np.array(shares)
    cumulated = chain.cumsum(axis=1)
    return chain, [_walk(random, cumulated) for _ in range(count)]


def _walk(random: np.random.Generator, cumulated: Any) -> list[int]:
    items = [int(random.integers(200))]
    for chance in random.random(random.integers(1, 50)):
        items.append(min(int(np.searchsorted(cumulated[items[-1]], chance)), 199))
    return items


def histories(kind: str, count: int, seed: int, is_ordered: bool) -> list[list[int]]:
    """Make histories of one of the :data:`KINDS`. If they are not ordered, their items are different and shuffled."""
    random = np.random.default_rng(seed)
    made = of_chain(kind, count, random)[1] if kind in CHAINS else [_history(kind, random) for _ in range(count)]
    return made if is_ordered else [random.permutation([*dict.fromkeys(items)]).tolist() for items in made]


def _history(kind: str, random: np.random.Generator) -> list[int]:
    n = int(random.integers(2, 20))
    if kind == "topics":  # two of 15 topics with 20 items, and other items
        items = 20 * random.choice(random.choice(15, 2, replace=False), n) + random.integers(0, 20, n)
        items = np.where(random.random(n) < 0.2, 300 + random.integers(0, 100, n), items)
    elif kind == "popular":  # the next item depends on nothing
        items = np.minimum(random.zipf(1.3, n), 500)
    elif kind == "tiny":
        items = random.integers(0, 10, n) // random.integers(1, 3)
    elif kind == "sparse":  # most pairs are seen once
        items = 10 * random.integers(0, 200) + random.integers(0, 10, min(n, 4))
    elif kind == "phases":  # the last items tell of the next item, and earlier items do not
        items = 20 * random.integers(0, 15, 4).repeat(5)[:n] + random.integers(0, 20, n)
    else:
        assert kind == "series"  # one episode after the other, with gaps
        items = 30 * random.integers(0, 20) + np.minimum(random.integers(1, 3, n).cumsum(), 29)
    return np.asarray(items).tolist()
