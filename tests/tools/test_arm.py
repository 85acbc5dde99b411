"""tools/arm.py without an emulator: what it asks for, and how it starts Python."""

import importlib
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("arm")


def test_missing_programs_are_named_before_anything_is_done(
    arm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(arm, "ARM", tmp_path / "arm")
    with pytest.raises(SystemExit, match=r"qemu-aarch64 and .* not found.* apt-get install qemu-user"):
        arm.main([])
    assert list(tmp_path.iterdir()) == []


def test_python_runs_under_the_emulator(arm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the libraries of its own root, whatever the arguments; it is what a test starts as sys.executable."""
    root, python = tmp_path / "a root", tmp_path / "python"
    monkeypatch.setattr(arm, "ROOT", root)
    monkeypatch.setattr(arm, "EMULATOR", ("qemu-aarch64", "-L", str(root)))
    monkeypatch.setattr(arm, "PYTHON", python)
    emulator = tmp_path / "qemu-aarch64"
    emulator.write_text('#!/bin/sh\nprintf "%s\\n" "$PYTHONHOME" "$@"\n')
    emulator.chmod(0o755)
    arm.write_python()
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([python, "-c", "a b"], capture_output=True, text=True, check=True, env={"PATH": path})
    interpreter = root / "usr" / "bin" / f"python{arm.VERSION}"
    assert done.stdout.splitlines() == [
        *(str(root / "usr"), "-L", str(root), "-0", str(python), str(interpreter), "-c", "a b")
    ]
