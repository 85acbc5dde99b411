"""The recipe of docs/labels.md for Annif trains, learns and suggests."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("annif", reason="Annif is not installed")


def test_the_recipe_trains_learns_and_suggests(tmp_path: Path) -> None:
    from annif.backend import get_backend
    from annif.corpus import Document, DocumentList, SubjectSet

    runpy.run_path(str(Path(__file__).parents[2] / "docs" / "annif_backend.py"))
    project = SimpleNamespace(datadir=str(tmp_path), subjects=range(5))
    backend = get_backend("wordsparse")("wordsparse", {"limit": 2}, project)

    def documents(text: str, subject: int) -> list[Document]:
        return [Document(text=text, subject_set=SubjectSet([subject]))] * 10

    assert not backend.is_trained
    backend.train(DocumentList([*documents("a cat purrs", 1), *documents("the dog barks", 2)]))
    backend.learn(DocumentList(documents("fish swim", 4)))
    again = get_backend("wordsparse")("wordsparse", {"limit": 2}, project)
    again.initialize()
    for text, subject in {"my cat": 1, "fish": 4}.items():
        suggested = next(iter(again.suggest([Document(text=text)])))
        assert next(iter(suggested)).subject_id == subject
