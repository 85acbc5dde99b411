import gzip
import json
import subprocess
import sys

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


def test_a_hyphen_is_standard_input(text, tmp_path):
    # The argument "-" used to be read as the name of a file.
    command = [sys.executable, "-m", "wordsparse", "encode", "-", str(text), "-o", str(tmp_path / "out")]
    run = subprocess.run(command, input="b c\n" * 5, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert EncodedCorpus.open(tmp_path / "out").vocabulary.words == ["a", "b", "c"]
    command[-1] = str(tmp_path / "2")
    run = subprocess.run(command, input=gzip.compress(b"b c"), capture_output=True, check=False)
    assert run.returncode == 2
    assert b"/dev/stdin: is binary, not text" in run.stderr
