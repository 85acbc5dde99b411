"""Benchmarks of whole processes, which alternate: two commits of wordsparse, or wordsparse and gensim."""

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

import wordsparse as ws
from tools.bench.runner import Benchmark, OnText, Row, output_of

ROOT = Path(__file__).resolve().parents[2]
COSTS = ("cpu_seconds", "wall_seconds", "peak_memory_bytes")


@contextmanager
def tree_of(commit: str, folder: Path) -> Iterator[Path]:
    """Make a worktree of a commit and compile wordsparse in place; remove the worktree when the context ends."""
    output_of("git", "worktree", "add", "--detach", "--quiet", folder, commit, cwd=ROOT)
    try:
        output_of(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", cwd=folder)
        yield folder
    finally:
        output_of("git", "worktree", "remove", "--force", folder, cwd=ROOT)


def run(command: Sequence[str], folder: Path) -> tuple[str, Row]:
    """Run a program; return its output, CPU and wall seconds, and peak memory."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise click.ClickException(f"{shlex.join(command[:4])} … failed in {folder.name}: {err.read()[-1000:]}")
        cost = {"cpu_seconds": used.ru_utime + used.ru_stime, "wall_seconds": wall}
        return out.read(), {**cost, "peak_memory_bytes": used.ru_maxrss * 1024}


def wordsparse(tree: Path, *arguments: object) -> Row:
    """Run wordsparse from a worktree; return the printed losses, CPU and wall seconds, and peak memory."""
    output, cost = run([sys.executable, "-m", "wordsparse", *map(str, arguments), "--json"], tree)
    return {"loss": json.loads(output).get("loss"), **cost}


@dataclass
class InProcesses(OnText):
    """A benchmark that trains by the command line."""

    model: Any = "cbow"

    def flags(self, *more: str) -> list[object]:
        """Return the command-line options of ``train``, including the options named in ``more``."""
        sizes = self.sizes("model", *more).items()
        return [part for name, value in sizes for part in (f"--{name.replace('_', '-')}", value)]


@dataclass
class Commits(InProcesses):
    """Pairs of whole training runs with two commits: CPU time, wall time, memory, and whether the losses are equal.

    Each commit is compiled in its own worktree and encodes the text once. Then both commits train in each round, in
    alternating order. On a shared machine, only the ratio of CPU times is meaningful.
    """

    before: str = "HEAD~1"
    after: str = "HEAD"
    epochs: int = 1
    min_count: int = 5
    pairs: int = 5
    rounds: ClassVar[int] = 1

    def track_pairs(self) -> list[Row]:
        commits = [
            output_of("git", "rev-parse", "--short", "--verify", f"{name}^{{commit}}", cwd=ROOT).strip()
            for name in (self.before, self.after)
        ]
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            folder = Path(scratch)
            trees = [stack.enter_context(tree_of(commit, folder / f"{i}-{commit}")) for i, commit in enumerate(commits)]
            texts = [folder / "text-0", folder / "text-1"]
            for tree, encoded in zip(trees, texts, strict=True):
                wordsparse(tree, "encode", self.text.resolve(), "-o", encoded, "--min-count", self.min_count)
            rows: list[Row] = []
            for number in range(self.pairs):
                runs: dict[int, Row] = {}
                for i in (0, 1) if number % 2 == 0 else (1, 0):
                    output = folder / f"{number}-{i}"
                    runs[i] = wordsparse(trees[i], "train", texts[i], "-o", output, *self.flags())
                ratios = {name: runs[1][name] / runs[0][name] for name in COSTS}
                row = {"pair": number + 1, "first_cpu_seconds": runs[0]["cpu_seconds"], **ratios}
                rows.append({**row, "same_loss": runs[0]["loss"] == runs[1]["loss"]})
        medians = {name: statistics.median(row[name] for row in rows) for name in ("first_cpu_seconds", *COSTS)}
        same = all(row["same_loss"] for row in rows)
        return [*rows, {"pair": f"{commits[1]} / {commits[0]}", **medians, "same_loss": same}]


# Read the text with gensim's compiled reader, train, and write vectors in word2vec's binary format.
GENSIM = """
import json, sys
from gensim.models import Word2Vec
given, output = json.loads(sys.argv[1]), sys.argv[2]
Word2Vec(**given).wv.save_word2vec_format(output, binary=True)
"""


@dataclass
class FromText(InProcesses):
    """Training with wordsparse and with gensim (negative sampling), from a text file to vectors in word2vec's binary
    format. Whole processes run in turn, and medians of ``repeat`` runs are reported. ``ratio`` is gensim's seconds
    divided by ours, for the same model. All options other than the fields below keep each program's defaults.
    """

    model: Any = ("cbow", "skipgram")
    min_count: int = 5
    repeat: int = 3
    cases: ClassVar[tuple[str, ...]] = ("model",)

    def track_vectors(self) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            runs = [(self._ours(Path(folder, f"{i}")), self._gensim(Path(folder))) for i in range(self.repeat)]
        ours, peer = ({name: statistics.median(run[i][name] for run in runs) for name in COSTS} for i in (0, 1))
        ratio = {name: peer[name] / ours[name] for name in COSTS}
        return [{"side": "wordsparse", **ours}, {"side": "gensim", **peer}, {"side": "ratio", **ratio}]

    def _ours(self, output: Path) -> Row:
        output.mkdir()
        options = (*self.flags("min_count"), "--export", output / "vectors.bin")
        return wordsparse(ROOT, "train", self.text.resolve(), "-o", output / "model", *options)

    def _gensim(self, folder: Path) -> Row:
        given = {"corpus_file": str(self.text.resolve()), "vector_size": self.dim, "sg": int(self.model == "skipgram")}
        given |= {"epochs": self.epochs, "workers": self.threads, "min_count": self.min_count}
        return run([sys.executable, "-c", GENSIM, json.dumps(given), str(folder / "gensim.bin")], folder)[1]


@dataclass
class Threads(Benchmark):
    """CPU seconds of the busiest thread of a training and of all threads, from the third epoch on (Linux only).

    ``bound``, the seconds of all threads divided by the seconds of the busiest thread, is an upper bound on the
    speed-up that ``workers`` cores give.
    """

    text: Path = Path("text.txt")
    model: str = "cbow"
    dim: int = 100
    epochs: int = 6
    workers: int = 16
    repeats: int = 5

    def track_busiest(self) -> list[Row]:
        return [self._trained() for _ in range(self.repeats)]

    def _trained(self) -> Row:
        seconds: list[dict[str, float]] = []

        def note(progress: Any) -> None:
            if progress.epoch >= 2:
                seconds[1:] = [by_thread()]

        options = {"model": self.model, "dim": self.dim, "epochs": self.epochs, "form": 0}
        ws.train(self.text, threads=self.workers, progress=note, **options)
        spent = [after - seconds[0].get(name, 0) for name, after in seconds[1].items()]
        return {"busiest": max(spent), "all": sum(spent), "bound": sum(spent) / max(spent)}


def by_thread() -> dict[str, float]:
    """Return the CPU seconds of each thread of this process so far."""
    files = Path("/proc/self/task").glob("*/schedstat")
    return {file.parent.name: int(file.read_text().split()[0]) / 1e9 for file in files}
