"""Python programs in README.md and docs run as printed. tests/test_outputs.py runs programs that show their output."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from support.pages import shown_blocks

import wordsparse as ws

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/torch.md", "docs/labels.md")
# Data for docs/labels.md: the features X are the labels plus noise.
LABELS = sp.random_array((300, 20), density=0.1, rng=np.random.default_rng(0), format="csr")
GIVEN = {"Y": LABELS.sign(), "X": LABELS + 0.1 * sp.random_array((300, 20), density=0.1, format="csr")}
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
PROGRAMS = [
    (page, program)
    for page in PAGES
    for program in PYTHON.findall((ROOT / page).read_text())
    if program not in [block.program for block in shown_blocks(ROOT / page)]
]


@pytest.mark.parametrize(("page", "program"), PROGRAMS)
def test_a_program_runs(page, program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(program, {"__name__": "page", **GIVEN, "X_new": GIVEN["X"][:9]})


def test_the_program_that_finds_phrases_runs():
    section = (ROOT / "docs" / "text.md").read_text().split("## Phrases")[1].split("\n## ")[0]
    known = {}
    exec(PYTHON.findall(section)[0], known)
    assert {"new_york", "saw", "new"} <= set(known["model"].vocabulary.words)
    assert known["vectors"].any()
    assert (known["vectors"][0] == known["vectors"][1]).all()


def test_the_pages_have_programs():
    assert [page for page, _ in PROGRAMS] == ["README.md"] + ["docs/torch.md"] * 2 + ["docs/labels.md"] * 2


def test_the_reference_has_the_whole_public_interface():
    """Previously, docs/reference.md lacked the PyTorch layer and `count`. Every member that the page lists exists."""
    page = (ROOT / "docs" / "reference.md").read_text()
    listed = re.findall(r"auto(?:class|function|exception|module):: ([\w.]+)\n(?:   :members: ([\w, \n]+?)\n\n)?", page)
    names = {name.removeprefix("wordsparse.") for name, _ in listed}
    assert set(ws.__all__) - {"losses", "SparseTargetClassifier"} <= names
    others = {"torch.FactoredOutput", "distributed.train", "gensim.FastText", "layer.losses"}
    assert {*others, "labels.SparseTargetClassifier"} <= names
    for name, members in listed:
        module, _, last = name.rpartition(".")
        if module not in ("wordsparse.torch", "wordsparse.distributed", "wordsparse.gensim", "wordsparse.labels"):
            found = getattr(importlib.import_module(module or "wordsparse"), last)
            assert all(hasattr(found, member.strip()) for member in members.split(",") if member), name
