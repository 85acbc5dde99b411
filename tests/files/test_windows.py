"""Files written as on Windows, without POSIX's calls (tests/support/windows.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[1] / "support"
EMULATED = f"import sys; sys.path.insert(0, {str(SUPPORT)!r}); from windows import become_windows; become_windows()\n"
COMMANDS = """
from wordsparse.cli import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
"""
WRITER = """
from pathlib import Path
from wordsparse.files.storage import sole_writer
with sole_writer(Path("out")):
    print("holds", flush=True)
    sys.stdin.read()
"""


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", EMULATED + program, *arguments]


@pytest.fixture
def folder(tmp_path):
    tmp_path.joinpath("text.txt").write_text("a b c d\nb a d c e\n" * 50)
    return tmp_path


def test_a_model_is_trained_used_and_trained_on(folder):
    (folder / "encoded").mkdir()
    train = "train text.txt -o model --dim 4 --quiet --threads 1 --epochs"
    commands = (
        f"{train} 1",
        f"{train} 2 --resume",  # replaces the model
        "similar model a",
        "export model -o vectors.npz --format npz",
        "export model -o vectors.npz --format npz",  # replaces the file
        "encode text.txt -o encoded",  # replaces the empty directory
        "train encoded -o other --dim 4 --epochs 1 --quiet --threads 1",
    )
    done = subprocess.run(python(COMMANDS, *commands), cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(folder)) == ["encoded", "model", "other", "text.txt", "vectors.npz"]


def test_a_second_writer_is_refused(folder):
    command = python(WRITER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": folder}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "holds\n"
        second = subprocess.run(command, input="", capture_output=True, text=True, cwd=folder, check=False)
        first.communicate()
    assert "another process is writing it" in second.stderr
    assert first.returncode == 0
    assert os.listdir(folder) == ["text.txt"]
