"""Standard error that cannot be written to: no command ends by that."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest
from support.texts import same_vectors, write_text

import wordsparse as ws
from wordsparse.cli import main

pytestmark = pytest.mark.usefixtures("no_gpu")
SMALL = ["--dim", "6", "--epochs", "2", "--threads", "1", "--sample", "0", "--min-count", "1", "--batch-tokens", "100"]


def without_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


def closed() -> TextIO:
    stream = open(os.devnull, "w")  # noqa: SIM115
    stream.close()
    return stream


STREAMS: dict[str, Callable[[], TextIO | None]] = {
    "its reader is gone": without_reader,
    "it is closed": closed,
    "there is none": lambda: None,
    "it cannot hold a character": lambda: open(os.devnull, "w", encoding="ascii", errors="strict"),  # noqa: SIM115
}
if os.path.exists("/dev/full"):
    STREAMS["its disk is full"] = lambda: open("/dev/full", "w", buffering=1)  # noqa: SIM115


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Standard error, broken in one way."""
    with pytest.MonkeyPatch.context() as patch:
        stream = STREAMS[name]()
        patch.setattr(sys, "stderr", stream)
        yield
        assert sys.stderr is stream
    with suppress(OSError):  # it flushes what it has kept
        if stream is not None:
            stream.close()


@pytest.mark.parametrize("name", STREAMS)
def test_training_goes_on(name: str, tmp_path: Path) -> None:
    """A training whose reader went (``2>&1 | head``) was thrown away, with status 1."""
    text = write_text(tmp_path / "téxt.txt")
    with broken(name):
        status = main(["train", str(text), "-o", str(tmp_path / "modèl"), *SMALL, "--checkpoint-every", "0.001"])
    assert status == 0
    options = {"dim": 6, "epochs": 2, "threads": 1, "sample": 0, "min_count": 1, "batch_tokens": 100}
    assert same_vectors(ws.load(tmp_path / "modèl"), ws.train(text, **options))


@pytest.mark.parametrize("name", STREAMS)
def test_a_wrong_request_keeps_its_status(name: str) -> None:
    with broken(name):
        assert main(["encode", "missing.txt", "-o", "out"]) == 2
        assert main(["nothing"]) == 2


# ── the script ────────────────────────────────────────────────────────────────────────────────────────────────────

AT_IMPORT = """
import os, signal, sys
import wordsparse.__main__ as script
class Kill:
    def find_spec(self, name, *rest):
        if name == "wordsparse.cli":
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Kill())
sys.argv[1:] = ["--version"]
script.run()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_the_imports_is_an_interruption(name: str) -> None:
    """It was a traceback, or death by the signal."""
    done = subprocess.run([sys.executable, "-c", AT_IMPORT.format(name=name)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "wordsparse: interrupted\n")
