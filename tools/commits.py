"""Two commits beside each other: the same training by both, in turn, each run a process of its own.

    python tools/commits.py main~5 main text.txt --model skipgram --dim 300 --threads 2 --rounds 5 -o commits.json

Each commit is checked out into a worktree, compiled there by this Python, and encodes the text once. Then the two train
in turn, the first one first in every other round. A round gives one ratio of CPU times (user and system, of the whole
process) and one of wall times; on a shared machine only the former says much. The losses tell whether both did the
same.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import machine

ROOT = Path(__file__).resolve().parents[1]
# What a round compares, and its name in the table.
COSTS = {"cpu_seconds": "CPU", "wall_seconds": "wall", "peak_memory_bytes": "memory"}

Cost = dict[str, Any]


@contextmanager
def tree_of(revision: str, folder: Path) -> Iterator[Path]:
    """A worktree of a revision, compiled in place, which is removed when the context ends."""
    git("worktree", "add", "--detach", "--quiet", str(folder), revision)
    try:
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise click.ClickException(f"{revision} cannot be compiled: {done.stderr[-1000:]}")
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def git(*arguments: str) -> str:
    """The output of a git command in this repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout.strip()


def commit_of(revision: str) -> str:
    """The short hash of a revision's commit."""
    try:
        return git("rev-parse", "--short", "--verify", f"{revision}^{{commit}}")
    except click.ClickException as error:
        raise click.BadParameter(f"{revision} is no commit of this repository: {error.message}") from None


def wordsparse(tree: Path, *arguments: str) -> Cost:
    """What the program of a tree prints as JSON, and the cost of its process."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "wordsparse", *arguments, "--json"]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=tree, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise click.ClickException(f"wordsparse {arguments[0]} failed in {tree.name}: {err.read()[-1000:]}")
        report = json.loads(out.read())
    cost = {"cpu_seconds": used.ru_utime + used.ru_stime, "wall_seconds": wall}
    return {"loss": report.get("loss"), **cost, "peak_memory_bytes": used.ru_maxrss * 1024}


def trained(trees: Sequence[Path], texts: Sequence[Path], options: Sequence[str], rounds: int) -> list[list[Cost]]:
    """The runs of each round: of the first tree, and of the second."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            runs: dict[int, Cost] = {}
            for i in (0, 1) if number % 2 == 0 else (1, 0):
                output = Path(folder, f"{number}-{i}")
                runs[i] = wordsparse(trees[i], "train", str(texts[i]), "-o", str(output), *options)
            found.append([runs[0], runs[1]])
    return found


def summary(rounds: Sequence[Sequence[Cost]]) -> dict[str, Any]:
    """The second side over the first, by round, with medians; and whether their losses are the same."""
    ratios = {name: [second[name] / first[name] for first, second in rounds] for name in COSTS}
    return {
        "ratios": ratios,
        "medians": {name: statistics.median(values) for name, values in ratios.items()},
        "same_losses": all(first["loss"] == second["loss"] for first, second in rounds),
    }


def show(commits: Sequence[str], rounds: Sequence[Sequence[Cost]], found: dict[str, Any]) -> None:
    """Print the rounds and their medians."""
    rows = [
        [i + 1, *(run["cpu_seconds"] for run in runs), *(found["ratios"][name][i] for name in COSTS)]
        for i, runs in enumerate(rounds)
    ]
    headers = ["round", *(f"{commit} CPU s" for commit in commits), *(f"{name} ratio" for name in COSTS.values())]
    print(machine.table(headers, rows))
    medians = ", ".join(f"{name} {found['medians'][key]:.3f}" for key, name in COSTS.items())
    losses = "equal" if found["same_losses"] else "different"
    print(f"{commits[1]} over {commits[0]}, medians: {medians}; losses: {losses}")


@click.command()
@click.argument("before")
@click.argument("after")
@click.argument("text", type=click.Path(exists=True, path_type=Path))
@click.option("--model", type=click.Choice(["cbow", "skipgram"]), default="cbow", show_default=True)
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=1, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True)
@machine.threads_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@machine.output_option
def main(before: str, after: str, text: Path, min_count: int, rounds: int, output: Path | None, **given: Any) -> None:
    """Train by two commits in turn: BEFORE and AFTER, on TEXT."""
    commits = [commit_of(revision) for revision in (before, after)]
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        trees = [
            stack.enter_context(tree_of(commit, Path(folder, f"{side}-{commit}")))
            for side, commit in zip(("before", "after"), commits, strict=True)
        ]
        texts = [Path(folder, side) for side in ("before-text", "after-text")]
        for tree, encoded in zip(trees, texts, strict=True):
            wordsparse(tree, "encode", str(text.resolve()), "-o", str(encoded), "--min-count", str(min_count))
        rounds_ = trained(trees, texts, options, rounds)
    found = summary(rounds_)
    show(commits, rounds_, found)
    facts = {"machine": machine.provenance(given["threads"]), "commits": commits, "options": options}
    machine.write_report({**facts, "rounds": rounds_, **found}, output)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the worktrees are removed
    machine.run(main)
