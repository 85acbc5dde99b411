"""A disk whose fsync, write or rename fails, at any moment: existing files stay complete, and the error is clear."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.texts import MODEL_FILES, write_text

SUPPORT = Path(__file__).resolve().parents[1] / "support"
COMPILER = shutil.which("cc") or shutil.which("gcc")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the lying library is preloaded as Linux does it"),
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler"),
]
ALWAYS = 10**9
# Calls of each kind under the output: the first ones, some in the middle of the training, and a disk that stays broken.
LIES = [("short", 1, ALWAYS)] + [
    (kind, first, until)
    for kind in ("fsync", "write", "rename")
    for first, until in ((1, 2), (3, 4), (8, 9), (12, ALWAYS))
]
TRAINING = ["--dim", "6", "--threads", "1", "--sample", "0", "--min-count", "1", "--batch-tokens", "50", "--resume"]

REASONS = ("Input/output error", "No space left on device")

Case = tuple[dict[str, str], list[str]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "lying_disk.so"
    command = [str(COMPILER), "-shared", "-fPIC", "-O1", str(SUPPORT / "lying_disk.c"), "-o", str(path), "-ldl"]
    subprocess.run(command, check=True)
    return path


def run(library: Path, cases: list[Case]) -> list[tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "lying_disk.py")],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**os.environ, "LD_PRELOAD": str(library)},
    )
    return [tuple(result) for result in json.loads(done.stdout)]


def lie(kind: str, first: int, until: int, under: Path) -> dict[str, str]:
    return {"LIE": kind, "LIE_FROM": str(first), "LIE_UNTIL": str(until), "LIE_UNDER": str(under)}


def digests(model: Path) -> list[str]:
    return [hashlib.sha256((model / name).read_bytes()).hexdigest() for name in MODEL_FILES]


@pytest.mark.parametrize("every", ["0.001", "0"])
def test_training_on_ends_in_the_same_bytes(library: Path, tmp_path: Path, every: str) -> None:
    """A model of 2 epochs is trained on to 4: it stands whole until the new one does, whatever the disk does."""
    text = write_text(tmp_path / "text.txt")

    def command(output: Path, epochs: int) -> list[str]:
        options = [*TRAINING, "--epochs", str(epochs), "--checkpoint-every", every]
        return ["train", str(text), "-o", str(output), *options]

    first, whole = tmp_path / "first", tmp_path / "whole"
    assert run(library, [({}, command(first, 2)), ({}, command(whole, 2)), ({}, command(whole, 4))])[-1][0] == 0
    places = []
    cases: list[Case] = []
    for kind, begin, until in LIES:
        place = tmp_path / f"{kind}-{begin}"
        place.mkdir()
        shutil.copytree(first, place / "model")
        shutil.copytree(first, place / "stood")
        places.append(place)
        cases.append((lie(kind, begin, until, place), command(place / "model", 4)))
    results = run(library, cases)
    for place, (status, errors) in zip(places, results, strict=True):
        assert status in (0, 1, 2), (place, errors)
        assert "Traceback" not in errors, (place, errors)
        # Of a disk that stays broken between two renames, the old model is kept in the run directory.
        stands = place / "model" if (place / "model").exists() else place / "model.training" / "previous"
        assert digests(stands) == digests(whole if status == 0 else first), (place, errors)
        assert status == 0 or any(reason in errors for reason in REASONS), (place, errors)
    assert results[0][0] == 0  # a write that takes half is no error
    assert sum(status != 0 for status, _ in results) > 3
    for place, (status, errors) in zip(places, run(library, [({}, arguments) for _, arguments in cases]), strict=True):
        assert status == 0, (place, errors)
        assert digests(place / "model") == digests(whole), place
        assert sorted(path.name for path in place.iterdir()) == ["model", "stood"]
