import json
from pathlib import Path

import pytest

from wordsparse.cli import main
from wordsparse.words.model_directory import read_vectors

FORMATS = {"v.npz": "npz", "v.vec.gz": "word2vec", "v.bin": "word2vec-bin", "v.safetensors": "safetensors"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_suffix_tells_the_format(
    vectors: str, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / name)
    assert main(["export", vectors, "-o", output, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {"files": [output], "format": FORMATS[name], "vocab_size": 4, "dim": 3}
    assert read_vectors(output).words == ["man", "king", "woman", "queen"]
