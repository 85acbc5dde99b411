"""No command fails because standard error cannot be written to."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from support.texts import SHORT, same_vectors, write_text

import wordsparse as ws
from wordsparse.cli import main

pytestmark = pytest.mark.usefixtures("no_gpu")
SMALL = ["--dim", "6", "--epochs", "2", "--threads", "1", "--sample", "0", "--min-count", "1", "--batch-tokens", "100"]


@pytest.fixture
def without_reader(monkeypatch):
    """Replace standard error with a pipe whose reading end is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", stream)
    yield
    with suppress(OSError):  # close() flushes the buffer
        stream.close()


@pytest.mark.usefixtures("without_reader")
def test_training_goes_on_and_a_wrong_request_keeps_its_status(tmp_path):
    """Previously, a training run ended with status 1, and without a model, if the reader of its messages had exited."""
    text = write_text(tmp_path / "téxt.txt")
    assert main(["train", str(text), "-o", str(tmp_path / "modèl"), *SMALL, "--checkpoint-every", "0.001"]) == 0
    assert same_vectors(ws.load(tmp_path / "modèl"), ws.train(text, **SHORT))
    assert main(["encode", "missing.txt", "-o", "out"]) == 2


# ── the script ────────────────────────────────────────────────────────────────────────────────────────────────────

AT_IMPORT = """
import os, signal, sys
import wordsparse.__main__ as script
class Kill:
    def find_spec(self, name, *rest):
        if name == "wordsparse.cli":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Kill())
sys.argv[1:] = ["--version"]
script.run()
"""

IN_CALLBACK = """
import os, signal, sys, weakref
import wordsparse.__main__ as script
import wordsparse.cli.encode as encode
class Thing: pass
def start(*given, **options):
    thing = Thing()
    ends = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    del thing
encode.command.callback = start
sys.argv[1:] = ["encode", "text", "-o", "encoded"]
script.run()
"""


AT_LOCK = """
import os, signal, sys, threading
import wordsparse.__main__ as script
import wordsparse.cli.encode as encode
def start(*given, **options):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:  # as Python's conditions do
        threading.Lock().release()
encode.command.callback = start
sys.argv[1:] = ["encode", "text", "-o", "encoded"]
script.run()
"""


@pytest.mark.parametrize("code", [AT_IMPORT, IN_CALLBACK, AT_LOCK])
def test_a_signal_during_the_imports_or_a_callback_is_an_interruption(code):
    """Previously, a signal caused a traceback or killed the process. Python ignores exceptions in weakref callbacks,
    and its conditions release a lock twice if a signal arrives just before they release it."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "wordsparse: interrupted\n")
