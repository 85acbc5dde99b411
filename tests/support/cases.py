"""The problems on which the layer is compared with the oracle: a selection that covers all pairs of options."""

import itertools
from typing import NamedTuple

import numpy as np

from support import problems


class Case(NamedTuple):
    """One problem. ``m`` may be a formula in d; ``most`` limits the targets per example; ``pi`` adds a
    preconditioner."""

    loss: str
    measure: bool
    dtype: str
    m: int | str
    d: int
    D: int
    most: int
    pi: bool
    decay: float

    def __str__(self):
        return "-".join(map(str, self))

    @property
    def examples(self):
        return self.m if isinstance(self.m, int) else int(self.m.rstrip("d") or 1) * self.d


LEVELS = Case(
    loss=tuple(problems.LOSSES),
    measure=(False, True),
    dtype=("float64", "float32"),
    m=(0, 1, 5, "1d", "4d"),
    d=(1, 9, 37, 133),
    D=(1, 123, 1500),
    most=(0, 1, 20),
    pi=(False, True),
    decay=(0.0, 0.05),
)


def covering_cases():
    """Choose cases that cover every pair of levels of any two factors, and small cases for every triple.

    The search is greedy: of some random cases, it takes the case that covers the most new pairs. There are 17,280
    combinations of all factors.
    """
    random = np.random.default_rng(0)

    def covered(case):
        cells = list(enumerate(case))
        pairs = set(itertools.combinations(cells, 2))
        small = case.d <= 37 and case.D <= 123
        return pairs | (set(itertools.combinations(cells, 3)) if small else set())

    small = LEVELS._replace(d=(1, 9, 37), D=(1, 123))
    left = set()
    for levels, size in ((LEVELS, 2), (small, 3)):
        for factors in itertools.combinations(range(len(levels)), size):
            for choice in itertools.product(*(levels[i] for i in factors)):
                left.add(tuple(zip(factors, choice, strict=True)))
    cases = []
    while left:
        # Each candidate contains one combination that is not covered yet; its other factors are random.
        seed = dict(min(left, key=repr))
        candidates = []
        for _ in range(20):
            case = [level[random.integers(len(level))] for level in (small if len(seed) == 3 else LEVELS)]
            for factor, choice in seed.items():
                case[factor] = choice
            candidates.append(Case(*case))
        best = max(candidates, key=lambda case: len(covered(case) & left))
        left -= covered(best)
        cases.append(best)
    return cases
