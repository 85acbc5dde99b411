import json
from pathlib import Path

import pytest

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import read_vectors


@pytest.fixture
def vectors(tmp_path: Path) -> str:
    word_vectors = WordVectors(["a", "b"], [[1, 2], [3, 4]], [5, 4])
    return str(save_vectors(word_vectors, tmp_path / "vectors.npz", "npz")[0])


def test_json(vectors: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "out.bin")
    assert main(["export", vectors, "-o", output, "--format", "word2vec-bin", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {"files": [output], "format": "word2vec-bin", "vocab_size": 2, "dim": 2}
    assert read_vectors(output).words == ["a", "b"]


def test_text(vectors: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.tsv"
    assert main(["export", vectors, "-o", str(output), "--format", "projector"]) == 0
    assert capsys.readouterr().out == f"2 words x 2 -> {output}, {tmp_path / 'out-metadata.tsv'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "no/such/place", "--format", "npz"], "make it first"),
        (["-o", "out", "--format", "csv"], "csv"),
        (["--format", "npz"], "--output"),
        (["-o", "out"], "--format"),
    ],
)
def test_wrong_requests(
    vectors: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", vectors, *arguments]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.npz"]
