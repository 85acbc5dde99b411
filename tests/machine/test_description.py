"""The description of the machine and the version in a result file."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from wordsparse.kernels import _build, diagnosis
from wordsparse.machine import description


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(description, "SOURCES", tmp_path)
    assert description.commit() is None
    git(tmp_path, "init", "--quiet")
    assert description.commit() is None  # no commit yet
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    commit = description.commit()
    assert commit == git(tmp_path, "rev-parse", "--short=12", "HEAD")
    (tmp_path / "file").write_text("two")
    assert description.commit() == f"{commit}-dirty"
    monkeypatch.setenv("PATH", "")
    assert description.commit() is None


def test_an_installed_package_knows_the_commit_it_was_compiled_from(monkeypatch):
    monkeypatch.setattr(description, "SOURCES", Path("elsewhere"))
    diagnosis.commit.cache_clear()
    assert diagnosis.diagnose()["commit"] == (_build.commit or None)
    monkeypatch.setattr(_build, "commit", "0123456789ab")
    diagnosis.commit.cache_clear()
    provenance = json.loads(json.dumps(diagnosis.provenance(1, 64)))
    assert provenance["commit"] == "0123456789ab"
    assert provenance["instruction_set"] == diagnosis.diagnose()["compiled"]["instruction_set_used"]
    assert {"processor", "blas", "environment", "threads", "packages"} <= provenance.keys()
    diagnosis.commit.cache_clear()
