"""docs/gensim.md names a command that runs for each fastText command, and a counterpart for each Python method."""

import re
import shlex
from pathlib import Path

import pytest
from support.topics import two_topics

import wordsparse as ws
from wordsparse.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gensim.md"


def test_the_commands_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"{' '.join(words)} war peace army general" for words in two_topics(60)]
    Path("text.txt").write_text("\n".join(lines))
    Path("words.txt").write_text("war\npeacefully\n")
    Path("lines.txt").write_text("war and peace\n")
    Path("wiki.vec").write_text(
        "2 10\n" + "".join(f"{word} {' 1' * 10}\n" for word in ("war", "peace")).replace("  ", " ")
    )
    Path("tagged.txt").write_text("\n".join(f"__label__{'ab'[i % 2]} {line}" for i, line in enumerate(lines)))
    commands = re.findall(r"^\| `([a-z-]*)[^|]*` \| `wordsparse (.*?)` \|$", PAGE.read_text(), re.MULTILINE)
    assert len(commands) == 11
    for theirs, command in commands:
        arguments, _, piped = command.partition(" < ")
        with open(piped or "text.txt") as file:
            monkeypatch.setattr("sys.stdin", file)
            assert main(shlex.split(arguments)) == 0, command
        assert main([theirs]) == 2
        assert f"it is wordsparse {command.split()[0]} " in capsys.readouterr().err
    names = re.findall(r"^\| `(?:fasttext|model)\.(\w+)[^|]*` \| `(.*?)`.* \|$", PAGE.read_text(), re.MULTILINE)
    assert len(names) == 11
    for name, ours in names:
        with pytest.raises(AttributeError, match=re.escape(f": it is {ours}")):
            getattr(ws if ours.startswith("wordsparse") else ws.load("model"), name)
