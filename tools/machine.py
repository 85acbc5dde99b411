"""What every tool here shares: naming the machine that gave its numbers, timing sides in turn, JSON and tables.

A time without its machine says little, so each report opens with :func:`describe`: the processor, the BLAS libraries
found, the versions, and the rate at which this machine multiplies float32 matrices on the threads of the run.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
import threadpoolctl

from wordsparse.formats.atomic import write_atomically
from wordsparse.threads import available_cpus

PACKAGES = ("wordsparse", "numpy", "scipy")
# A round of a fast side lasts at least so long, in seconds.
ROUND = 0.3

Step = Callable[[], object]


def describe(threads: int, sgemm_size: int = 2048) -> dict[str, Any]:
    """The machine, as JSON: processor, CPUs, load, BLAS, versions, and sgemm GFLOP/s on ``threads`` threads."""
    with blas_threads(threads):
        rate = sgemm_gflops(sgemm_size)
    return {
        "processor": processor(),
        "cpus": available_cpus(),
        "threads": threads,
        "load_average": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "blas": [
            f"{pool['prefix']} {pool['version']} ({pool.get('architecture', 'architecture unknown')})"
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas"
        ],
        "sgemm_gflops": rate,
    }


def processor() -> str:
    """The processor's name, as its vendor gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


@contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Gives BLAS ``threads`` threads: for the sides of a comparison that leave their threads to BLAS."""
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        yield


def sgemm_gflops(size: int) -> float:
    """Best of five float32 products of square matrices, in 10⁹ operations a second, on BLAS's present threads."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    out = np.empty_like(a)
    seconds = []
    for _ in range(6):  # the first one warms up
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:]) / 1e9


def in_turn(steps: Sequence[Step]) -> Step:
    """One step that takes the next of ``steps`` every time."""
    count = 0

    def step() -> object:
        nonlocal count
        count += 1
        return steps[count % len(steps)]()

    return step


def alternate(
    sides: Mapping[Any, tuple[int, Step]], rounds: int, few: Mapping[Any, int] | None = None
) -> dict[Any, Any]:
    """Time sides (m, step) in turn, ``rounds`` times round; microseconds per example of wall and of CPU time.

    Sides in ``few`` run in so many rounds only, one step a round; the others until a round has lasted long enough.
    """
    few = few or {}
    for name, (_, step) in sides.items():
        if name not in few:
            step()  # caches, page tables and BLAS's buffers
    times: dict[Any, list[tuple[float, float]]] = {name: [] for name in sides}
    for i in range(rounds):
        for name, (m, step) in sides.items():
            if i < few.get(name, rounds):
                wall, cpu, n = time.perf_counter(), time.process_time(), 0
                while n == 0 or (name not in few and time.perf_counter() - wall < ROUND):
                    step()
                    n += 1
                examples = n * m / 1e6
                times[name].append(((time.perf_counter() - wall) / examples, (time.process_time() - cpu) / examples))
    return {
        name: {
            "wall_us": statistics.median(wall for wall, _ in rounds_),
            "cpu_us": statistics.median(cpu for _, cpu in rounds_),
            "rounds_wall_us": [wall for wall, _ in rounds_],
        }
        for name, rounds_ in times.items()
    }


def memory_bytes(field: str) -> int:
    """``VmRSS`` (resident now) or ``VmHWM`` (its peak) of this process; Linux only.

    Not getrusage: its peak is inherited from the process that started this one.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``-o FILE``, refused before the run where the file could not be written after it."""

    def check(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None and not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise click.BadParameter(f"{path.absolute().parent} is not a directory that can be written to")
        return path

    kind = click.Path(dir_okay=False, path_type=Path)
    option = click.option("-o", "--output", type=kind, callback=check, help="Write the report here, as JSON.")
    return option(command)


def threads_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``--threads N``, of every side alike."""
    kind = click.IntRange(1)
    option = click.option("--threads", type=kind, default=1, show_default=True, help="Threads of every side.")
    return option(command)


def int_list(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """An option's callback: positive whole numbers separated by commas."""
    if value is None:
        return None
    try:
        numbers = tuple(int(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive whole numbers such as 128,1024")
    return numbers


def write_report(report: Mapping[str, Any], path: Path | None) -> None:
    """Write ``report`` as JSON, whole or not at all; numbers that are not finite are a mistake of the tool."""
    if path is not None:
        text = json.dumps(report, indent=1, allow_nan=False) + "\n"

        def write(staged: Path) -> None:
            staged.write_text(text, encoding="utf-8")

        write_atomically(path.absolute(), write)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned to the right; floats with three significant digits."""

    def cell(value: object) -> str:
        if value is None:
            return "-"
        if not isinstance(value, float):
            return str(value)
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"

    cells = [list(headers), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
