"""The Python programs of README.md run as they stand."""

import re
from pathlib import Path

import pytest

import wordsparse as ws

README = Path(__file__).resolve().parents[1] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_program_that_trains_word_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gensim", reason="the program calls keyed_vectors")
    compared: list[object] = []  # compare trains twelve models, and has tests of its own
    monkeypatch.setattr(ws, "compare", lambda *arguments, **options: compared.append(arguments))
    monkeypatch.chdir(tmp_path)
    sentences = ["the king of the old land met the queen of the sea", "a queen and a king had gold and old wine"] * 200
    Path("text.txt").write_text("\n".join(sentences) + "\n")
    Path("vectors.txt").write_text("king 1 2\nqueen 2 1\n")
    exec(PROGRAMS[0], {})
    assert compared == [("text.txt", "report")]


def test_the_program_of_the_layer_by_itself() -> None:
    names: dict[str, object] = {}
    exec(PROGRAMS[1], names)
    assert names["losses"].shape == (32,)  # type: ignore[attr-defined]
