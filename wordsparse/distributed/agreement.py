"""The ranks of a run begin it with the same request, and end it together."""

import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wordsparse.distributed.ranks import Ranks, gather_json
from wordsparse.errors import InputError, TrainingError, WordsparseError


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
        names = sorted(first["facts"].keys() | other["facts"].keys())
        for name in names:
            here, there = first["facts"].get(name), other["facts"].get(name)
            if here != there:
                error = InputError(
                    f"the ranks differ in {name}: {here} on rank 0 ({first['host']}), {there} on rank {rank} "
                    f"({other['host']}); start all of them alike"
                )
                ranks.agreed = error
                raise error


@contextmanager
def ending_all(ranks: Ranks, say: Callable[[str], object], kept: Callable[[], str]) -> Iterator[None]:
    """Where an error strikes this rank alone, say so and end the others too, which may wait for it.

    Errors that all ranks meet, those of :func:`wordsparse.distributed.ranks.together` and of the computation, which is
    the same everywhere, pass. ``say`` takes the line for people; ``kept`` says what there is to go on from.
    """
    try:
        yield
    except BaseException as error:
        cause = error.__cause__
        if ranks.size == 1 or (isinstance(error, TrainingError) and _is_computed(error)):
            raise
        if ranks.agreed is not None and ranks.agreed in (error, cause):
            raise
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
        what = str(error) or type(error).__name__
        where = f"rank {ranks.rank} of {ranks.size} ({socket.gethostname()}, process {os.getpid()})"
        say(f"{where}: {what}; the other ranks are ended; {kept()}")
        if isinstance(error, Exception) and not isinstance(error, WordsparseError | MemoryError):
            traceback.print_exc()
        ranks.abort(status)


def _is_computed(error: BaseException) -> bool:
    """Whether an error comes from the numbers, and not from the memory or the GPU of one rank."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, WordsparseError) and _is_computed(cause))
