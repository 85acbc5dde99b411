"""The Python programs of README.md run as they stand."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gensim", reason="the default test sets come with gensim")
    monkeypatch.chdir(tmp_path)
    sentences = ["the king of the old land met the queen of the sea", "a queen and a king had gold and old wine"] * 200
    Path("text.txt").write_text("\n".join(sentences) + "\n")
    exec(program, {})


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == 2
