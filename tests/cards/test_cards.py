import importlib.metadata
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from wordsparse.cards.card import card_names, load_card
from wordsparse.cards.fetching import fetch
from wordsparse.cli import main
from wordsparse.corpus.reading import sentences
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import load_test_sets

CARDS = Path(importlib.util.find_spec("wordsparse.corpora_cards").origin).parent


def changed(tmp_path, old, new, name="gensim-text"):
    text = (CARDS / f"{name}.toml").read_text()
    assert old in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new))
    return path


def test_every_card_is_valid_and_named_like_its_file():
    assert set(card_names()) >= {
        "text8",
        "enwik9",
        "one-billion-word",
        "wikitext-103",
        "simple-wikipedia",
        "gensim-text",
        "gensim-sets",
    }
    for name in card_names():
        card = load_card(name)
        assert card.name == name
        assert (card.download is None) == bool(card.files) == (card.wheel is not None)
    with pytest.raises(InputError, match="there is no card 'none': choose one of enwik9"):
        load_card("none")


def test_the_gensim_text(tmp_path):
    pytest.importorskip("gensim", reason="its wheel holds the text, and gensim is not installed")
    assert fetch(load_card("gensim-text"), tmp_path / "out")["files"] == ["head500.noblanks.cor"]
    counts = Counter(word for sentence in sentences(tmp_path / "out") for word in sentence)
    assert counts.total() == 331_339
    assert sum(count >= 5 for count in counts.values()) == 7_978


@pytest.mark.nightly  # pip's network
@pytest.mark.parametrize("name", ["gensim-text", "gensim-sets"])
def test_the_wheel_of_gensim_is_within_reach(name, tmp_path, monkeypatch):
    def nowhere(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "distribution", nowhere)
    card = load_card(name)
    assert len(fetch(card, tmp_path / "out")["files"]) == len(card.files)


def test_the_default_test_sets_go_where_evaluate_finds_them(tmp_path, monkeypatch, capsys):
    pytest.importorskip("gensim", reason="its wheel holds the sets, and gensim is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["corpora", "fetch", "gensim-sets", "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert fetched["evaluate"] == "wordsparse evaluate model"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    test_sets = load_test_sets()
    assert {name: len(pairs) for name, pairs in test_sets.pairs.items()} == {"wordsim353": 353, "simlex999": 999}
    assert len(test_sets.analogies["questions-words"]) == 19_544


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("gensim-text", 'name = "gensim-text"', "", "missing 1 required positional argument: 'name'"),
        ("gensim-text", 'name = "gensim-text"', "name = 7", "name cannot be 7"),
        ("gensim-text", 'name = "gensim-text"', 'name = "../x"', "name cannot be"),
        ("gensim-text", 'tokens = "split"', 'tokens = "other"', "tokens cannot be 'other'"),
        ("gensim-text", 'tokens = "split"', "", "must have format and tokens"),
        ("gensim-text", 'tokens = "split"', 'tokens = "split"\nurl = "x"', "url cannot be 'x'"),
        ("gensim-text", "gensim==4.4.0", "gensim", "wheel cannot be"),
        ("gensim-text", "gensim==4.4.0", "--pre==4.4.0", "wheel cannot be"),
        ("gensim-text", "sha256:af", "sha256:", "the checksum of gensim/.* has another form"),
        ("gensim-text", 'name = "gensim-text"', "name = ", "is not valid TOML"),
        ("text8", 'format = "text8"', 'format = "html"', "format cannot be 'html'"),
        ("text8", "url = ", "address = ", "download: .*'address'"),
        ("text8", "http://mattmahoney", "file://mattmahoney", "url cannot be"),
        ("text8", "dc/text8.zip", "dc/", "url cannot be"),
        ("text8", "md5:", "crc:", "checksum cannot be"),
        ("text8", '["text8"]', "7", "members cannot be 7"),
    ],
)
def test_a_wrong_card_is_refused_by_name(tmp_path, name, old, new, said):
    path = changed(tmp_path, old, new, name)
    with pytest.raises(InputError, match=said) as refusal:
        load_card(path)
    assert str(path) in str(refusal.value)
