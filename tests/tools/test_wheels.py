"""What a wheel contains, and which Pythons it is built for."""

import importlib
import os
import platform
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from click import ClickException

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools/check"))
    return importlib.import_module("wheels")


def wheel_with(library: str, folder: Path) -> Path:
    path = folder / "wordsparse-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"wordsparse.libs/{library}", b"")
        archive.writestr("wordsparse/__init__.py", b"")
    return path


def test_a_library_inside_a_wheel_is_named_with_its_licence(wheels: ModuleType, tmp_path: Path) -> None:
    wheels.check_licences(wheel_with("libgomp-a34b3233.so.1.0.0", tmp_path))
    with pytest.raises(ClickException, match="libunknown"):
        wheels.check_licences(wheel_with("libunknown-1.so", tmp_path))


def test_a_python_that_does_not_run_is_refused_or_passed_over(
    wheels: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    with pytest.raises(ClickException, match=r"python3\.13: is no Python from 3\.11 on that runs"):
        wheels.named((str(shim),))
    with pytest.raises(ClickException, match="absent: is no Python"):
        wheels.named((str(tmp_path / "absent"),))
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert wheels.pythons() == {}
    assert wheels.named((sys.executable,)) == {platform.python_version(): sys.executable}
