import json
from pathlib import Path

import pytest

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors


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


@pytest.mark.parametrize("name", ["v.npz", "v.vec.gz", "v.bin", "v.safetensors"])
def test_the_suffix_tells_the_format(vectors: str, tmp_path: Path, name: str) -> None:
    assert main(["export", vectors, "-o", str(tmp_path / name)]) == 0
    assert read_vectors(tmp_path / name).words == ["a", "b"]
