"""Shared by the tools: naming the machine that gave a number, timing sides in turn, JSON and tables."""

import json
import os
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import int_list as int_list
from wordsparse.files.storage import write_file
from wordsparse.kernels.diagnosis import provenance as provenance
from wordsparse.machine.description import BLAS_OVERRIDES
from wordsparse.machine.description import blas_threads as blas_threads
from wordsparse.machine.description import memory_bytes as memory_bytes
from wordsparse.machine.description import sgemm_gflops as sgemm_gflops

# The shortest round of a fast side, in seconds.
ROUND = 0.3

Step = Callable[[], object]


def run(main: Callable[[], object]) -> None:
    """Run a tool's command. BLAS chooses its kernels itself: variables that choose for it are dropped first."""
    dropped = [name for name in BLAS_OVERRIDES if name in os.environ]
    if dropped:
        print(f"{' and '.join(dropped)} dropped: BLAS chooses its kernels itself", file=sys.stderr)
        environment = {name: value for name, value in os.environ.items() if name not in dropped}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # BLAS reads them when loaded
    main()


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
    """The option ``--threads N``, which applies to every side."""
    kind = click.IntRange(1)
    option = click.option("--threads", type=kind, default=1, show_default=True, help="Threads of every side.")
    return option(command)


def write_report(report: Mapping[str, Any], path: Path | None) -> None:
    """Write ``report`` as JSON, whole or not at all; numbers that are not finite are a mistake of the tool."""
    if path is not None:
        command = shlex.join(["python", *sys.orig_argv[1:]])
        text = json.dumps({"command": command, **report}, indent=1, allow_nan=False) + "\n"
        write_file(path.absolute(), text.encode())


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
