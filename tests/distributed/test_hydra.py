"""A process that ends a job leaves when the launcher has read what it said."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wordsparse.distributed import hydra
from wordsparse.files.system import unread

PROGRAM = """
import os, sys
from pathlib import Path
from wordsparse.distributed import hydra
print("why it ends", file=sys.stderr, flush=True)
hydra.abort(3)
Path(sys.argv[1]).touch()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Hydra's pipes are those of Linux here")
def test_a_process_leaves_after_its_words_were_read(tmp_path: Path) -> None:
    left, (read, write) = tmp_path / "left", os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, left],
        env={**os.environ, "PMI_FD": str(write)},
        pass_fds=[write],
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert process.stderr is not None
    while unread(process.stderr.fileno()) == 0:  # a pipe has one number on either side
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    assert not left.exists()
    assert process.stderr.read(11) == b"why it ends"
    assert process.stderr.read() == b"\n"
    assert process.wait(60) == 0
    assert left.exists()
    assert os.read(read, 100) == b"cmd=abort exitcode=3\n"
    os.close(read)
    process.stderr.close()


def test_what_nobody_reads_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hydra, "PATIENCE", 0.05)
    monkeypatch.setattr(hydra, "unread", lambda descriptor: 1)
    hydra.wait_until_read()


def test_only_pipes_hold_what_is_unread(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w+b") as file:
        file.write(b"words")
        assert unread(file.fileno()) == 0
    assert unread(10**6) == 0
