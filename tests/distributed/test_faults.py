"""What is wrong with one rank or one host is said in one line, ends the job, and leaves nothing half-written."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.mpi import ENVIRONMENT, command, launched, needs_mpi

pytestmark = needs_mpi
ODD_RANK = Path(__file__).resolve().parents[1] / "support" / "odd_rank.py"
OPTIONS = ["--dim", 8, "--min-count", 1, "--threads", 1, "--batch-tokens", 2000]
DEADLINE = 120.0


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    draw = random.Random(0)
    path.write_text("".join(" ".join(f"w{draw.randrange(60)}" for _ in range(9)) + "\n" for _ in range(1500)))
    return path


@pytest.mark.parametrize(
    ("kind", "odd", "call", "status", "message"),
    [
        ("no-mpi4py", "0,1", "train", 2, "training over several processes needs mpi4py"),
        ("version", "1", "train", 2, "the ranks differ in version: "),
        ("full-disk", "1", "train", 1, "rank 1 of 2: "),
        ("full-disk", "1", "encode", 1, "rank 1 of 2: "),
        ("full-disk", "0", "encode", 1, "File too large"),
    ],
)
def test_one_line_says_what_is_wrong_with_a_rank(
    kind: str, odd: str, call: str, status: int, message: str, text: Path, tmp_path: Path
) -> None:
    options = OPTIONS if call == "train" else ["--min-count", 1]
    run = launched(2, ODD_RANK, kind, odd, call, text, "-o", tmp_path / "output", *options)
    assert run.returncode == status, run.stderr
    assert message in run.stderr
    assert run.stderr.count("\n") == 1, run.stderr
    assert not list(tmp_path.iterdir())


def impatient(kind: str, odd: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Ranks with a patience of 8 seconds: longer than a busy machine takes for a step, or to start them."""
    given = command(2, ODD_RANK, kind, odd, *arguments)
    environment = {**ENVIRONMENT, "WORDSPARSE_MPI_PATIENCE": "8"}
    return subprocess.run(given, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.mark.parametrize("call", ["train", "encode"])
def test_ranks_with_other_texts_of_the_same_size_are_refused(call: str, text: Path, tmp_path: Path) -> None:
    work, output = tmp_path / "work", tmp_path / "output"
    (work / "other").mkdir(parents=True)
    content = text.read_bytes()
    (work / "text.txt").write_bytes(content)
    (work / "other" / "text.txt").write_bytes(content.replace(b"w7 ", b"w8 ", 1))
    options = OPTIONS if call == "train" else ["--min-count", 1]
    run = launched(2, ODD_RANK, "text", "1", call, "text.txt", "-o", output, *options, cwd=work)
    assert run.returncode == 2, run.stderr
    assert "the ranks differ in text: 1 files of " in run.stderr
    assert run.stderr.count("\n") == 1, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_rows_that_a_killed_run_has_left_are_not_taken_for_those_of_the_next(text: Path, tmp_path: Path) -> None:
    asked = ["-m", "wordsparse", "train", text, *OPTIONS, "--epochs", 1, "-o"]
    assert launched(2, *asked, tmp_path / "alone").returncode == 0
    left = tmp_path / "output.training" / "rows"
    left.mkdir(parents=True)
    for name in ("E", "mass", "output.V"):
        (left / name).write_bytes(bytes(2**16))
    assert launched(2, *asked, tmp_path / "output").returncode == 0
    for name in ("input.npy", "output.npy", "training.bin"):
        assert (tmp_path / "output" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert not left.exists()


def test_a_full_disk_of_the_first_rank_leaves_no_model(text: Path, tmp_path: Path) -> None:
    encoded, output = tmp_path / "encoded", tmp_path / "output"
    assert launched(2, "-m", "wordsparse", "encode", text, "-o", encoded, "--min-count", 1).returncode == 0
    run = launched(2, ODD_RANK, "full-disk", "0", "train", encoded, "-o", output, "--dim", 8, "--threads", 1)
    assert run.returncode in (1, 2), run.stderr
    assert "File too large" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not output.exists()


def started(output: Path, text: Path, epochs: int = 2) -> subprocess.Popen[str]:
    """A training in a session of its own."""
    given = command(2, "-m", "wordsparse", "train", text, "-o", output, "--epochs", epochs, *OPTIONS)
    given += ["--checkpoint-every", "0.1", "--resume"]
    return subprocess.Popen(
        given,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said


def processes_of(output: Path) -> dict[int, list[bytes]]:
    """The running processes that were started for this output, and their variables."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(output) in arguments:
                found[int(folder.name)] = (folder / "environ").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
    return found


def ranks_of(output: Path) -> list[int]:
    return [number for number, variables in processes_of(output).items() if any(b"_RANK=" in one for one in variables)]


def wait_until(condition: object, process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():  # type: ignore[operator]
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def has_checkpoint(output: Path) -> bool:
    return bool(list(output.with_name(f"{output.name}.training").glob("checkpoint-*")))


def test_kills_at_random_moments_lose_nothing(text: Path, tmp_path: Path) -> None:
    """A rank or the launcher is killed, again and again; the model has the bytes of a run that was left alone."""
    alone, output, draw = tmp_path / "alone", tmp_path / "output", random.Random(0)
    finish(started(alone, text, 5))
    for number in range(3):
        process = started(output, text, 5)
        wait_until(lambda: len(ranks_of(output)) == 2, process)
        time.sleep(draw.random())
        victim = process.pid if number == 2 else draw.choice(ranks_of(output) or [process.pid])
        with suppress(ProcessLookupError):  # it had ended
            os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=DEADLINE)
        wait_until(lambda: not ranks_of(output))
        if output.exists() and not output.with_name("output.training").exists():  # the machine was faster
            break
    else:
        finish(started(output, text, 5))
    for name in ("input.npy", "output.npy"):
        assert (output / name).read_bytes() == (alone / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "output"]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two network namespaces with addresses of their own, joined by a cable."""
    names = [f"ws{os.getpid()}{end}" for end in "ab"]
    cable = ["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]]
    steps = [["ip", "netns", "add", name] for name in names] + [cable]
    for number, name in enumerate(names, 1):
        inside = ["ip", "-n", name]
        steps += [
            ["ip", "link", "set", name, "netns", name],
            [*inside, "addr", "add", f"10.87.0.{number}/24", "dev", name],
            [*inside, "link", "set", name, "up"],
            [*inside, "link", "set", "lo", "up"],
        ]
    try:
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
        yield names[0], names[1]
    except FileNotFoundError:
        pytest.skip("no network namespaces here: there is no ip (iproute2)")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
