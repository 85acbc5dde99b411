"""Every command, killed at random moments again and again, loses and damages nothing.

SIGKILL, SIGTERM, SIGINT and SIGHUP hit train (CBOW, skip-gram with held-out text, each
resume on another number of threads and with other seconds between checkpoints; from counts; on a graph; on two ranks,
where one of them or the launcher is hit), encode, count, export, documents, infer, explore, subwords, labels train,
Model.save, evaluate and compare.
The promises:

    train, ranks  the run that is resumed in the end writes the bytes of a run that nobody disturbed
    encode, subwords, labels, Model.save
                  the output is not there, or whole; the next run writes the bytes of an undisturbed one
    count, export, documents, infer, explore
                  the file that stood at the output is there as it was, or the new one, whole
    evaluate      nothing is written
    compare       the report is not there, or whole; the process that trains ends with the comparison
    all           status 130 after a signal that can be caught (of ranks: not 0), no traceback, no process that runs on;
                  when the command has run to its end in the end, nothing lies about beside its output

The figures are printed as JSON. The exit status is 1 if a promise was broken.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import click
import numpy as np

from wordsparse import optional

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Forked from one process that has imported everything and run nothing: cheap to start and to kill.
SERVER = multiprocessing.get_context("forkserver")
PRELOADED = [
    "wordsparse.cli.train",
    "wordsparse.training.output_run",
    "wordsparse.words.model_directory",
    "wordsparse.cli.encode",
    "wordsparse.explorer",
    "wordsparse.labels.classifier",
    "wordsparse.unseen.documents",
    "wordsparse.unseen.infer",
]
# Shares of the kills: training has the most to lose, and a comparison takes long.
SHARES = {
    "cbow": 5,
    "skipgram": 5,
    "counts": 3,
    "graph": 2,
    "ranks": 2,
    "encode": 3,
    "count": 2,
    "export": 3,
    "documents": 2,
    "infer": 2,
    "explore": 2,
    "subwords": 2,
    "labels": 2,
    "save": 2,
    "evaluate": 1,
    "compare": 1,
}
LIMIT_SECONDS = 120
# Hydra's proxy ignores SIGTERM: the run then goes on to its end, which takes minutes where others use the machine too.
RANKS_LIMIT_SECONDS = 600
# Open MPI wants to be told that it may run as root, and more processes than there are cores.
AS_ROOT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
TRAINING = ["--dim", "20", "--epochs", "2", "--sample", "0", "--min-count", "1", "--batch-tokens", "60"]


@dataclass
class Figures:
    """The kills so far, and their outcome."""

    kills: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    identical: int = 0
    damage: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """A command to kill: ``arguments`` gives the command line of one more try; ``stands`` at the output before.

    ``ranks`` processes run it, where that is not 0.
    """

    name: str
    output: Path
    arguments: Callable[[], list[str]]
    stands: bytes | None = None
    ranks: int = 0


class Siege:
    """Kills commands in ``folder`` and counts the outcomes."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random, self.figures = folder, np.random.default_rng(seed), Figures()
        self._lasted, self._hit = 0.0, ""  # seconds of the last command, and which signal hit which of its processes
        SERVER.set_forkserver_preload(PRELOADED)

    def attack(self, target: Target, kills: int) -> None:
        """Kill the command ``kills`` times, let it run to its end, and compare."""
        self._reset(target)
        beside, before = set(self.folder.iterdir()) - {target.output}, contents(target.output)
        self._must(target, self._status(target, None) == 0, "fails undisturbed")
        lasts = self._lasted
        reference = contents(target.output)
        self._reset(target)
        done = 0
        while done < kills:
            number = SIGNALS[self.random.integers(len(SIGNALS))]
            status = self._status(target, number, self.random.uniform(0, lasts))
            if status == 0:  # it was faster, and must be whole
                self.figures.ended_before += 1
                self._compare(target, reference, beside)
                self._reset(target)
                continue
            done += 1
            self.figures.kills[target.name] += 1
            self.figures.signals[number.name] += 1
            expected = -number if number == signal.SIGKILL or target.name == "save" else 130
            as_it_must = target.ranks > 0 or status == expected  # of ranks, the launcher gives its own
            self._must(target, as_it_must, f"{number.name} gave the status {status}")
            found = contents(target.output)
            is_whole = found in (before, reference)
            self._must(target, is_whole, f"{number.name} damaged the output")
            if found != before:  # the kill came after the output, which the next run may refuse to replace
                self._finish(target, reference, beside)
        self._finish(target, reference, beside)

    def _finish(self, target: Target, reference: dict[str, str], beside: set[Path]) -> None:
        """Let the command run to its end, or refuse the output that is there, and compare."""
        status = self._status(target, None)
        self._must(target, status in (0, 2), f"gives the status {status} after the kills: {self._said()}")
        self._compare(target, reference, beside)
        self._reset(target)

    def _compare(self, target: Target, reference: dict[str, str], beside: set[Path]) -> None:
        found = contents(target.output)
        self.figures.identical += found == reference
        unlike = sorted(name for name in found.keys() | reference if found.get(name) != reference.get(name))
        self._must(target, not unlike, f"other bytes than an undisturbed run in {', '.join(unlike)}")
        left = {path.name for path in set(self.folder.iterdir()) - beside - {target.output, self.folder / "errors"}}
        self._must(target, not left, f"left {', '.join(sorted(left))}")

    def _reset(self, target: Target) -> None:
        for path in self.folder.glob(f"*{target.output.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if target.stands is not None:
            target.output.write_bytes(target.stands)

    def _status(self, target: Target, number: signal.Signals | None, delay: float = 0.0) -> int:
        """Run the command, kill it after ``delay`` seconds, and give its exit status."""
        errors, self._hit = self.folder / "errors", ""
        if target.ranks:
            return self._status_of_ranks(target, number, delay)
        here, there = SERVER.Pipe()
        process = SERVER.Process(target=_run, args=(target.arguments(), str(errors), there))
        process.start()
        there.close()
        here.recv()  # from here on it answers signals
        ready = time.monotonic()
        workers = []
        if number is not None:
            process.join(delay)
            workers = children(process.pid)
            if process.exitcode is None and process.pid is not None:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(process.pid, number)
        process.join(LIMIT_SECONDS)
        self._lasted = time.monotonic() - ready
        if process.exitcode is None:
            process.kill()
            self._must(target, False, "hangs")
        self._check_end(target, workers)
        process.join()
        return process.exitcode or 0

    def _status_of_ranks(self, target: Target, number: signal.Signals | None, delay: float) -> int:
        """As :meth:`_status`; the signal hits the launcher or one of the processes that it has started."""
        launcher = [str(MPIEXEC), "-n", str(target.ranks), sys.executable, "-m", "wordsparse.distributed"]
        with open(self.folder / "errors", "wb") as said:
            process = subprocess.Popen([*launcher, *target.arguments()[1:]], stdout=said, stderr=said, env=AS_ROOT)
        began, started = time.monotonic(), []
        if number is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(delay)
            started = descendants(process.pid)
            victim = int(self.random.choice([process.pid, *started]))
            with contextlib.suppress(ProcessLookupError, OSError):
                self._hit = f"{number.name} to {Path(f'/proc/{victim}/cmdline').read_bytes().split(bytes(1))[:4]}"
                os.kill(victim, number)
        try:
            process.wait(RANKS_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            self._must(target, False, "hangs")
        self._lasted = time.monotonic() - began
        self._check_end(target, started)
        return process.wait()

    def _check_end(self, target: Target, started: list[int]) -> None:
        """Whether the processes that it started end too, and none has printed a traceback."""
        self._must(target, all(ends(pid) for pid in started), "its worker runs on")
        _, traceback, rest = self._said().partition("Traceback")
        # Of a signal while the interpreter starts; before start(), nothing of ours has begun.
        is_pythons = target.ranks > 0 and ", in start\n" not in rest
        self._must(target, not traceback or is_pythons, f"a traceback: {rest[:1500]}")

    def _said(self) -> str:
        """What the last command has said."""
        errors = self.folder / "errors"
        return errors.read_text(errors="replace") if errors.exists() else ""

    def _must(self, target: Target, holds: bool, otherwise: str) -> None:
        if not holds:
            said = f" ({self._hit}; it said {self._said()[-300:]!r})" if self._hit else ""
            self.figures.damage.append(f"{target.name}: {otherwise}{said}")


def _run(arguments: list[str], errors: str, ready: Connection) -> None:
    """In a process of its own: the script, or a save by a Python program."""
    from wordsparse import __main__ as script

    descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    for number in script.SIGNALS:
        # A script answers signals from its first line on, a program is ended by them.
        signal.signal(number, signal.SIG_DFL if arguments[0] == "save" else script.leave)
    ready.send(None)
    if arguments[0] == "save":
        from wordsparse.errors import InputError
        from wordsparse.words.model_directory import load

        try:
            load(arguments[1]).save(arguments[2])
        except InputError:  # an earlier one has written it
            sys.exit(2)
    else:
        sys.argv = ["wordsparse", *arguments]
        script.run()


def children(pid: int | None) -> list[int]:
    """Processes that it has started, where the system lists them."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Processes that it has started, and their own, down to the last."""
    started = children(pid)
    return started + [later for child in started for later in descendants(child)]


def ends(pid: int, seconds: float = 60.0) -> bool:
    """Whether a process ends within ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


# Files that hold the time at which, the speed with which, or the threads on which a result was made.
VARIES = ("model.json", "options.toml", "report.json", "report.html", "pictures")


def contents(output: Path) -> dict[str, str]:
    """SHA-256 of every file at the output that depends on the request alone."""
    files = [output] if output.is_file() else sorted(output.rglob("*"))
    kept = [path for path in files if path.is_file() and not set(path.relative_to(output).parts) & set(VARIES)]
    return {str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def write_text(path: Path, sentences: int, first: str = "w") -> Path:
    """Sentences of seven words out of 400; the first one begins otherwise."""
    random = np.random.default_rng(0)
    words = (random.integers(0, 400, 7) for _ in range(sentences))
    lines = (" ".join([f"{first}{i}", *(f"w{j}" for j in rest)]) for i, *rest in words)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def targets(siege: Siege, materials: Path, sentences: int) -> list[Target]:
    """The commands, with what they work on in the folder ``materials``: a text and a model."""
    from wordsparse.counts.counting import count
    from wordsparse.training.runs import train

    text, model, pairs = write_text(materials / "text.txt", sentences), materials / "model", materials / "pairs.tsv"
    pairs.write_text("".join(f"w{i}\tw{i + 1}\t{i * 7 % 11}\n" for i in range(200)))
    train(text, output=model, dim=100, epochs=1, min_count=1, threads=1)

    other, rows = write_text(materials / "other.txt", sentences // 2, "new"), materials / "rows.txt"
    rows.write_text("".join(f"{i % 20},{20 + i % 7} {i % 20}:1 {20 + i % 7}:2 {27 + i % 3}:1\n" for i in range(400)))

    counted, edges = materials / "counted.parquet", materials / "edges.txt"
    count(text, counted, min_count=1)
    edges.write_text("".join(f"n{i} n{(i * i + 7) % 300}\n" for i in range(300)))

    def training(name: str, *more: object, source: Path = text, kind: str = "cbow", ranks: int = 0) -> Target:
        output, given = siege.folder / f"{name}-model", TRAINING if name != "graph" else TRAINING[:4]

        def arguments() -> list[str]:
            threads, seconds = siege.random.integers(1, 3), siege.random.choice([0, 0.02, 0.2])
            changing = ["--threads", str(threads), "--checkpoint-every", str(seconds), "--resume"]
            return ["train", str(source), "-o", str(output), *given, "--model", kind, *changing, *map(str, more)]

        return Target(name, output, arguments, ranks=ranks)

    def command(name: str, *given: object, to: str, stands: bytes | None = None) -> Target:
        output = siege.folder / to
        arguments = [name, *map(str, given)]
        return Target(name, output, lambda: [*arguments, "-o", str(output)], stands)

    old = b"what stood there"
    new = [option for line in other.read_text().splitlines()[:2] for option in ("--word", line.split()[0])]
    saved, judged = siege.folder / "saved", siege.folder / "nothing"
    compared = ["--only", "wordsparse-cbow", "--dim", 8, "--epochs", 2, "--threads", 1, "--keep-vectors"]
    return [
        training("cbow"),
        training("skipgram", "--heldout", "0.1", kind="skipgram"),
        training("counts", "--for", "counts", source=counted, kind="skipgram"),
        training("graph", "--for", "graph", source=edges, kind="skipgram"),
        training("ranks", ranks=2),
        command("encode", text, to="encoded"),
        command("count", text, "--min-count", 1, to="counted.parquet", stands=old),
        command("export", model, "--format", "npz", to="vectors.npz", stands=old),
        command("documents", model, other, to="documents.npy", stands=old),
        command("infer", model, other, *new, to="inferred.npz", stands=old),
        command("explore", model, "--map", 30, to="page.html", stands=old),
        command("subwords", model, to="with-subwords"),
        command("labels", "train", rows, "--threads", 1, to="classifier"),
        Target("save", saved, lambda: ["save", str(model), str(saved)]),
        Target("evaluate", judged, lambda: ["evaluate", str(model), "--pairs", str(pairs)]),
        command("compare", text, *compared, "--pairs", pairs, to="report"),
    ]


@click.command()
@click.option("--kills", type=click.IntRange(1), default=240, show_default=True, help="Of all commands together.")
@click.option("--only", "names", multiple=True, type=click.Choice(list(SHARES)), help="This command; repeatable.")
@click.option("--sentences", default=2500, show_default=True, help="Of the text: how long a command takes.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(kills: int, names: tuple[str, ...], sentences: int, seed: int) -> None:
    """Kill every command at random moments and print the outcomes as JSON."""
    shares = {name: share for name, share in SHARES.items() if name in (names or SHARES)}
    if MPIEXEC is None or not optional.installed("mpi4py"):
        if "ranks" in names:
            raise click.ClickException("there is no mpiexec: pip install mpich mpi4py")
        shares.pop("ranks", None)
    with tempfile.TemporaryDirectory(prefix="wordsparse-siege-") as scratch:
        folder, materials = Path(scratch) / "siege", Path(scratch) / "materials"
        folder.mkdir()
        materials.mkdir()
        siege = Siege(folder, seed)
        for target in targets(siege, materials, sentences):
            if target.name in shares:
                click.echo(f"killing {target.name}", err=True)
                siege.attack(target, max(1, round(kills * shares[target.name] / sum(shares.values()))))
    figures = siege.figures
    click.echo(json.dumps({**vars(figures), "all_kills": figures.kills.total()}, indent=1))
    sys.exit(1 if figures.damage else 0)


if __name__ == "__main__":
    main()
