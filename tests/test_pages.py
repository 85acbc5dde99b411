"""The tables of the documentation are generated from result files."""

import re
from pathlib import Path

from tools import pages

ROOT = Path(__file__).resolve().parents[1]


def test_the_pages_are_what_the_script_makes_of_the_result_files():
    assert [path.name for path in pages.pages() if pages.filled(path.read_text()) != path.read_text()] == []


def test_result_files_and_pages_name_each_other():
    text = "".join(page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    there = {path.stem for path in (ROOT / "docs/results").iterdir()}
    assert there <= set(re.findall(r"\bresults/([\w-]+)\.json", text)) | set(re.findall(r"<!-- result ([\w-]+):", text))
    named = set(re.findall(r"`docs/results/([\w-]+)\.json`", text))
    assert named <= there
