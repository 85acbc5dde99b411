"""The interface of communication: all that the ranks of a run say to each other goes through these methods.

The ranks begin a run with the same request, and end it together.
"""

import json
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol, TypeVar

from wordsparse import errors
from wordsparse.display import write
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.types import Array

T = TypeVar("T")
Error = TypeVar("Error", bound=BaseException)


class Ranks(Protocol):
    """The ranks of a run as one of them sees them.

    Every method but ``abort`` is collective: all ranks call the same ones in the same order, from the main thread.
    Arrays are NumPy's. Results are the same bytes at every repetition: sums are taken in the order of the ranks.

    Attributes
    ----------
    rank, size : int
        The number of this one, from 0, and how many there are.
    beside, local_rank : int
        How many of them are on this host, this one included, and the number of this one among those.
    agreed : BaseException, optional
        The error that all ranks have last raised together.
    """

    rank: int
    size: int
    beside: int
    local_rank: int
    agreed: BaseException | None = None

    def sum(self, part: Array) -> Array:
        """The sum of every rank's ``part``, which have one shape and dtype; the same bytes on all of them."""

    def rows(self, part: Array, counts: Sequence[int]) -> Array:
        """Every rank's rows, ``counts`` of them, in the order of the ranks; ``part`` (n, k) are those of this one."""

    def gather(self, content: bytes) -> list[bytes]:
        """Every rank's ``content``, on all of them."""

    def copy(self, array: Array) -> None:
        """Overwrite ``array``, contiguous, by that of rank 0."""

    def wait(self) -> None:
        """Wait until all ranks are here, possibly for long."""

    def abort(self, status: int) -> NoReturn:
        """End all ranks at once with this exit status, whatever they are doing."""


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
    failure: list[str] | None = None
    try:
        result = work()
    except WordsparseError as error:
        failure = [type(error).__name__, str(error)]
    ranks.wait()
    failures = gather_json(ranks, failure)
    if any(failures):
        rank, (name, message) = next((rank, found) for rank, found in enumerate(failures) if found)
        # An error of rank 0 alone is one of the work that it does for all.
        alike = rank == 0 or all(found == failures[rank] for found in failures)
        raise agreed(ranks, getattr(errors, name)(message if alike else f"rank {rank} of {ranks.size}: {message}"))
    return result


def on_first(ranks: Ranks, work: Callable[[], T]) -> T | None:
    """Do ``work`` on rank 0 while the others wait, with None; its error is raised on all."""
    return together(ranks, work if ranks.rank == 0 else lambda: None)


def agreed(ranks: Ranks, error: Error) -> Error:
    """An error that all ranks raise."""
    ranks.agreed = error
    return error


def check_same(ranks: Ranks, facts: Mapping[str, Any]) -> None:
    """Compare what every rank knows, as JSON can hold it; collective.

    Raises
    ------
    InputError
        On all ranks, where they differ; the message names the first thing that does, and the two hosts.
    """
    told = gather_json(ranks, {"facts": facts, "host": socket.gethostname()})
    first = told[0]
    for rank, other in enumerate(told):
        for name in sorted(first["facts"].keys() | other["facts"].keys()):
            here, there = first["facts"].get(name), other["facts"].get(name)
            if here != there:
                message = (
                    f"the ranks differ in {name}: {here} on rank 0 ({first['host']}), {there} on rank {rank} "
                    f"({other['host']}); start all of them alike"
                )
                raise agreed(ranks, InputError(message))


@contextmanager
def ending_all(ranks: Ranks) -> Iterator[None]:
    """Where an error strikes this rank alone, say so and end the others too, which may wait for it.

    Errors that all ranks meet, those of :func:`together` and of the computation, which is the same everywhere, pass.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, TrainingError) and _is_computed(error):
            raise
        if ranks.agreed is not None and ranks.agreed in (error, error.__cause__):
            raise
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
        what = str(error) or type(error).__name__
        where = f"rank {ranks.rank} of {ranks.size} ({socket.gethostname()}, process {os.getpid()})"
        write(f"wordsparse: {where}: {what}; the other ranks are ended")
        if isinstance(error, Exception) and not isinstance(error, WordsparseError | MemoryError):
            traceback.print_exc()
        ranks.abort(status)


def _is_computed(error: BaseException) -> bool:
    """Whether an error comes from the numbers, and not from the memory or the GPU of one rank."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, WordsparseError) and _is_computed(cause))
