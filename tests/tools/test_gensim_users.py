"""A package that trains gensim's Word2Vec, unmodified from PyPI, runs its own example on ours.

tools/check/gensim_users.py runs all of them.
"""

import importlib
from pathlib import Path
from types import ModuleType

import click
import pytest

pytest.importorskip("gensim", reason="gensim has no wheel here")
TOOLS = Path(__file__).resolve().parents[2] / "tools/check"


@pytest.fixture
def gensim_users(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("gensim_users")


def test_every_package_has_a_program(gensim_users: ModuleType) -> None:
    assert {path.stem for path in gensim_users.PROGRAMS.iterdir() if path.suffix == ".py"} == set(gensim_users.NEEDS)


@pytest.mark.nightly
def test_node2vec_runs_its_example(gensim_users: ModuleType, tmp_path: Path) -> None:
    """It is light: the others need Numba, RDKit or pandas."""
    try:
        gensim_users.installed("node2vec", tmp_path / "packages")
    except click.ClickException as error:
        pytest.skip(f"node2vec cannot be installed: {error.message}")
    done = gensim_users.ran(gensim_users.WITH_OURS, "node2vec", tmp_path / "packages", tmp_path / "run")
    assert done["ran"], done["error"]
