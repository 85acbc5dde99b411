"""The example in docs/text.md that finds phrases with gensim runs."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "text.md"


def test_the_example_of_the_page_runs() -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    section = PAGE.read_text().split("## Phrases")[1].split("\n## ")[0]
    known: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0], known)
    assert {"new_york", "saw", "new"} <= set(known["model"].vocabulary.words)
    assert known["vectors"].any(axis=1).all()
