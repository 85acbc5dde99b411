"""The interface of communication: all that the ranks of a run say to each other goes through these methods.

Every method but ``abort`` is collective: all ranks call the same ones in the same order, from the main
thread. Arrays are NumPy's; staging.py puts those of a GPU over the same methods. Results are the same bytes at every
repetition: sums are taken in the order of the ranks.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

from wordsparse import errors
from wordsparse.errors import WordsparseError
from wordsparse.types import Array

T = TypeVar("T")


class Ranks(Protocol):
    """The ranks of a run, numbered from 0, as one of them sees them."""

    @property
    def rank(self) -> int:
        """The number of this one."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def beside(self) -> int:
        """How many of them are on this host, this one included."""

    @property
    def local_rank(self) -> int:
        """The number of this one among those of its host, from 0."""

    @property
    def sent(self) -> int:
        """Bytes that this rank has sent to others."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time that this rank has spent in the methods below, with waiting for others."""

    @property
    def agreed(self) -> BaseException | None:
        """The error that all ranks have last raised together."""

    @agreed.setter
    def agreed(self, error: BaseException) -> None: ...

    def sum(self, part: Array) -> Array:
        """The sum of every rank's ``part``, which have one shape and dtype; the same bytes on all of them."""

    def exchange(self, rows: Array, to: Sequence[int], from_: Sequence[int]) -> Array:
        """Send ``rows`` (n, k), the first ``to[0]`` of them to rank 0, the next ``to[1]`` to rank 1, and so on.

        Returns
        -------
        (sum of ``from_``, k) array
            The rows that came, ``from_[s]`` of them from rank s, in the order of the ranks.
        """

    def gather(self, content: bytes) -> list[bytes]:
        """Every rank's ``content``, on all of them."""

    def barrier(self) -> None:
        """Wait for all ranks."""

    def abort(self, status: int) -> NoReturn:
        """End all ranks at once with this exit status, whatever they are doing."""


class OneRank:
    """A process by itself: nothing is sent, and nothing is copied."""

    rank, size, beside, local_rank, sent, cpu_seconds = 0, 1, 1, 0, 0, 0.0
    agreed: BaseException | None = None

    def sum(self, part: Array) -> Array:
        return part

    def exchange(self, rows: Array, to: Sequence[int], from_: Sequence[int]) -> Array:
        return rows

    def gather(self, content: bytes) -> list[bytes]:
        return [content]

    def barrier(self) -> None:
        pass

    def abort(self, status: int) -> NoReturn:
        raise SystemExit(status)


ONE = OneRank()


def gather_json(ranks: Ranks, content: object) -> list[Any]:
    """Every rank's ``content``, which JSON can hold."""
    return [json.loads(part) for part in ranks.gather(json.dumps(content).encode())]


def together(ranks: Ranks, work: Callable[[], T]) -> T:
    """Do ``work`` on every rank; where it fails on one of them, all raise that error.

    The work must not communicate, unless it fails on all ranks or on none.

    Raises
    ------
    WordsparseError
        That of the first rank where it failed; the message names the rank unless all failed alike.
    """
    if ranks.size == 1:
        return work()
    failure: list[str] | None = None
    try:
        result = work()
    except WordsparseError as error:
        failure = [type(error).__name__, str(error)]
    failures = gather_json(ranks, failure)
    if any(failures):
        rank, (name, message) = next((rank, found) for rank, found in enumerate(failures) if found)
        # An error of rank 0 alone is one of the work that it does for all.
        alike = rank == 0 or all(found == failures[rank] for found in failures)
        failed: WordsparseError = getattr(errors, name)(message if alike else f"rank {rank} of {ranks.size}: {message}")
        ranks.agreed = failed
        raise failed
    return result


def on_first(ranks: Ranks, work: Callable[[], object]) -> None:
    """Do ``work`` on rank 0 while the others wait; its error is raised on all."""
    together(ranks, work if ranks.rank == 0 else lambda: None)
