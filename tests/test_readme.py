"""The Python programs of README.md and docs/torch.md run as they stand."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/torch.md")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
PROGRAMS = [(page, program) for page in PAGES for program in PYTHON.findall((ROOT / page).read_text())]
SENTENCES = ["the king of the old land met the queen of the sea", "a queen and a king had gold and old wine"] * 200


@pytest.mark.parametrize(("page", "program"), PROGRAMS)
def test_a_program_runs(page: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "README.md":
        pytest.importorskip("gensim", reason="the default test sets come with gensim")
    else:
        pytest.importorskip("torch.nn", reason="PyTorch is not installed")
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("\n".join(SENTENCES) + "\n")
    exec(program, {"__name__": "page"})


def test_there_are_programs() -> None:
    assert [page for page, _ in PROGRAMS] == ["README.md"] * 2 + ["docs/torch.md"] * 2
