"""Kill commands at random moments, again and again, and check that nothing is lost or damaged.

The commands that write files, and search, receive SIGKILL, SIGTERM, SIGINT and SIGHUP. train runs on texts, tables,
counts and sessions; each time it resumes with other threads and times between checkpoints. Of a run on two ranks, one
rank receives the signal. The promises:

    train     the resumed run writes the same bytes as an undisturbed run
    others    the output is what stood there, or complete; the next run writes the same bytes as an undisturbed run
    all       the status is 130 after a signal that can be caught, and there is no traceback; no process is left, and,
              once the command has run to its end, no temporary file next to its output

The results are printed as JSON. The exit status is 1 if a promise was broken.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import click
import numpy as np

from wordsparse.training.run_directory import RunDirectory

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Commands are forked from a server process that has already imported the modules, so that commands start fast.
SERVER = multiprocessing.get_context("forkserver")
PRELOADED = ["wordsparse.cli.train", "wordsparse.training.output_run", "wordsparse.cli.encode", "wordsparse.labels"]
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
LAUNCHER = [MPIEXEC or "", "-n", "2", sys.executable, "-m", "wordsparse.distributed"]
LIMIT_SECONDS = 120
TRAINING = ["--dim", "20", "--epochs", "2", "--sample", "0", "--min-count", "1", "--batch-tokens", "60"]


@dataclass(frozen=True)
class Target:
    """A command to kill. ``arguments`` returns the command line; ``stands`` is what is at the output before."""

    name: str
    output: Path
    arguments: Callable[[], list[str]]
    stands: Path | None = None
    is_divided: bool = False


class Siege:
    """A loop that runs commands in ``folder``, kills them, and counts the outcomes."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, np.random.default_rng(seed)
        self.kills, self.damage = Counter[str](), list[str]()
        self._lasted = 0.0  # seconds that the last command took
        SERVER.set_forkserver_preload(PRELOADED)

    def attack(self, target: Target, kills: int) -> None:
        """Kill the command ``kills`` times, then let it run to its end, and compare the output with the reference."""
        self._reset(target)
        others, before = set(self.folder.iterdir()) - {target.output}, contents(target.output)
        self._must(target, self._status(target, None) == 0, "fails undisturbed")
        lasts = self._lasted
        reference = contents(target.output)
        self._reset(target)
        done = 0
        while done < kills:
            number = SIGNALS[self.random.integers(len(SIGNALS))]
            status = self._status(target, number, self.random.uniform(0, lasts))
            if status == 0:  # the command ended before the signal, so its output must be complete
                self._compare(target, reference, others)
                self._reset(target)
                continue
            done += 1
            self.kills[target.name] += 1
            expected = [-number] if number == signal.SIGKILL else [130]
            if target.is_divided and number == signal.SIGKILL:  # the launcher's status
                expected = [9, 137, 255]
            self._must(target, status in expected, f"{number.name} gave the status {status}: {self._said()}")
            content = contents(target.output)
            is_whole = content in (before, reference)
            self._must(target, is_whole, f"{number.name} damaged the output")
            if content != before:  # the output is already complete; the next run may refuse to replace it
                self._finish(target, reference, others)
        self._finish(target, reference, others)

    def _finish(self, target: Target, reference: dict[str, str], others: set[Path]) -> None:
        """Run the command until it ends or refuses the existing output. Compare the output with the reference."""
        status = self._status(target, None)
        self._must(target, status in (0, 2), f"gives the status {status} after the kills: {self._said()}")
        self._compare(target, reference, others)
        self._reset(target)

    def _compare(self, target: Target, reference: dict[str, str], others: set[Path]) -> None:
        content = contents(target.output)
        unlike = sorted(name for name in content.keys() | reference if content.get(name) != reference.get(name))
        self._must(target, not unlike, f"differs from an undisturbed run in {', '.join(unlike)}")
        left = {path.name for path in set(self.folder.iterdir()) - others - {target.output, self.folder / "errors"}}
        self._must(target, not left, f"left {', '.join(sorted(left))}")

    def _reset(self, target: Target) -> None:
        for path in self.folder.glob(f"*{target.output.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if target.stands is not None:
            (shutil.copytree if target.stands.is_dir() else shutil.copy)(target.stands, target.output)

    def _status(self, target: Target, number: signal.Signals | None, delay: float = 0.0) -> int:
        """Run the command, kill it after ``delay`` seconds, and return its exit status."""
        errors = self.folder / "errors"
        here, there = SERVER.Pipe()
        process = SERVER.Process(target=_run, args=(target.arguments(), str(errors), there, target.is_divided))
        process.start()
        there.close()
        here.recv()  # wait until the process handles signals
        ready = time.monotonic()
        if number is not None:
            process.join(delay)
            ranks = started(b"wordsparse.distributed") if target.is_divided else [process.pid]
            if process.exitcode is None and ranks:
                with contextlib.suppress(ProcessLookupError):  # already ended
                    os.kill(ranks[self.random.integers(len(ranks))], number)
        process.join(LIMIT_SECONDS)
        self._lasted = time.monotonic() - ready
        if process.exitcode is None:
            process.kill()
            self._must(target, False, "hangs")
        self._must(target, "Traceback" not in self._said(), f"a traceback: {self._said()[:1500]}")
        process.join()
        while (left := started()) and time.monotonic() < ready + LIMIT_SECONDS:
            time.sleep(0.01)
        self._must(target, not left, f"left processes: {left}")
        return process.exitcode or 0

    def _said(self) -> str:
        """Return the output of the last command."""
        errors = self.folder / "errors"
        return errors.read_text(errors="replace") if errors.exists() else ""

    def _must(self, target: Target, holds: bool, otherwise: str) -> None:
        if not holds:
            self.damage.append(f"{target.name}: {otherwise}")


def started(command: bytes = b"") -> list[int]:
    """Return the processes that commands have started by running a program with ``command`` in its command line."""
    found, mark = [], f"SIEGE={os.getpid()}\0".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_bytes()
            if mark in (place / "environ").read_bytes() and command in line and LAUNCHER[0].encode() not in line:
                found.append(int(place.name))
    return found


def _run(arguments: list[str], errors: str, ready: Connection, is_divided: bool) -> None:
    """Run the command line in its own process."""
    from wordsparse import signals
    from wordsparse.__main__ import run

    descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    signals.answer()  # as the installed script does first
    os.environ["SIEGE"] = str(multiprocessing.parent_process().pid)
    ready.send(None)
    if is_divided:
        os.execve(LAUNCHER[0], [*LAUNCHER, *arguments[1:]], os.environ | {"OMP_NUM_THREADS": "1"})
    sys.argv = ["wordsparse", *arguments]
    run()


# Files that differ between runs, because the files record the time, the speed or the threads of a run.
VARIES = ("model.json",)


def contents(output: Path) -> dict[str, str]:
    """Return the SHA-256 of each output file whose content depends only on the request."""
    files = [output] if output.is_file() else sorted(output.rglob("*"))
    reproducible = [path for path in files if path.is_file() and not set(path.relative_to(output).parts) & set(VARIES)]
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in reproducible}


def resuming(output: Path) -> list[str]:
    """Return the option that resumes a run, if a killed run has left something to resume."""
    return ["--resume"] if any(path.exists() for path in (output, RunDirectory(output).path)) else []


def targets(siege: Siege, materials: Path) -> list[Target]:
    """Return the commands to kill. The commands' inputs (texts, tables, a model, an index) are in ``materials``."""
    from wordsparse.counts.counting import count
    from wordsparse.labels import TextClassifier
    from wordsparse.search import Search
    from wordsparse.training.runs import train

    def place(name: str) -> Path:
        return materials / name

    words = np.random.default_rng(0).integers(0, 400, (2500, 8))
    texts = [" ".join(f"w{word}" for word in line) for line in words]
    place("text.txt").write_text("".join(f"{text}\n" for text in texts))
    rows = [{"id": i, "text": text, "n": i % 5 + 1, "tag": f"t{i % 7}"} for i, text in enumerate(texts)]
    place("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    place("more.jsonl").write_text("".join(f"{json.dumps({**row, 'text': 'w1 w2'})}\n" for row in rows[:300]))
    place("ids.txt").write_text("".join(f"{i}\n" for i in range(300)))
    log = (f"u{i},w{word},{at}\n" for i, line in enumerate(words) for at, word in enumerate(line))
    place("log.csv").write_text("user,item,at\n" + "".join(log))
    place("items.csv").write_text("item,tag\n" + "".join(f"w{i},t{i % 7}\n" for i in range(430)))
    place("old.npz").write_bytes(b"what stood there")
    model = train(place("text.txt"), output=place("model"), dim=100, epochs=1, min_count=1, threads=1)
    count(place("text.txt"), place("counted.parquet"), min_count=1)
    Search(model, place("rows.jsonl"), column="text", keep=["id"], id="id").save(place("indexed"))
    labels = ["--column", "text", "--labels", "tag", "--threads", "1", "--no-rerank"]
    TextClassifier(threads=1, rerank=False).fit(texts[:900], [[row["tag"]] for row in rows[:900]]).save(place("tagger"))

    def training(name: str, source: str, *more: object, is_divided: bool = False) -> Target:
        output = siege.folder / f"{name}-model"

        def arguments() -> list[str]:
            threads, seconds = siege.random.integers(1, 3), siege.random.choice([0, 0.02, 0.2])
            changing = ["--threads", str(threads), "--checkpoint-every", str(seconds), *resuming(output)]
            return ["train", str(place(source)), "-o", str(output), *TRAINING, *changing, *map(str, more)]

        return Target(name, output, arguments, is_divided=is_divided)

    def command(line: str, to: str, stands: str | None = None) -> Target:
        output = siege.folder / to
        arguments = [str(place(part) if place(part).exists() else part) for part in line.split()]
        arguments = [str(output) if part == "OUTPUT" else part for part in arguments]
        return Target(f"{arguments[0]} {to}", output, lambda: arguments, None if stands is None else place(stands))

    sessions = ("--for", "sessions", "--column", "item", "--group-by", "user", "--order-by", "at")
    ranks = [training("ranks", "text.txt", is_divided=True)] if MPIEXEC else []
    return [
        training("cbow", "text.txt"),
        training("skipgram", "text.txt", "--model", "skipgram", "--heldout", "0.1"),
        training("counts", "counted.parquet", "--model", "skipgram", "--for", "counts"),
        training("phrases", "text.txt", "--phrases", "2"),
        training("weights", "rows.jsonl", "--column", "text", "--weight-column", "n", "--tokens", "simple"),
        training("sessions", "log.csv", *sessions),
        training("features", "log.csv", *sessions, "--features", place("items.csv")),
        *ranks,
        command("encode text.txt -o OUTPUT", "encoded"),
        command("count rows.jsonl --column text --weight-column n --min-count 1 -o OUTPUT", "pairs.parquet"),
        command("export model --format npz -o OUTPUT", "vectors.npz", "old.npz"),
        command(f"labels train rows.jsonl {' '.join(labels)} --weight-column n -o OUTPUT", "tags"),
        command("labels train --resume --forget ids.txt -o OUTPUT", "fewer", "tagger"),
        command("index model rows.jsonl --column text -o OUTPUT", "documents"),
        command("index OUTPUT more.jsonl", "changed", "indexed"),
        command("search OUTPUT w1", "asked", "indexed"),
    ]


@click.command()
@click.option("--kills", type=click.IntRange(1), default=240, show_default=True, help="Kills, over all commands.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(kills: int, seed: int) -> None:
    """Kill every command at random moments and print the outcomes as JSON."""
    with tempfile.TemporaryDirectory(prefix="wordsparse-siege-") as scratch:
        folder, materials = Path(scratch) / "siege", Path(scratch) / "materials"
        folder.mkdir()
        materials.mkdir()
        siege = Siege(folder, seed)
        attacked = targets(siege, materials)
        for target in attacked:
            click.echo(f"killing {target.name}", err=True)
            siege.attack(target, -(-kills // len(attacked)))
    click.echo(json.dumps({"kills": siege.kills, "damage": siege.damage}, indent=1))
    sys.exit(1 if siege.damage else 0)


if __name__ == "__main__":
    main()
