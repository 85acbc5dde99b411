"""Code that all benchmarks share: options, timing all cases in turn, and the report."""

import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import click
from threadpoolctl import threadpool_limits

from wordsparse.files.storage import write_file
from wordsparse.kernels.diagnosis import provenance
from wordsparse.machine.description import BLAS_OVERRIDES, commit

# The minimum duration of a round in seconds: in each round, fast methods are called several times.
ROUND = 0.3

Row = dict[str, Any]


@dataclass
class Benchmark:
    """A benchmark, whose fields are options. Options named in ``cases`` hold tuples of values to measure.

    ``per`` is the number of examples (or tokens) in one call of a ``time_…`` method; times are divided by it.
    """

    threads: int = 1
    cases: ClassVar[tuple[str, ...]] = ()
    rounds: ClassVar[int] = 5
    per: ClassVar[float] = 1.0

    def setup(self) -> None:
        """Prepare one case."""


@dataclass
class OnText(Benchmark):
    """A benchmark that trains on a text file, with options that gensim and fastText have too."""

    text: Path = Path("text.txt")
    dim: int = 100
    epochs: int = 5

    def sizes(self, *more: str) -> Row:
        """Return the fields that are also options of training, including the fields named in ``more``."""
        return {name: getattr(self, name) for name in ("dim", "epochs", "threads", *more)}


def once(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``time_…`` method as slow: each round calls a slow method once, and there is no warm-up."""
    method.once = True  # type: ignore[attr-defined]
    return method


def let_blas_choose() -> None:
    """Restart this program without the environment variables that override BLAS's choice of kernels."""
    dropped = [name for name in BLAS_OVERRIDES if name in os.environ]
    if dropped:
        print(f"{' and '.join(dropped)} dropped: BLAS chooses its kernels itself", file=sys.stderr)
        environment = {name: value for name, value in os.environ.items() if name not in dropped}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # BLAS reads variables on loading


def shown(value: Any) -> str:
    """Format the value of an option as it is typed on the command line."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def options(subject: type[Benchmark], texts: Mapping[str, str]) -> Row:
    """Convert options of the command line to the types of their defaults."""
    defaults = {field.name: field.default for field in fields(subject)}
    values: Row = {}
    for name, text in texts.items():
        if name not in defaults:
            raise click.UsageError(f"{subject.__name__} has no option {name}; it has {', '.join(defaults)}")
        default: Any = defaults[name]
        try:
            if isinstance(default, tuple):
                values[name] = tuple(type(default[0])(part) for part in text.split(",")) if text else ()
            else:
                values[name] = type(default)(text)
        except ValueError:
            raise click.UsageError(f"{name}={text}: expected a value such as {shown(default)}") from None
    return values


def check_output(output: Path, dirty: bool) -> None:
    """Raise an error, before anything runs, if the report cannot be written or its commit does not match the code."""
    if not os.access(output.absolute().parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"{output.absolute().parent} is not a directory that can be written to")
    if (commit() or "-dirty").endswith("-dirty") and not dirty:
        raise click.UsageError("files differ from the commit: commit them first, or mark the report with --dirty")


def measured(subject: type[Benchmark], values: Row, rounds: int | None = None) -> Row:
    """Return the report of one benchmark, with a row for each timed method and for each tracked result."""
    base = subject(**values)
    rows: list[Row] = []
    failed: dict[str, str] = {}
    with threadpool_limits(base.threads, user_api="blas"):
        sides = []
        for case in swept(base):
            with attempt(failed, f"setup {case}"):
                side = replace(base, **case)
                side.setup()
                sides.append((case, side))
        with attempt(failed, "time"):
            rows += timed(sides, rounds or base.rounds)
        for case, side in sides:
            for name, method in methods(side, "track_"):
                with attempt(failed, f"{name} {case}"):
                    value = method()
                    tracked = value if isinstance(value, list) else [{"value": value}]
                    rows += [{"benchmark": name, **case, **row} for row in tracked]
    return {
        "subject": subject.__name__,
        "options": json.loads(json.dumps(asdict(base), default=str)),
        "machine": provenance(base.threads),
        "rows": rows,
        "failed": failed,
    }


@contextmanager
def attempt(failed: dict[str, str], name: str) -> Iterator[None]:
    """Run a part of a benchmark. If this part fails, record the error, so that other parts still run."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        failed[name] = "".join(traceback.format_exception(error))
        click.echo(f"{name} failed: {failed[name]}", err=True)


def swept(base: Benchmark) -> Iterator[Row]:
    """Yield the cases: all combinations of the values of the options named in ``cases``."""
    values = [getattr(base, name) for name in base.cases]
    for combination in product(*values):
        yield dict(zip(base.cases, combination, strict=True))


def methods(side: Benchmark, prefix: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the names and methods with the given prefix that apply to a case, in source order."""
    names = [name for kind in reversed(type(side).__mro__) for name in vars(kind) if name.startswith(prefix)]
    leaves_out = getattr(side, "leaves_out", lambda name: False)
    for name in dict.fromkeys(names):
        if not leaves_out(name):
            yield name, getattr(side, name)


def timed(sides: Sequence[tuple[Row, Benchmark]], rounds: int) -> list[Row]:
    """Measure wall and CPU microseconds of all ``time_…`` methods: medians over rounds, in which methods take turns."""
    calls = [(case, side.per, name, call) for case, side in sides for name, call in methods(side, "time_")]
    times: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _, _, _, call in calls:
        if not hasattr(call, "once"):
            call()  # warms up caches, page tables and BLAS's buffers
    for _ in range(rounds):
        for i, (_, per, _, call) in enumerate(calls):
            wall, cpu, count = time.perf_counter(), cpu_seconds(), 0
            while count == 0 or (not hasattr(call, "once") and time.perf_counter() - wall < ROUND):
                call()
                count += 1
            units = count * per / 1e6
            times[i].append(((time.perf_counter() - wall) / units, (cpu_seconds() - cpu) / units))
    rows = []
    for (case, _, name, _), rounds_of_call in zip(calls, times, strict=True):
        wall_us, cpu_us = (statistics.median(column) for column in zip(*rounds_of_call, strict=True))
        rounds_us = [round(wall, 6) for wall, _ in rounds_of_call]
        rows.append({"benchmark": name, **case, "wall_us": wall_us, "cpu_us": cpu_us, "rounds_wall_us": rounds_us})
    return rows


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def output_of(*command: str | Path, **options: Any) -> str:
    """Return the output of a command. If the command fails, raise an error with the end of its messages."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise click.ClickException(f"{shlex.join(map(str, command[:4]))}: {done.stderr.strip()[-1000:]}")
    return str(done.stdout)


def write(reports: Sequence[Row], output: Path) -> None:
    """Write all reports to one JSON file. If a number is not finite, raise ValueError and write nothing."""
    command = shlex.join(["python", "-m", "tools.bench", *sys.argv[1:]])
    content = json.dumps({"command": command, "reports": list(reports)}, allow_nan=False)
    write_file(output.absolute(), one_row_a_line(content).encode())


def one_row_a_line(content: str) -> str:
    """Begin a line at each report and each row of a JSON text, and round its numbers to seven significant digits."""
    rounded = json.dumps(json.loads(content, parse_float=lambda digits: float(f"{float(digits):.7g}")))
    return re.sub(r'(?=\{"(?:subject|benchmark|name|model|method)": )', "\n", rounded) + "\n"
