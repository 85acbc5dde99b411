import json
import os

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


def test_for_people(text, tmp_path, capsys):
    assert main(["encode", str(text), "-o", str(tmp_path / "out"), "--min-count", "6"]) == 0
    assert "40 tokens in 10 sentences; 2 of 3 words" in capsys.readouterr().out


def test_formats(text, tmp_path, capsys):
    arguments = ["encode", str(text), "-o", str(tmp_path / "out"), "--format", "text8", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["sentences"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--min-count", "0"], "min_count"),
        (["--min-count", "x"], "min-count"),
        (["--max-vocab", "-1"], "max_vocab"),
        (["--min-count", "99"], "vocabulary is empty"),
        (["--format", "csv"], "csv"),
        (["none.txt"], "none.txt"),
    ],
)
def test_a_wrong_request_exits_with_2_and_writes_nothing(text, tmp_path, capsys, options, said):
    assert main(["encode", str(text), "-o", str(tmp_path / "out"), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert os.listdir(tmp_path) == ["text.txt"]


def test_the_corpus_is_required(tmp_path, capsys):
    assert main(["encode", "-o", str(tmp_path / "out")]) == 2
    assert "CORPUS" in capsys.readouterr().err
