"""``similar`` and ``analogy``, which have the same output format."""

import json
from pathlib import Path

import pytest

import wordsparse as ws
from wordsparse.cli import main


def test_similar_json(vectors: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["similar", vectors, "king", "-n", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "word": "king",
        "composed": False,
        "neighbours": [
            {"word": "man", "cosine": pytest.approx(0.5**0.5)},
            {"word": "queen", "cosine": pytest.approx(0.5)},
        ],
    }


def test_analogy(vectors: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analogy", vectors, "man", "king", "woman", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["a"], result["b"], result["c"]) == ("man", "king", "woman")
    assert [neighbour["word"] for neighbour in result["neighbours"]] == ["queen"]


def test_the_tokeniser_of_the_model_writes_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (f"Datei{'!' * i} und Haus, Server" for i in range(50))
    ws.train(text, output=tmp_path / "m", tokens="simple", dim=3, epochs=1, progress=False)
    for words, meant, note in (
        (["DATEI"], ["datei"], "DATEI: read as datei"),
        (["Datei-Server"], ["datei", "server"], "Datei-Server: read as datei and server (their mean)"),
        (["Haus", "und"], ["haus", "und"], "Haus: read as haus"),
    ):
        assert main(["similar", str(tmp_path / "m"), *meant]) == 0
        expected = capsys.readouterr().out
        assert main(["similar", str(tmp_path / "m"), *words]) == 0
        shown = capsys.readouterr()
        assert shown.out == expected
        assert note in shown.err
    assert main(["analogy", str(tmp_path / "m"), "Datei", "Haus", "UND"]) == 0
