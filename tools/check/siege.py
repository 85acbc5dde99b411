"""Kill commands at random moments, again and again, and check that nothing is lost or damaged.

The commands train, encode and export receive SIGKILL, SIGTERM, SIGINT and SIGHUP. train runs with CBOW, with skip-gram
and held-out text, and from counts; each time it resumes with other threads and times between checkpoints. The promises:

    train     the resumed run writes the same bytes as an undisturbed run
    encode    the output is missing or complete; the next run writes the same bytes as an undisturbed run
    export    the output is either the complete old file or the complete new file
    all       the status is 130 after a signal that can be caught, and there is no traceback; once the command has run
              to its end, no temporary file is left next to its output

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

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Commands are forked from a server process that has already imported the modules, so that commands start fast.
SERVER = multiprocessing.get_context("forkserver")
PRELOADED = ["wordsparse.cli.train", "wordsparse.training.output_run", "wordsparse.cli.encode"]
LIMIT_SECONDS = 120
TRAINING = ["--dim", "20", "--epochs", "2", "--sample", "0", "--min-count", "1", "--batch-tokens", "60"]


@dataclass(frozen=True)
class Target:
    """A command to kill. ``arguments`` returns the command line; ``stands`` is the output file's earlier content."""

    name: str
    output: Path
    arguments: Callable[[], list[str]]
    stands: bytes | None = None


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
            expected = -number if number == signal.SIGKILL else 130
            self._must(target, status == expected, f"{number.name} gave the status {status}")
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
            target.output.write_bytes(target.stands)

    def _status(self, target: Target, number: signal.Signals | None, delay: float = 0.0) -> int:
        """Run the command, kill it after ``delay`` seconds, and return its exit status."""
        errors = self.folder / "errors"
        here, there = SERVER.Pipe()
        process = SERVER.Process(target=_run, args=(target.arguments(), str(errors), there))
        process.start()
        there.close()
        here.recv()  # wait until the process handles signals
        ready = time.monotonic()
        if number is not None:
            process.join(delay)
            if process.exitcode is None and process.pid is not None:
                with contextlib.suppress(ProcessLookupError):  # already ended
                    os.kill(process.pid, number)
        process.join(LIMIT_SECONDS)
        self._lasted = time.monotonic() - ready
        if process.exitcode is None:
            process.kill()
            self._must(target, False, "hangs")
        self._must(target, "Traceback" not in self._said(), f"a traceback: {self._said()[:1500]}")
        process.join()
        return process.exitcode or 0

    def _said(self) -> str:
        """Return the output of the last command."""
        errors = self.folder / "errors"
        return errors.read_text(errors="replace") if errors.exists() else ""

    def _must(self, target: Target, holds: bool, otherwise: str) -> None:
        if not holds:
            self.damage.append(f"{target.name}: {otherwise}")


def _run(arguments: list[str], errors: str, ready: Connection) -> None:
    """Run the command line in its own process."""
    from wordsparse import signals
    from wordsparse.__main__ import run

    descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    signals.answer()  # as the installed script does first
    ready.send(None)
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
    """Return the commands to kill. The commands' inputs (a text, counted pairs, a model) are in ``materials``."""
    from wordsparse.counts.counting import count
    from wordsparse.training.runs import train

    text, model, counted = materials / "text.txt", materials / "model", materials / "counted.parquet"
    words = np.random.default_rng(0).integers(0, 400, (2500, 8))
    text.write_text("".join(" ".join(f"w{word}" for word in line) + "\n" for line in words))
    train(text, output=model, dim=100, epochs=1, min_count=1, threads=1)
    count(text, counted, min_count=1)

    def training(name: str, *more: object, source: Path = text, kind: str = "cbow") -> Target:
        output = siege.folder / f"{name}-model"

        def arguments() -> list[str]:
            threads, seconds = siege.random.integers(1, 3), siege.random.choice([0, 0.02, 0.2])
            changing = ["--threads", str(threads), "--checkpoint-every", str(seconds), *resuming(output)]
            return ["train", str(source), "-o", str(output), *TRAINING, "--model", kind, *changing, *map(str, more)]

        return Target(name, output, arguments)

    def command(name: str, *words: object, to: str, stands: bytes | None = None) -> Target:
        output = siege.folder / to
        arguments = [name, *map(str, words)]
        return Target(name, output, lambda: [*arguments, "-o", str(output)], stands)

    return [
        training("cbow"),
        training("skipgram", "--heldout", "0.1", kind="skipgram"),
        training("counts", "--for", "counts", source=counted, kind="skipgram"),
        command("encode", text, to="encoded"),
        command("export", model, "--format", "npz", to="vectors.npz", stands=b"what stood there"),
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
