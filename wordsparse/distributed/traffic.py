"""The bytes that a rank sends in each step of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from wordsparse.distributed.ranks import Ranks


class Traffic:
    """Counts them.

    Attributes
    ----------
    last, largest : int
        The bytes of the last step, and of the largest one.
    """

    def __init__(self, ranks: Ranks) -> None:
        self._ranks, self._steps, self._total = ranks, 0, 0
        self.last = self.largest = 0

    @property
    def mean(self) -> float:
        """Of all steps."""
        return self._total / max(self._steps, 1)

    @contextmanager
    def step(self) -> Iterator[None]:
        """What is sent inside the block belongs to one step."""
        before = self._ranks.sent
        yield
        self.last = self._ranks.sent - before
        self._steps, self._total = self._steps + 1, self._total + self.last
        self.largest = max(self.largest, self.last)
