import json
from pathlib import Path

import pytest

import wordsparse as ws
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
    about = {"precision": "float32", "vocab_size": 2, "dim": 2}
    assert result == {"files": [output], "format": "word2vec-bin", **about}
    assert read_vectors(output).words == ["a", "b"]


@pytest.mark.parametrize("name", ["v.npz", "v.vec.gz", "v.bin", "v.safetensors"])
def test_the_suffix_tells_the_format(vectors: str, tmp_path: Path, name: str) -> None:
    assert main(["export", vectors, "-o", str(tmp_path / name)]) == 0
    assert read_vectors(tmp_path / name).words == ["a", "b"]


def test_a_model_card_has_scores(vectors: str, tmp_path: Path) -> None:
    score = {"n": 3, "oov": 0, "low": 0.1, "high": 0.9}
    scores = {
        "pairs": {},
        "analogies": {"q": {**score, "accuracy": None}},
        "sentences": {"s": {**score, "spearman": 0.5}},
    }
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    arguments = ["--format", "model2vec", "--scores", str(tmp_path / "scores.json")]
    assert main(["export", vectors, "-o", str(tmp_path / "m"), *arguments]) == 0
    assert "| s (spearman) | 0.500 |" in (tmp_path / "m" / "README.md").read_text()


def test_words_of_a_text_are_written_too(tmp_path: Path) -> None:
    text = ["sunlight moonlight starlight daylight"] * 50
    ws.train(iter(text), tokens="split", output=tmp_path / "model", dim=2, min_count=1, progress=False)
    (tmp_path / "text").write_text("Lamplight, (sunlight) xyz")
    arguments = ["--format", "word2vec", "--words-of", str(tmp_path / "text")]
    assert main(["export", str(tmp_path / "model"), "-o", str(tmp_path / "v"), *arguments]) == 0
    assert read_vectors(tmp_path / "v").words[4:] == ["lamplight"]
