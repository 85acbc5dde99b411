import json

import pytest

from wordsparse.cli import main
from wordsparse.corpus import EncodedCorpus


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b a b a\nc a b\n" * 5)
    return path


def test_json_alone_is_on_standard_output(text, tmp_path, capsys):
    output = tmp_path / "out"
    assert main(["encode", str(text), str(text), "-o", str(output), "--max-vocab", "2", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result.pop("wall_seconds") > 0
    assert result == {
        "tokens": 80,
        "sentences": 20,
        "vocab_size": 2,
        "distinct_words": 3,
        "shards": 1,
        "output": str(output),
    }
    assert EncodedCorpus.open(output).vocabulary.words == ["a", "b"]
