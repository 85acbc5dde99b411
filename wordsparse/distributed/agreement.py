"""Functions by which ranks begin a run with the same request, and end it together."""

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
    """Return the ``content`` of every rank; each content must be valid JSON."""
    return [json.loads(part) for part in ranks.gather(json.dumps(content).encode())]


def together(ranks: Ranks, work: Callable[[], T]) -> T:
    """Do ``work`` on every rank. If the work fails on one rank, raise the error on all ranks.

    The work may communicate only if it always fails on all ranks or on no rank. The error is taken from the first rank
    that failed. The message of the error names that rank, unless all ranks failed with the same error.
    """
    failure: list[str] | None = None
    try:
        result = work()
    except WordsparseError as error:
        failure = [type(error).__name__, str(error)]
    ranks.wait()
    failures = gather_json(ranks, failure)
    if any(failures):
        rank, (name, message) = next((rank, failure) for rank, failure in enumerate(failures) if failure)
        # Rank 0 works on behalf of all ranks, so its errors need not name a rank.
        alike = rank == 0 or all(other == failures[rank] for other in failures)
        raise agreed(ranks, getattr(errors, name)(message if alike else f"rank {rank} of {ranks.size}: {message}"))
    return result


def agreed(ranks: Ranks, error: Error) -> Error:
    """Record an error that all ranks raise, and return it."""
    ranks.agreed = error
    return error


def check_same(ranks: Ranks, facts: Mapping[str, Any]) -> None:
    """Raise InputError on all ranks, which must all call this function, if their ``facts`` (valid JSON) differ."""
    all_facts = gather_json(ranks, [socket.gethostname(), facts])
    for rank, (host, other) in enumerate(all_facts):
        if changed := differences(other, all_facts[0][1], but=set()):
            where = f"rank {rank} on {host} differs from rank 0 on {all_facts[0][0]}"
            raise agreed(ranks, InputError(f"{where}: {changed}; start all ranks alike"))


@contextmanager
def ending_all(ranks: Ranks) -> Iterator[None]:
    """If an error occurs on this rank alone, print it and end the other ranks, which may be waiting for this rank.

    Errors that every rank raises are passed on unchanged: errors from :func:`together`, and errors of the computation,
    which all ranks perform.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, TrainingError) and _is_computed(error):
            raise
        if ranks.agreed is not None and ranks.agreed in (error, error.__cause__):
            raise
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
        message = str(error) or type(error).__name__
        where = f"rank {ranks.rank} of {ranks.size} ({socket.gethostname()}, process {os.getpid()})"
        # Use the original standard error, because sys.stderr is redirected on all ranks except rank 0.
        print(escaped(f"wordsparse: {where}: {message}; this ends the other ranks"), file=sys.__stderr__, flush=True)
        if isinstance(error, Exception) and not isinstance(error, WordsparseError | MemoryError):
            traceback.print_exc(file=sys.__stderr__)
        ranks.abort(status)


def _is_computed(error: BaseException) -> bool:
    """Return whether an error comes from the computation, which is the same on all ranks, and not from the memory or
    the GPU of one rank."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, WordsparseError) and _is_computed(cause))
