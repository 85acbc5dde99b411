"""Measured trials within a budget: stages on more and more of the data, ours and the peers on the same part.

A spent budget or Ctrl-C ends the trial; the results so far are the answer.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wordsparse.errors import WordsparseError

logger = logging.getLogger("wordsparse")

# The data of a stage, as a multiple of the data of the stage before.
GROWTH = 4
# The time of a stage, as a multiple of the time of the stage before; a stage is begun only if it fits the budget.
SLOWER = 1.3 * GROWTH
# No method here takes more than the square of its examples.
MAX_POWER = 2.0


@dataclass(frozen=True)
class Result:
    """A method on ``amount`` examples: CPU seconds of training, a quality in [0, 1] with its 95 % interval."""

    method: str
    amount: int
    cpu_seconds: float
    quality: float
    low: float
    high: float
    measure: str


@dataclass(frozen=True)
class AdviceProgress:
    """How far an advice is: ``done`` of ``total`` units of a phase, None where the total is not known.

    The phase ``encode`` counts the tokens of a text; ``trial`` counts the seconds of the budget, with ``amount``
    examples in the current stage and ``finished``, the result that was just measured.
    """

    phase: str
    done: int
    total: int | None = None
    amount: int | None = None
    finished: Result | None = None


Progress = Callable[[AdviceProgress], None]


@dataclass
class Trial:
    """All results so far; ``ours`` is the name of ours, ``complete`` whether the last stage had all of the data."""

    ours: str
    results: list[Result] = field(default_factory=list)
    complete: bool = False
    interrupted: bool = False

    def peers(self) -> list[tuple[Result, Result]]:
        """(ours, peer) on the largest part that both have, for each peer."""
        found: dict[str, tuple[Result, Result]] = {}
        mine = {result.amount: result for result in self.results if result.method == self.ours}
        for result in self.results:
            if result.method != self.ours and result.amount in mine:
                found[result.method] = mine[result.amount], result
        return list(found.values())

    def last(self) -> list[Result]:
        """The results on the largest part that ours has."""
        amount = max((result.amount for result in self.results if result.method == self.ours), default=0)
        return [result for result in self.results if result.amount == amount]

    def full_run(self, amount: int) -> tuple[float, float] | None:
        """CPU seconds of ours on all the data, from and to.

        By its last stage, in proportion and by the power of the growth since the stage before, 25 % either way; by a
        single stage, of which most may be fixed costs, from half of its own time to twice that in proportion.
        """
        mine = sorted((result.amount, result.cpu_seconds) for result in self.results if result.method == self.ours)
        if not mine:
            return None
        size, seconds = mine[-1]
        proportional = seconds * amount / size
        if len(mine) == 1 or mine[-2][0] == size:
            return 0.5 * seconds, 2 * proportional
        before, shorter = mine[-2]
        power = math.log(max(seconds, 1e-9) / max(shorter, 1e-9)) / math.log(size / before)
        both = proportional, seconds * (amount / size) ** min(max(power, 0.0), MAX_POWER)
        return 0.75 * min(both), 1.25 * max(both)


Stage = Callable[[int], Iterator[Result]]


def run(
    ours: str, stage: Stage, first: int, most: int, budget: float, progress: Progress = lambda progress: None
) -> Trial:
    """Stages of ``first``, ``GROWTH`` · ``first``, … examples, at most ``most``, within ``budget`` seconds."""
    trial, start, amount = Trial(ours), time.monotonic(), min(first, most)

    def tell(finished: Result | None = None) -> None:
        seconds = int(min(budget, time.monotonic() - start))
        progress(AdviceProgress("trial", seconds, math.ceil(budget), amount, finished))

    try:
        while True:
            begun = time.monotonic()
            tell()
            for result in stage(amount):
                trial.results.append(result)
                tell(result)
            trial.complete = amount == most
            following = min(GROWTH * amount, most)
            expected = (time.monotonic() - begun) * SLOWER * following / (GROWTH * amount)
            if trial.complete or time.monotonic() + expected > start + budget:
                break
            amount = following
    except KeyboardInterrupt:
        trial.interrupted = True
        logger.warning("interrupted: the advice is by what has been measured so far")
    except WordsparseError as error:
        if not trial.results:
            raise
        logger.warning("a stage of the trial failed: %s", error)
    return trial
