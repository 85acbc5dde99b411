"""The pages whose tables are made from result files."""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pages() -> ModuleType:
    return importlib.import_module("tools.pages")


def test_the_pages_are_what_the_script_makes_of_the_result_files(pages: ModuleType) -> None:
    assert [path.name for path in pages.pages() if pages.filled(path.read_text()) != path.read_text()] == []


def test_result_files_and_pages_name_each_other() -> None:
    text = "".join(page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    there = {path.stem for path in (ROOT / "docs/results").iterdir()}
    assert there <= set(re.findall(r"\bresults/([\w-]+)\.json", text)) | set(re.findall(r"<!-- result ([\w-]+):", text))
    named = set(re.findall(r"`docs/results/([\w-]+)\.json`", text))
    assert named <= there


def test_a_table_is_made_of_a_report(pages: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine = {"processor": "P", "cpus": 2, "threads": 1, "sgemm_gflops": 99.6, "blas": ["openblas 1 (Zen)"]}
    machine |= {"packages": {"wordsparse": "0.1.0"}, "environment": {"OMP_A": "1"}}
    machine |= {"commit": "abc", "instruction_set": "x86-64-v3", "products": "wordsparse"}
    timed = [
        {"benchmark": f"time_{side}", "m": m, "wall_us": 2.0 * m, "cpu_us": 1.0, "rounds_wall_us": [1.0]}
        for side in ("ours", "dense")
        for m in (1, 30)
    ]
    tracked = [{"benchmark": "track_drift", "variant": "bare", "worst": None, "steps": 12000}]
    report = {"subject": "S", "options": {}, "machine": machine, "rows": timed + tracked, "failed": {}}
    (tmp_path / "r.json").write_text(json.dumps({"command": "python -m tools.bench S", "reports": [report]}))
    monkeypatch.setattr(pages, "RESULTS", tmp_path)
    text = pages.filled("a\n<!-- result r: time_, track_ -->\nold\n<!-- /result -->\nb\n")
    assert "old" not in text
    for line in ("| m | ours, µs (CPU) | dense, µs (CPU) |", "| 30 | 60 (1) | 60 (1) |", "| bare |  | 12,000 |"):
        assert line in text
    for fact in (
        "`python -m tools.bench S`",
        "100 GFLOP/s",
        "openblas 1 (Zen)",
        "`OMP_A=1`",
        "commit abc",
        "x86-64-v3",
    ):
        assert fact in text
    assert pages.filled(text) == text
    absent = pages.filled("<!-- result absent: time_ -->\n<!-- /result -->")
    assert "Not measured for this version yet." in absent


def test_numbers(pages: ModuleType) -> None:
    assert [pages.score(value) for value in (0.6571, -0.0192, 1.0, None)] == [".657", "-.019", "1.000", ""]
    assert [pages.number(value) for value in (12503.2, 93.49, 0.618, None)] == ["12,503", "93.5", "0.618", ""]
