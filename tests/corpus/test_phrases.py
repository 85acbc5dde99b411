"""Phrases are gensim's: the example of docs/text.md runs, and what an older version joined is refused by name."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.runs import interrupted, kept_checkpoint, train

import wordsparse as ws
from wordsparse.corpus import shards
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.training import checkpoints

PAGE = Path(__file__).resolve().parents[2] / "docs" / "text.md"
TEXT = [["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 60
PHRASES = {"phrases": 1, "phrase_threshold": 10.0}


def test_the_example_of_the_page_runs() -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    section = PAGE.read_text().split("## Phrases")[1].split("\n## ")[0]
    known: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0], known)
    assert {"new_york", "saw", "new"} <= set(known["model"].vocabulary.words)
    assert known["vectors"].any(axis=1).all()


def altered(path: Path, change: dict[str, Any], format: str, version: int) -> None:
    """Change some members of a manifest."""
    storage.write_manifest(path, {**storage.read_manifest(path, format, version), **change})


def test_an_interrupted_run_with_phrases_is_refused_by_name(tmp_path: Path) -> None:
    interrupted(TEXT, tmp_path / "model", 100)
    kept = kept_checkpoint(tmp_path / "model")
    request = storage.read_manifest(kept / checkpoints.MANIFEST, checkpoints.FORMAT, checkpoints.VERSION)["request"]
    request = {**request, "call": {**request["call"], **PHRASES}}
    altered(kept / checkpoints.MANIFEST, {"request": request}, checkpoints.FORMAT, checkpoints.VERSION)
    with pytest.raises(InputError, match=f"{kept.name}: holds phrases that an older version joined"):
        train(TEXT, tmp_path / "model", resume=True)


def test_an_encoded_text_with_phrases_is_refused_by_name(tmp_path: Path) -> None:
    corpus = ws.encode(TEXT, tmp_path / "text")
    altered(corpus.path / shards.MANIFEST, {"tokenization": {"tokens": None, **PHRASES}}, shards.FORMAT, shards.VERSION)
    with pytest.raises(InputError, match=r"text: holds phrases that an older version joined"):
        ws.train(corpus.path, dim=4)


@pytest.mark.parametrize("how", ["tokenization", "call"])
def test_a_model_with_phrases_is_refused_by_name(tmp_path: Path, how: str) -> None:
    model = ws.train(TEXT, dim=4, epochs=1, threads=1, output=tmp_path / "m")
    if how == "call":
        model.call["phrases"] = 1
    else:
        model.trained().text["tokenization"] = {"tokens": None, **PHRASES}
    model.save(tmp_path / "joined")
    with pytest.raises(InputError, match="joined: holds phrases that an older version joined"):
        ws.load(tmp_path / "joined")
    assert ws.load(tmp_path / "m").vocabulary.words == model.vocabulary.words
