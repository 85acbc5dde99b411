"""What is wrong with one rank or one host is said in one line, ends the job, and leaves nothing half-written."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.mpi import SECONDS, launched, needs_mpi, ranks_of, started, wait_until

pytestmark = needs_mpi
ODD_RANK = Path(__file__).resolve().parents[1] / "support" / "odd_rank.py"
OPTIONS = ["--dim", 8, "--min-count", 1, "--threads", 1, "--batch-tokens", 2000]


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


def running(output: Path, text: Path) -> subprocess.Popen[str]:
    return started(2, text, "-o", output, "--epochs", 5, *OPTIONS, "--checkpoint-every", "0.1", "--resume")


def finish(process: subprocess.Popen[str]) -> None:
    said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said


def test_a_signal_before_a_rank_has_started_mpi_ends_all(text: Path, tmp_path: Path) -> None:
    run = launched(2, ODD_RANK, "signal", 1, "train", text, "-o", tmp_path / "output", *OPTIONS)
    assert "the other ranks are ended" in run.stderr
    assert run.returncode == 130


def test_kills_at_random_moments_lose_nothing(text: Path, tmp_path: Path) -> None:
    """A rank or the launcher is killed, again and again; the model has the bytes of a run that was left alone."""
    alone, output, draw = tmp_path / "alone", tmp_path / "output", random.Random(0)
    finish(running(alone, text))
    for number in range(3):
        process = running(output, text)
        wait_until(lambda: len(ranks_of(output)) == 2, process)
        time.sleep(draw.random())
        victim = process.pid if number == 2 else draw.choice([*ranks_of(output).values()] or [process.pid])
        with suppress(ProcessLookupError):  # it had ended
            os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=SECONDS)
        wait_until(lambda: not ranks_of(output))
        if output.exists() and not output.with_name("output.training").exists():  # the machine was faster
            break
    else:
        finish(running(output, text))
    for name in ("input.npy", "output.npy"):
        assert (output / name).read_bytes() == (alone / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "output"]
