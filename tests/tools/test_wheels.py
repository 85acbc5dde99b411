"""What a wheel contains."""

import importlib
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
