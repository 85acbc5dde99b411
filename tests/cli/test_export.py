import json
from pathlib import Path

import numpy as np
import pytest

from wordsparse.cli import main
from wordsparse.vectors.whitening import zipf_whitened
from wordsparse.vectors.word_vectors import WordVectors, save_vectors
from wordsparse.words.model_directory import read_vectors


@pytest.fixture
def vectors(tmp_path: Path) -> str:
    word_vectors = WordVectors(["a", "b"], [[1, 2], [3, 4]], [5, 4])
    return str(save_vectors(word_vectors, tmp_path / "vectors.npz", "npz")[0])


def test_json(vectors: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "out.bin")
    assert main(["export", vectors, "-o", output, "--format", "word2vec-bin", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    about = {"precision": "float32", "whiten": None, "vocab_size": 2, "dim": 2}
    assert result == {"files": [output], "format": "word2vec-bin", **about}
    assert read_vectors(output).words == ["a", "b"]


@pytest.mark.parametrize("name", ["v.npz", "v.vec.gz", "v.bin", "v.safetensors"])
def test_the_suffix_tells_the_format(vectors: str, tmp_path: Path, name: str) -> None:
    assert main(["export", vectors, "-o", str(tmp_path / name)]) == 0
    assert read_vectors(tmp_path / name).words == ["a", "b"]


def test_text(vectors: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.txt"
    assert main(["export", vectors, "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"2 words x 2 -> {output}\n"


def test_precision_and_whitening(vectors: str, tmp_path: Path) -> None:
    output = tmp_path / "out.npz"
    assert (
        main(["export", vectors, "-o", str(output), "--format", "npz", "--precision", "int8", "--whiten", "zipf"]) == 0
    )
    expected = zipf_whitened(read_vectors(vectors)).vectors
    np.testing.assert_allclose(read_vectors(output).vectors, expected, atol=np.abs(expected).max() / 250)
