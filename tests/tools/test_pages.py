"""The pages that are made from result files."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("pages")


@pytest.mark.parametrize("page", ["performance", "recipe", "scaling"])
def test_a_page_is_what_the_script_makes_of_the_result_files(pages: ModuleType, page: str) -> None:
    assert (ROOT / "docs" / f"{page}.md").read_text() == pages.render(page), "run make pages"


def test_the_table_of_the_readme_is_what_the_script_makes_of_its_result_file(pages: ModuleType) -> None:
    text = pages.README.read_text()
    assert text == pages.with_headline(text), "run make pages"


def test_the_picture_of_the_readme_shows_every_method(pages: ModuleType) -> None:
    pytest.importorskip("matplotlib")
    picture = pages.headline_picture(pages.results(pages.HEADLINE)[f"{pages.HEADLINE}.json"])
    assert picture.startswith(b"<?xml")
    assert picture.count(b'id="axes_') >= len(pages.PICTURE_SETS)


def test_every_result_file_is_named_by_a_page() -> None:
    text = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    shown = set(re.findall(r"\bresults/([\w.-]+\.json)", text))
    assert shown >= {path.name for path in (ROOT / "docs/results").iterdir()}


def test_every_result_file_that_a_page_names_is_there() -> None:
    results = {path.name for path in (ROOT / "docs/results").iterdir()}
    kinds = {name.split("-")[0] for name in results}
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        named = set(re.findall(r"`(?:docs/results/)?(\w+-[\w-]+\.json)`", page.read_text()))
        missing = {name for name in named - results if name.split("-")[0] in kinds}
        assert not missing, page


def test_a_new_fact_of_a_file_is_shown_and_an_old_file_says_what_it_lacks(pages: ModuleType) -> None:
    machine = {"processor": "P", "cpus": 2, "threads": 1, "sgemm_gflops": 99.6, "blas": ["openblas 1 (Zen)"]}
    machine |= {"packages": {"wordsparse": "0.1.0"}}
    old = pages.origin("file.json", {"machine": machine})
    assert old.count("not recorded") == 5
    machine |= {"commit": "abc", "instruction_set": "x86-64-v3", "products": "AVX2", "environment": {"OMP_A": "1"}}
    new = pages.origin("file.json", {"command": "python tools/a.py", "machine": machine})
    assert "not recorded" not in new
    for fact in (
        "`python tools/a.py`",
        "100 GFLOP/s",
        "openblas 1 (Zen)",
        "`OMP_A=1`",
        "commit abc",
        "x86-64-v3",
        "AVX2",
    ):
        assert fact in new


def test_numbers(pages: ModuleType) -> None:
    assert [pages.score(value) for value in (0.6571, -0.0192, 1.0, None)] == [".657", "-.019", "1.000", ""]
    assert [pages.number(value) for value in (12503.2, 93.49, 0.618, None)] == ["12,503", "93.5", "0.618", ""]
