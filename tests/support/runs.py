"""Short training runs that write an output, and helpers that interrupt them."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wordsparse as ws
from support.texts import SHORT, same_vectors
from wordsparse.training.interruption import Interrupted
from wordsparse.training.progress import Progress

KEPT = "checkpoint-000000001 is kept; resume from it with --resume"


def run_directory(output: Path) -> Path:
    return output.with_name("model.training")


def once_after(tokens: int, do: Callable[[], object]) -> Callable[[Progress], None]:
    """Return a progress callback that calls ``do`` once, when ``tokens`` tokens have been trained on."""
    done: list[bool] = []

    def progress(progress: Progress) -> None:
        if progress.tokens >= tokens and not done:
            done.append(True)
            do()

    return progress


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def no_space(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def train(text: Any, output: Path, stop: int | None = None, **options: Any) -> ws.Model:
    """Train and write the output; interrupt the run after ``stop`` tokens."""
    if stop is not None:
        options["progress"] = once_after(stop, interrupt)
    return ws.train(text, output=output, **{**SHORT, **options})


def interrupted(text: Any, output: Path, stop: int, **options: Any) -> None:
    with pytest.raises(Interrupted, match="is kept; resume from it with --resume"):
        train(text, output, stop, **options)


def kept_checkpoint(output: Path) -> Path:
    (checkpoint,) = run_directory(output).glob("checkpoint-*")
    return checkpoint


def check_resumed(text: Path, output: Path) -> None:
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))
    assert not run_directory(output).exists()
