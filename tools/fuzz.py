"""Mutated inputs of every kind: each must be read, or refused by an error of wordsparse's own.

    python tools/fuzz.py --inputs 1000000 --seed 1 --save findings

Each input is a good one with some changes (fuzz_kinds.py has the kinds, mutations.py the changes); checksums are made
right again, so that the checks behind them are reached. A finding is any other exception, more than ``--memory`` bytes
of address space, or more than ``--seconds`` seconds of CPU time. An input depends on its kind, the seed and its number
alone: ``--kinds model --seed 1 --inputs 1 --first 4711`` makes it again. Prints one JSON object; the exit status is 1
if there are findings.
"""

import json
import logging
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from unittest import mock

import click
from fuzz_kinds import SHARES, kinds
from good_inputs import make_good

from wordsparse.errors import WordsparseError


class Slow(BaseException):
    """An input took too long."""


@contextmanager
def limited(memory: int, seconds: float) -> Iterator[Callable[[], object]]:
    """A limit of the address space inside the block, which gets the function that starts the clock of an input."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, ring)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, limits[1]))
    try:
        yield lambda: signal.setitimer(signal.ITIMER_PROF, seconds)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, before)


def numbered(shares: dict[str, int], inputs: int, first: int) -> Iterator[tuple[str, int]]:
    """So many inputs, from the number ``first`` of each kind on, the kinds by their shares in turn."""
    turn = [(kind, i) for kind, share in shares.items() for i in range(share)]
    for n in range(inputs):
        turns, at = divmod(n, len(turn))
        kind, i = turn[at]
        yield kind, first + turns * shares[kind] + i


@click.command()
@click.option("--inputs", default=1000, show_default=True, help="How many, over all kinds.")
@click.option("--kinds", "chosen", multiple=True, type=click.Choice(list(SHARES)), help="Only this kind; repeatable.")
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first input of each kind.")
@click.option("--seconds", default=10.0, show_default=True, help="CPU time of an input, at most.")
@click.option("--memory", default=2**32, show_default=True, help="Bytes of address space, at most.")
@click.option("--save", type=click.Path(path_type=Path), help="Directory for what was found, made if missing.")
def main(
    inputs: int,
    chosen: tuple[str, ...],
    seed: int,
    first: int,
    seconds: float,
    memory: int,
    save: Path | None,
) -> None:
    """Read mutated inputs, and tell which were neither read nor refused."""
    shares = {kind: SHARES[kind] for kind in chosen or SHARES}
    logging.disable(logging.CRITICAL)
    counts, accepted, slowest, findings = Counter[str](), Counter[str](), 0.0, []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        good, place = Path(scratch) / "good", Path(scratch) / "place"
        good.mkdir()
        place.mkdir()
        make_good(good)
        attempts = kinds(good, place)
        # Nothing here must outlive the run: waiting for the disk would take most of its time.
        with mock.patch("os.fsync"), limited(memory, seconds) as start_clock:
            for kind, number in numbered(shares, inputs, first):
                shutil.rmtree(place)
                place.mkdir()
                counts[kind] += 1
                at = time.perf_counter()
                try:
                    start_clock()
                    attempts[kind](Random(f"{kind} {seed} {number}"))
                    accepted[kind] += 1
                except (WordsparseError, click.ClickException):
                    pass
                except (Exception, Slow) as error:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    said = "".join(traceback.format_exception(error))
                    findings.append({"kind": kind, "number": number, "seed": seed, "error": repr(error)[:300]})
                    if save is not None:
                        shutil.copytree(place, save / f"{kind}-{seed}-{number}", dirs_exist_ok=True)
                        (save / f"{kind}-{seed}-{number}" / "traceback.txt").write_text(said, errors="backslashreplace")
                slowest = max(slowest, time.perf_counter() - at)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"inputs": dict(counts), "accepted": dict(accepted), "findings": findings, "slowest_seconds": slowest}
    print(json.dumps({**result, "peak_memory_bytes": peak, "seconds": time.perf_counter() - started}))
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
