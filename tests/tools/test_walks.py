"""The study of walks and baskets reads a list of packages and judges every side."""

import importlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
LISTED = """Package: a
Section: contrib/libs
Pre-Depends: b (>= 1.0), missing
Depends: c:any | d-2.0, a
Description: Depends: x

Package: b
Section: utils

Package: c
Section: libs
Depends: b

Package: d-2.0
Section: libs

Package: alone
Section: libs
"""


def test_packages_are_a_graph_and_baskets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    walks = importlib.import_module("walks")
    (tmp_path / "list").write_text(LISTED)
    graph = walks.read(tmp_path / "list")
    assert graph.names == ["a", "b", "c", "d-2.0"]
    assert graph.sections.tolist() == ["libs", "utils", "libs", "libs"]
    assert graph.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2]]
    assert [basket.tolist() for basket in graph.baskets] == [[1, 2, 3]]
    random = np.random.default_rng(1)
    kept, held = walks.held_out(graph.edges, 4, 0.25, random)
    assert (len(kept), len(held)) == (3, 1)
    assert set(kept.ravel()) == {0, 1, 2, 3}
    known = {tuple(edge) for edge in kept.tolist()}
    arguments = ["--packages", str(tmp_path / "list"), "--walks=3", "--length=5", "--text", str(tmp_path / "walks.txt")]
    walks.main(arguments, standalone_mode=False)
    assert [len(line.split()) for line in (tmp_path / "walks.txt").read_text().splitlines()] == [5] * 12
    for walk in walks.walked(kept, 4, 3, 5, random):
        assert all((min(a, b), max(a, b)) in known for a, b in itertools.pairwise(walk))
    assert {tuple(pair) for pair in walks.non_edges(graph, 5, random, False).tolist()} == {(1, 3), (2, 3)}


def reported(tool: str, folder: Path, *options: str) -> dict[str, Any]:
    """The report of a tool about 120 packages in two sections, which depend on their own section only."""
    random = np.random.default_rng(1)
    needs = [", ".join(f"p{other}" for other in random.integers(60, size=4) * 2 + n % 2) for n in range(120)]
    packages = [f"Package: p{n}\nSection: s{n % 2}\nDepends: {others}" for n, others in enumerate(needs)]
    (folder / "list").write_text("\n\n".join(packages))
    files = ["--packages", str(folder / "list"), "-o", str(folder / "report.json")]
    command = [sys.executable, str(TOOLS / tool), *files, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def test_every_side_is_judged(tmp_path: Path) -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    options = ["--walks=2", "--length=5", "--questions=5", "--item-epochs=1", "--fractions=0.5"]
    report = reported("walks.py", tmp_path, *options)
    names = [f"{program} {model}" for model in ("skip-gram", "CBOW") for program in ("wordsparse", "gensim")]
    for kind, score in (("walks", "AUC degree"), ("items", "hits@20 model")):
        assert [row["side"] for row in report[kind]] == names
        assert all(0 <= row[score] <= 1 for row in report[kind])
    assert all(0.001 <= row["C 0.5"] <= 10 for row in report["walks"])  # chosen for each side


def test_exports_are_compared(tmp_path: Path) -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    sides = ("wordsparse CBOW", "gensim CBOW")
    options = [*(f"--side={side}" for side in sides), "--seed=1", "--known=1", "--exponents=0,1.5"]
    rows = reported("walk_exports.py", tmp_path, *options, "--popularities=0,0.2")["rows"]
    exports = [(sides[0], exponent, popularity) for exponent in (0, 1.5) for popularity in (0, 0.2)]
    assert [(row["side"], row["exponent"], row["popularity"]) for row in rows] == [*exports, (sides[1], None, None)]
    assert len({row["AUC degree"] for row in rows}) == 5


def test_reports_of_seeds_and_parts_are_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    walks = importlib.import_module("walks")
    common = {"tool": "walks", "command": "python tools/walks.py", "machine": {}, "options": {}, "graph": {}}
    ours, theirs = "wordsparse CBOW", "gensim CBOW"
    parts = {
        "theirs1": {"seed": 1, "walks": [{"side": theirs, "F1": 0.5}]},
        "ours1": {"seed": 1, "walks": [{"side": ours, "F1": 0.25}], "items": [{"side": ours, "hits": 0.5}]},
        "all2": {
            "seed": 2,
            "walks": [{"side": ours, "F1": 0.75}, {"side": theirs, "F1": 0.5}],
            "items": [{"side": ours, "hits": 1.0}],
        },
    }
    for name, part in parts.items():
        (tmp_path / name).write_text(json.dumps(common | part))
    arguments = [argument for name in parts for argument in ("--join", str(tmp_path / name))]
    walks.main([*arguments, "-o", str(tmp_path / "walks.json")], standalone_mode=False)
    printed = capsys.readouterr().out
    for row in (f"{ours}      2  0.500 (0.250-0.750)", f"{theirs}      2  0.500 (0.500-0.500)", "0.750 (0.500-1.000)"):
        assert row in printed
    first, second = json.loads((tmp_path / "walks.json").read_text())["seeds"]
    assert (first["seed"], second["seed"]) == (1, 2)
    assert [row["side"] for row in first["walks"]] == [row["side"] for row in second["walks"]] == [ours, theirs]
    assert first["items"] == [{"side": ours, "hits": 0.5}]
    assert [report["command"] for report in first["reports"]] == ["python tools/walks.py"] * 2
    with pytest.raises(click.ClickException, match="the same side with the same seed"):
        walks.joined([common | parts["ours1"], common | parts["ours1"]])
