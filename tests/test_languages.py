"""Each command of docs/languages.md splits its sentence into the words that the page shows."""

import re
from pathlib import Path

import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.tokens.tokenizers import tokenizer

PAGE = (Path(__file__).parents[1] / "docs" / "languages.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| (.+?) \| `wordsparse (train text\.txt .+?)` \| (.+?) \| (.+?) \|$", PAGE, re.M)


@pytest.mark.parametrize(("command", "sentence", "words"), [pytest.param(*line[1:], id=line[0]) for line in LINES])
def test_a_line_of_the_page(command, sentence, words, tmp_path, monkeypatch, capsys):
    (name,) = re.findall(r"--tokens (\S+)", command) or ["split"]
    assert tokenizer(name)(sentence) == words.split()
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(f"{sentence}\n" * 50, encoding="utf-8")
    assert main([*command.split(), "--dim", "3", "--epochs", "1"]) == 0
    assert "end in punctuation" not in capsys.readouterr().err
    assert set(ws.load("model").vocabulary.words) == set(words.split())


def test_the_page_has_these_lines():
    assert len(LINES) == PAGE.count("| `wordsparse ") == 11
