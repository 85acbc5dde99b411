"""Processes that the package starts import nothing from the working directory."""

import subprocess
import sys
from pathlib import Path

import pytest

from wordsparse import processes

HOSTILE = "open({!r}, 'a').write(__name__)\nraise SystemExit\n"
ENCODE = "import sys, wordsparse as ws; ws.encode(sys.argv[1], sys.argv[2], tokens='unicode', threads=2)"


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Make a working directory with modules that have names of Python's library. Return the file that they write."""
    folder, written = tmp_path / "unpacked", tmp_path / "written"
    (folder / "encodings").mkdir(parents=True)
    for name in ("json.py", "re.py", "os.py", "encodings/__init__.py"):
        (folder / name).write_text(HOSTILE.format(str(written)))
    monkeypatch.chdir(folder)
    return written


@pytest.mark.parametrize("flag", ["-P", "-I"])
def test_tokenisers_run_no_code_of_the_working_directory(hostile, tmp_path, flag):
    """Previously, a worker of the tokeniser executed ./json.py."""
    (tmp_path / "text.txt").write_text("the cat sat\n" * 200_000)  # more than one block, so a worker starts
    subprocess.run([sys.executable, flag, "-c", ENCODE, tmp_path / "text.txt", tmp_path / "encoded"], check=True)
    assert not hostile.exists()


def test_comparisons_run_no_code_of_the_working_directory(hostile):
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}  # the process ends when its standard input ends
    with processes.start("wordsparse.comparison.worker", "main", "{}", **pipes) as process:
        assert process.stderr is not None
        assert b"TypeError" in process.stderr.read()  # the task is empty
    assert not hostile.exists()


def test_entries_of_the_search_path_that_are_not_text_are_left_out(monkeypatch):
    """Previously, a Path in sys.path, as many notebooks have, was a TypeError."""
    monkeypatch.setattr(sys, "path", [*sys.path, Path("notebooks")])
    assert processes.start("math", "floor").wait() == 1
