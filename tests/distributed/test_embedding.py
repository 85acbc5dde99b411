"""Training over several ranks gives the vectors of one process, ends whole, and goes on with any number of ranks."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.mpi import (
    ENVIRONMENT,
    SECONDS,
    command,
    launched,
    needs_mpi,
    own_words,
    ranks_of,
    started,
    train,
    wait_until,
)

import wordsparse as ws
from wordsparse.cli import main

pytestmark = needs_mpi
SAME: dict[str, Any] = {"dim": 8, "epochs": 3, "threads": 1, "min_count": 1, "sample": 0, "batch_tokens": 500}
OPTIONS = [part for name, value in SAME.items() for part in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences whose words are not alike."""
    path, random = tmp_path_factory.mktemp("text") / "text.txt", np.random.default_rng(0)
    share = 1 / np.arange(1, 61)
    with path.open("w") as file:
        for _ in range(600):
            start = random.choice(60, p=share / share.sum())
            file.write(" ".join(f"w{(start + step) % 60}" for step in random.integers(0, 5, 9)) + "\n")
    return path


@pytest.fixture(scope="module")
def alone(text: Path) -> Callable[[str], ws.Model]:
    """The model of one process, by the kind of examples."""
    made: dict[str, ws.Model] = {}

    def model(kind: str) -> ws.Model:
        if kind not in made:
            made[kind] = ws.train(text, model=kind, heldout=0.05, progress=False, **SAME)
        return made[kind]

    return model


def done(ranks: int, *arguments: object) -> dict[str, Any]:
    run = train(ranks, *arguments, "--json")
    assert run.returncode == 0, run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def check_alike(model: ws.Model, other: ws.Model) -> None:
    vectors, others = (each.without_subwords().vectors for each in (model, other))  # ranks fit no n-grams
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    assert ((vectors * others).sum(axis=1) / lengths).min() > 0.9999
    np.testing.assert_allclose(model.report["loss"], other.report["loss"], rtol=1e-5)
    assert ("heldout_loss" in model.report) == ("heldout_loss" in other.report)
    np.testing.assert_allclose(model.report.get("heldout_loss", []), other.report.get("heldout_loss", []), rtol=1e-5)


@pytest.mark.parametrize(("kind", "ranks"), [("cbow", 2), ("cbow", 3), ("skipgram", 2)])
def test_vectors_are_those_of_one_process(
    kind: str, ranks: int, text: Path, alone: Callable[[str], ws.Model], tmp_path: Path
) -> None:
    asked = [text, *OPTIONS, "--model", kind, "--heldout", 0.05]
    report = done(ranks, *asked, "-o", tmp_path / "model")
    check_alike(ws.load(tmp_path / "model"), alone(kind))
    assert report["ranks"] == ranks
    for sent, mean, largest, peak in zip(
        *(report[f"{name}_bytes"] for name in ("sent", "mean_step", "largest_step", "rank_peak_memory")), strict=True
    ):
        assert 0 < mean <= largest < sent
        assert peak > 0
    assert len(report["sent_bytes"]) == ranks
    if ranks == 3:  # as every command reads it
        assert (
            main(["export", str(tmp_path / "model"), "-o", str(tmp_path / "vectors.txt"), "--format", "word2vec"]) == 0
        )
        pairs = tmp_path / "pairs.tsv"
        pairs.write_text("w1\tw2\t3\nw1\tw30\t1\nw5\tw6\t2\n")
        assert main(["evaluate", str(tmp_path / "vectors.txt"), "--pairs", str(pairs)]) == 0
        assert main(["evaluate", str(tmp_path / "model"), "--pairs", str(pairs)]) == 0
    if ranks == 2:  # and the same bytes again
        done(ranks, *asked, "-o", tmp_path / "again")
        for name in ("input.npy", "output.npy", "training.bin"):
            assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_a_program_of_python_trains_by_its_own_door(
    text: Path, alone: Callable[[str], ws.Model], tmp_path: Path
) -> None:
    program = f"""
from wordsparse.distributed import train

model = train({str(text)!r}, output="model", heldout=0.05, progress=False, **{SAME})
assert model.report["ranks"] == 2
"""
    run = launched(2, "-c", program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    check_alike(ws.load(tmp_path / "model"), alone("cbow"))


def test_a_finished_model_is_trained_for_more_epochs(text: Path, tmp_path: Path) -> None:
    """Every rank takes its rows from the disk."""
    asked = [text, *OPTIONS, "-o", tmp_path / "model"]
    done(2, *asked)
    report = done(3, *asked, "--epochs", 4, "--resume")
    assert len(report["loss"]) == 4
    assert done(2, *asked, "--epochs", 4, "--resume")["loss"] == report["loss"]  # there is nothing left to train
    for changed, message in (
        (["--dim", 9], "resume: dim was 8, not 9: "),
        (["--epochs", 2], "resume: epochs was 4, not 2: "),
    ):
        run = train(2, *asked, "--epochs", 4, "--resume", *changed)
        assert run.returncode == 2, run.stderr
        assert run.stderr.startswith(f"wordsparse: {message}")
        assert run.stderr.count("\n") == 1
    (tmp_path / "new.txt").write_text("a b c d\n" * 9)
    run = train(2, tmp_path / "new.txt", *asked[1:], "--epochs", 4, "--resume")
    assert run.returncode == 2, run.stderr
    assert "a model goes on with a new text in one process" in run.stderr
    alone = ws.train(text, output=tmp_path / "alone", progress=False, **SAME)
    alone = ws.train(text, output=tmp_path / "alone", resume=True, progress=False, **(SAME | {"epochs": 4}))
    check_alike(ws.load(tmp_path / "model"), alone)


@pytest.mark.parametrize("after", [1, 3])
def test_a_signal_to_one_rank_stops_all_and_any_number_of_ranks_goes_on(
    after: int, text: Path, alone: Callable[[str], ws.Model], tmp_path: Path
) -> None:
    output, asked = tmp_path / "model", [text, *OPTIONS, "--heldout", 0.05, "-o", tmp_path / "model"]
    process = started(2, *asked, "--epochs", 3, "--checkpoint-every", 0.001)
    wait_until(lambda: has_checkpoint(output), process)
    os.kill(ranks_of(output)[1], signal.SIGTERM)
    said = process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 130, said
    assert "is kept; resume from it with --resume" in said
    (checkpoint,) = output.with_name("model.training").glob("checkpoint-*")
    assert not (checkpoint.parent / "rows").exists()
    if after == 1:
        run = ws.train(text, output=output, resume=True, progress=False, heldout=0.05, **SAME)
        check_alike(run, alone("cbow"))
    else:
        done(after, *asked, "--resume")
        check_alike(ws.load(output), alone("cbow"))
    assert not checkpoint.parent.exists()


def test_a_rank_that_dies_takes_the_job_down_and_leaves_the_checkpoint(text: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    process = started(3, text, *OPTIONS, "-o", output, "--epochs", 30, "--checkpoint-every", 0.001)
    wait_until(lambda: has_checkpoint(output), process)
    began = time.monotonic()
    os.kill(ranks_of(output)[2], signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    assert time.monotonic() - began < 30  # it takes well below one second
    assert process.returncode != 0
    assert not output.exists()
    report = done(2, text, *OPTIONS, "-o", output, "--epochs", 30, "--resume")
    assert report["checkpoints"] > 0
    assert len(report["loss"]) == 30


@pytest.mark.parametrize(
    ("ranks", "asked", "message"),
    [
        (2, ["--dim", 0], "dim must be at least 1, not 0"),
        (3, ["--max-vocab", 2], "3 ranks for a vocabulary of 2 words: every rank needs a row; start fewer"),
    ],
)
def test_a_wrong_request_is_one_line_of_one_rank(
    ranks: int, asked: list[object], message: str, text: Path, tmp_path: Path
) -> None:
    run = train(ranks, text, *OPTIONS, "-o", tmp_path / "model", *asked)
    assert run.returncode == 2
    assert run.stderr == f"wordsparse: {message}\n"
    assert not list(tmp_path.iterdir())


def test_ranks_that_are_asked_for_different_things_are_refused(text: Path, tmp_path: Path) -> None:
    asked = ["-m", "wordsparse", "train", text, *OPTIONS, "-o", tmp_path / "model"]
    first, second = (command(1, *asked, "--seed", seed) for seed in (1, 2))
    run = subprocess.run(
        [*first, ":", *second[1:]], env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert run.returncode == 2
    assert run.stderr.startswith("wordsparse: the ranks differ in seed: 1 on rank 0 (")
    assert own_words(run.stderr).count("\n") == 1
    assert not list(tmp_path.iterdir())


def has_checkpoint(output: Path) -> bool:
    return any(output.with_name(f"{output.name}.training").glob("checkpoint-*"))
