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


CLASSES = [(gensim.models.Word2Vec, Word2Vec), (gensim.models.KeyedVectors, KeyedVectors)]


@pytest.mark.parametrize(("theirs", "ours"), CLASSES)
def test_arguments(theirs: type, ours: type) -> None:
    assert list(table(f"Arguments of {theirs.__name__}")) == list(inspect.signature(theirs).parameters)
    assert named(ours)[: len(named(theirs))] == named(theirs)


@pytest.mark.parametrize(("theirs", "ours"), CLASSES)
def test_methods_take_the_same_arguments(theirs: type, ours: type) -> None:
    compared = 0
    for name in public(theirs) & public(ours):
        expected, found = (getattr(kind, name) for kind in (theirs, ours))
        if callable(expected) and {"args", "options"}.isdisjoint(inspect.signature(found).parameters):
            assert named(found)[: len(named(expected))] == named(expected), name
            compared += 1
    assert compared > 10


def named(function: Any) -> list[tuple[str, Any]]:
    """The names of a function's arguments and their defaults, without the rest (``**options``)."""
    arguments = inspect.signature(function).parameters.values()
    return [(one.name, one.default) for one in arguments if one.kind is not inspect.Parameter.VAR_KEYWORD]


def test_methods_and_attributes() -> None:
    theirs, ours = (kind([["a", "b"]], min_count=1, hs=1) for kind in (gensim.models.Word2Vec, Word2Vec))
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
