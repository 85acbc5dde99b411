"""The recipes of docs/sentences.md run unchanged, if their packages are installed."""

import re
from pathlib import Path

import pytest

import wordsparse as ws

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sentences.md"
SECTION = PAGE.read_text().split("## Databases")[1].split("\n## ")[0]
START, *RECIPES = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


def package(recipe: str) -> str:
    """Return the package that a recipe needs."""
    return re.findall(r"^(?:import|from) (\w+)", recipe, re.MULTILINE)[-1]


@pytest.mark.parametrize("recipe", RECIPES, ids=map(package, RECIPES))
def test_a_recipe_runs(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package(recipe), reason=f"{package(recipe)} is not installed")
    monkeypatch.chdir(tmp_path)
    lines = ["The king and the queen have a crown.", "A loaf of bread and milk."] * 100
    ws.train(iter(lines), tokens="simple", dim=8, output="model", progress=False)
    known: dict[str, object] = {}
    exec(START + recipe, known)
    near = known["near"]
    assert isinstance(near, list)
    assert len(near) == 2
    assert "king" in str(near[0]) or "crown" in str(near[0])
