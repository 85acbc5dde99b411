import json

from wordsparse.cli import main
from wordsparse.corpus import EncodedCorpus


def test_json_alone_is_on_standard_output(tmp_path, capsys):
    text, output = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("a b a b a\nc a b\n" * 5)
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
