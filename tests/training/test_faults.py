"""A run loses no work if it is killed or interrupted, if the disk fills up, or if the text disappears."""

import os
import re
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.processes import finish, start, wait_for
from support.texts import left_in, same_vectors, write_text

import wordsparse as ws

OPTIONS = ["--dim=20", "--epochs=2", "--threads=1", "--sample=0", "--min-count=1", "--batch-tokens=60"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches the run through files as Linux keeps them")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "text.txt", words=400, sentences=2500)


@pytest.fixture(scope="module")
def whole(text: Path, tmp_path_factory: pytest.TempPathFactory) -> ws.Model:
    """Return the model of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    assert finish(start(command(text, folder / "model"), folder / "errors")) == 0
    return ws.load(folder / "model")


def command(text: Path, output: Path, *more: str) -> list[str]:
    return ["train", str(text), "-o", str(output), *OPTIONS, *more]


def done(arguments: list[str], folder: Path) -> None:
    """Run the command to its end; if it fails, show its output."""
    status = finish(start(arguments, folder / "errors"))
    assert status == 0, (folder / "errors").read_text()


def test_killed_at_random_moments_it_ends_in_the_same_bytes(text: Path, whole: ws.Model, tmp_path: Path) -> None:
    random, output, kills = np.random.default_rng(0), tmp_path / "model", 0
    resume = command(text, output, "--resume", "--checkpoint-every", "0.02")
    while kills < 8:
        process = start(resume, tmp_path / "errors")
        process.join(random.uniform(0, 0.5))
        if process.exitcode is not None:  # the run ended first: start over
            assert finish(process) == 0
            assert same_vectors(ws.load(output), whole)
            for path in output.iterdir():
                path.unlink()
            continue
        process.kill()
        kills += finish(process) == -signal.SIGKILL
    done(resume, tmp_path)
    assert same_vectors(ws.load(output), whole)
    assert left_in(tmp_path) == ["errors", "model"]


def test_asked_to_stop_it_writes_a_checkpoint(text: Path, whole: ws.Model, tmp_path: Path) -> None:
    output = tmp_path / "model"
    for _ in range(30):
        process = start(command(text, output, "--checkpoint-every", "0.01"), tmp_path / "errors")
        if wait_for(lambda: any((tmp_path / "model.training").glob("checkpoint-*")), process):
            assert process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        status, said = finish(process), (tmp_path / "errors").read_text()
        if not output.exists():
            break
        shutil.rmtree(output)  # the run ended first: start over
    assert status == 130
    assert re.search(r"tokens: .*/checkpoint-\d+ is kept; resume from it with --resume", said)
    done(command(text, output, "--resume"), tmp_path)
    assert same_vectors(ws.load(output), whole)
