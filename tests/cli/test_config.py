"""``train --config``: options from a TOML file, or from a model whose training run is repeated."""

from pathlib import Path

import pytest

import wordsparse as ws
from wordsparse.cli import main

pytestmark = pytest.mark.usefixtures("no_gpu")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "a text.txt"
    path.write_text("a b c d\na b x y\n" * 60)
    return path


def config(tmp_path: Path, content: str) -> str:
    path = tmp_path / "options.toml"
    path.write_text(content)
    return str(path)


def test_all_that_affects_a_run_is_stored(text: Path, tmp_path: Path) -> None:
    """Previously, a repeated run silently started from different vectors, because initial vectors were not stored."""
    first, second, vectors = tmp_path / "first", tmp_path / "second", tmp_path / "v.txt"
    vectors.write_text("a 1 2 3\nb 3 2 -1\nc 0 -1 1\nd 1 1 1\n")
    loss = ws.losses.BoundedNS(negatives=9)
    ws.train(str(text), dim=3, init=str(vectors), checkpoint_every=0, loss=loss, measure_power=0.75, output=first)
    assert main(["train", "--config", str(first), "-o", str(second)]) == 0
    for name in ("input.npy", "output.npy"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    assert ws.load(second).options == ws.load(first).options
    call = ws.load(second).call
    assert call == ws.load(first).call
    assert (call["init"], call["checkpoint_every"]) == (str(vectors), 0)


def test_the_command_line_overrides_the_file(text: Path, tmp_path: Path) -> None:
    file = config(tmp_path, f"corpus = {[str(text)]!r}\ndim = 9\nmin-count = 1\nsample = 0\n")
    assert main(["train", "--config", file, "-o", str(tmp_path / "model"), "--dim", "3"]) == 0
    model = ws.load(tmp_path / "model")
    assert (model.dim, model.options["sample"], len(model)) == (3, 0, 6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("vector_size = 5", "options.toml: unknown option vector_size: did you mean dim?"),
        ("xyzzy = 5", "options.toml: unknown option xyzzy: choose from corpus, output"),
        ("dim =", "options.toml: is not valid TOML"),
        ('for = "txt"', "options.toml: kind must be one of"),
        # Previously, these requests raised exceptions other than InputError.
        ("dim = 1979-05-27", "'1979-05-27' is not a valid integer"),
        ("#" * 2**20 + "#", "options.toml: holds more than 1,048,576 bytes"),
        ("[recipe]", "the stored recipe has another version or was altered"),
    ],
)
def test_a_bad_file_is_refused(content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", config(tmp_path, content), "text", "-o", str(tmp_path / "m")]) == 2
    assert message in capsys.readouterr().err
