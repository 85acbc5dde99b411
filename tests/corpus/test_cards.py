import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from wordsparse.cli import main
from wordsparse.corpus.cards import card_names, load_card
from wordsparse.corpus.fetching import fetch
from wordsparse.corpus.reading import sentences
from wordsparse.errors import InputError, MissingDependencyError

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
    }
    for name in card_names():
        card = load_card(name)
        assert card.name == name
        assert (card.download is None) == bool(card.bundled)
    with pytest.raises(InputError, match="there is no card 'none': choose one of enwik9"):
        load_card("none")


def test_the_list(capsys):
    assert main(["corpora", "list", "--json"]) == 0
    listed = {card["name"]: card for card in json.loads(capsys.readouterr().out)["corpora"]}
    assert list(listed) == card_names()
    assert listed["text8"]["bytes"] == 31_344_016
    assert listed["simple-wikipedia"]["checksum"] is None
    assert main(["corpora", "list"]) == 0
    shown = capsys.readouterr().out
    assert "text8: 17 million words" in shown
    assert "size not known, no checksum known, from https://dumps.wikimedia.org" in shown


def test_the_gensim_text(tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    assert fetch(load_card("gensim-text"), tmp_path / "out").files == ["text.txt"]
    text = list(sentences(tmp_path / "out"))
    counts = Counter(word for sentence in text for word in sentence)
    assert len(text) == 406
    assert counts.total() == 529_879
    assert sum(count >= 5 for count in counts.values()) == 9_775
    assert "societi" not in counts  # no stemmed text


def test_without_gensim_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="gensim"):
        fetch(load_card("gensim-text"), tmp_path / "out")


def test_files_are_checked_before_the_first_is_read(tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    for old, new, said in [
        ("5d78d6", "000000", r"lee_background\.cor: is not the file"),
        ('"lee_background.cor"', '"none.cor"', r"none\.cor: is not the file"),
    ]:
        with pytest.raises(InputError, match=said):
            fetch(load_card(changed(tmp_path, old, new)), tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("gensim-text", 'name = "gensim-text"', "", "missing or unknown: name"),
        ("gensim-text", 'name = "gensim-text"', "name = 7", "name must be of type str"),
        ("gensim-text", 'name = "gensim-text"', 'name = "../x"', "name must be of lower-case letters"),
        ("gensim-text", 'tokens = "simple"', 'tokens = "other"', "unknown tokens 'other': choose one of split"),
        ("gensim-text", 'tokens = "simple"', 'tokens = "simple"\nurl = "x"', "missing or unknown: url"),
        ("gensim-text", "bytes = 360082", "bytes = true", "file 2: bytes must be of type int"),
        ("gensim-text", "bytes = 360082", "size = 360082", "file 2: missing or unknown: bytes, size"),
        ("gensim-text", 'format = "wiki"', 'format = "html"', "file 1: unknown format"),
        ("gensim-text", "sha256:a5", "sha256:", "file 1: a checksum must be"),
        ("gensim-text", '"lee_background.cor"', '"../../secret"', "must be the name of a file"),
        ("gensim-text", 'name = "gensim-text"', "name = ", "is not valid TOML"),
        ("text8", 'format = "text8"', 'format = "html"', "unknown format 'html'"),
        ("text8", "url = ", "address = ", "download: missing or unknown: address, url"),
        ("text8", "http://mattmahoney", "file://mattmahoney", "https:// or http:// address of a file"),
        ("text8", "dc/text8.zip", "dc/", "https:// or http:// address of a file"),
        ("text8", "md5:", "crc:", "a checksum must be md5:, sha1: or sha256:"),
        ("text8", '["text8"]', "[7]", "members must be a list of strings"),
        ("text8", '["text8"]', "[]", "members must be a list of strings"),
        ("enwik9", '"</page>", ', "", "end must be the last words"),
    ],
)
def test_a_wrong_card_is_refused_by_name(tmp_path, name, old, new, said):
    path = changed(tmp_path, old, new, name)
    with pytest.raises(InputError, match=said) as refusal:
        load_card(path)
    assert str(path) in str(refusal.value)


def test_a_card_without_files_is_refused(tmp_path):
    path = tmp_path / "card.toml"
    for files in ("[]", "[7]"):
        path.write_text(f'name="n"\ndescription="d"\nlicence="l"\nformat="lines"\ntokens="split"\nfiles={files}')
        with pytest.raises(InputError, match=r"card\.toml"):
            load_card(path)
    with pytest.raises(InputError, match="none"):
        load_card(tmp_path / "none")
