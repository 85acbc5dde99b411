"""docs/gensim.md lists every name of gensim, and its entries are true."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from wordsparse.gensim import KeyedVectors, Word2Vec

gensim = pytest.importorskip("gensim", reason="gensim has no wheel here")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "gensim.md"
ROW = re.compile(r"^\| `(\w+)` \| (same|better|no effect|refused|not there) \|", re.MULTILINE)


def table(heading: str) -> dict[str, str]:
    """The entry of the page for each name below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(ROW.findall(section))


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_arguments() -> None:
    theirs, ours = (list(inspect.signature(kind).parameters) for kind in (gensim.models.Word2Vec, Word2Vec))
    assert list(table("Arguments of Word2Vec")) == theirs
    assert ours[: len(theirs)] == theirs


def test_methods_and_attributes() -> None:
    theirs, ours = (kind([["a", "b"]], min_count=1) for kind in (gensim.models.Word2Vec, Word2Vec))
    said = table("Methods of Word2Vec")
    assert said.keys() == public(gensim.models.Word2Vec)
    assert_there(ours, said)
    attributes = table("Attributes of Word2Vec")
    arguments = table("Arguments of Word2Vec").keys()
    assert attributes.keys() == vars(theirs).keys() - arguments - said.keys()
    assert_there(ours, attributes)


def test_keyed_vectors() -> None:
    said = table("Methods and attributes of KeyedVectors")
    theirs = gensim.models.KeyedVectors(2)
    assert said.keys() == public(gensim.models.KeyedVectors) | vars(theirs).keys() | {"vectors_lockf"}
    assert_there(KeyedVectors(2), said)


def assert_there(ours: Any, said: dict[str, str]) -> None:
    for name, how in said.items():
        assert hasattr(ours, name) == (how != "not there"), name
