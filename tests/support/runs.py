"""Short training runs that write an output, and helpers that interrupt them."""

import os
import signal

import pytest

import wordsparse as ws
from support.texts import SHORT, same_vectors
from wordsparse.training.interruption import Interrupted

KEPT = "checkpoint-000000001 is kept; resume from it with --resume"


def run_directory(output):
    return output.with_name("model.training")


def once_after(tokens, do):
    """Return a progress callback that calls ``do`` once, when ``tokens`` tokens have been trained on."""
    done = []

    def progress(progress):
        if progress.tokens >= tokens and not done:
            done.append(True)
            do()

    return progress


def interrupt():
    os.kill(os.getpid(), signal.SIGTERM)


def no_space(*_):
    raise OSError(28, "No space left on device")


def train(text, output, stop=None, **options):
    """Train and write the output; interrupt the run after ``stop`` tokens."""
    if stop is not None:
        options["progress"] = once_after(stop, interrupt)
    return ws.train(text, output=output, **{**SHORT, **options})


def interrupted(text, output, stop, **options):
    with pytest.raises(Interrupted, match="is kept; resume from it with --resume"):
        train(text, output, stop, **options)


def kept_checkpoint(output):
    (checkpoint,) = run_directory(output).glob("checkpoint-*")
    return checkpoint


def check_resumed(text, output):
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))
    assert not run_directory(output).exists()
