import importlib.util
import io
import json
import tarfile
from pathlib import Path

import pytest
from support.file_server import Served, serving

from wordsparse import optional
from wordsparse.cards.card import card_names, load_card
from wordsparse.cli import main
from wordsparse.evaluation.testsets import load_test_sets

CARDS = Path(importlib.util.find_spec("wordsparse.corpora_cards").origin).parent


def changed(tmp_path, old, new, name="text8"):
    text = (CARDS / f"{name}.toml").read_text()
    assert old in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new))
    return path


def test_every_card_is_valid_and_named_like_its_file():
    names = "text8 one-billion-word wikitext-103 simple-wikipedia gensim-sets"
    assert set(card_names()) >= set(names.split())
    for name in card_names():
        card = load_card(name)
        assert card.name == name
        assert card.url


def test_the_default_test_sets_go_where_evaluate_finds_them(tmp_path, monkeypatch, capsys):
    """The test sets are fetched from an archive like GitHub's. Without gensim, evaluate finds the fetched files."""
    data = optional.gensim_data()
    if data is None:
        pytest.skip("gensim, which ships the sets, is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in ("wordsim353.tsv", "simlex999.txt", "questions-words.txt"):
            archive.add(data / name, f"gensim-4.4.0/gensim/test/test_data/{name}")
    with serving(Served(file.getvalue())) as served:
        url = "https://github.com/piskvorky/gensim/archive/refs/tags"
        card = changed(tmp_path, url, served.address, "gensim-sets")
        assert main(["corpora", "fetch", str(card), "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert fetched["evaluate"] == "wordsparse evaluate model"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    test_sets = load_test_sets()
    assert {name: len(pairs) for name, pairs in test_sets["pairs"].items()} == {"wordsim353": 353, "simlex999": 999}
    assert len(test_sets["analogies"]["questions-words"]) == 19_544
