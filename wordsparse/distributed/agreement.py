"""The ranks begin a run with the same request, and end it together."""

import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from wordsparse import errors
from wordsparse.distributed.ranks import Ranks
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.files.escaping import escaped
from wordsparse.training.resume import differences

T = TypeVar("T")
Error = TypeVar("Error", bound=BaseException)


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


def agreed(ranks: Ranks, error: Error) -> Error:
    """An error that all ranks raise."""
    ranks.agreed = error
    return error


def check_same(ranks: Ranks, facts: Mapping[str, Any]) -> None:
    """Compare what every rank knows, as JSON can hold it. InputError on all ranks where they differ, collective."""
    told = gather_json(ranks, [socket.gethostname(), facts])
    for rank, (host, other) in enumerate(told):
        if changed := differences(other, told[0][1], but=set()):
            where = f"rank {rank} on {host} was started otherwise than rank 0 on {told[0][0]}"
            raise agreed(ranks, InputError(f"{where}: {changed}; start all of them alike"))


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
        # Of all but the first rank the standard error is silent.
        print(escaped(f"wordsparse: {where}: {what}; the other ranks are ended"), file=sys.__stderr__, flush=True)
        if isinstance(error, Exception) and not isinstance(error, WordsparseError | MemoryError):
            traceback.print_exc(file=sys.__stderr__)
        ranks.abort(status)


def _is_computed(error: BaseException) -> bool:
    """Whether an error comes from the numbers, and not from the memory or the GPU of one rank."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, WordsparseError) and _is_computed(cause))
