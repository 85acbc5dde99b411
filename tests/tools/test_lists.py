"""Each kind of input holds the same walks, and each is timed."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def test_kinds_hold_the_same_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    lists = importlib.import_module("lists")
    kinds = lists.kinds(np.array([[0, 2, 1], [1, 1, 2]]), tmp_path / "walks.txt")
    *sequences, path = kinds.values()
    for walks in (*sequences, [line.split() for line in path.read_text().splitlines()]):
        assert [[int(str(node).removeprefix("package-")) for node in walk] for walk in walks] == [[0, 2, 1], [1, 1, 2]]


def test_every_kind_is_timed(tmp_path: Path) -> None:
    out = tmp_path / "lists.json"
    arguments = ["--tokens", "1600", "--nodes", "20", "--rounds", "1", "-o", str(out)]
    subprocess.run([sys.executable, str(TOOLS / "lists.py"), *arguments], check=True, capture_output=True)
    found = json.loads(out.read_text())["cpu_ns_per_token"]
    assert {"ours, lists of str", "ours, lists of int", "ours, corpus_file"} <= found.keys()
    assert min(found.values()) > 0
