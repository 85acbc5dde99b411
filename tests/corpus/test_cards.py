import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from wordsparse.corpus.cards import load_card
from wordsparse.errors import InputError, MissingDependencyError

CARD = Path(__file__).resolve().parents[2] / "corpora" / "gensim-text.toml"


def changed(tmp_path, old, new):
    text = CARD.read_text()
    assert old in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new))
    return path


def test_the_gensim_text():
    pytest.importorskip("gensim", reason="gensim is not installed")
    card = load_card(CARD)
    assert card.name == CARD.stem
    sentences = list(card.sentences())
    counts = Counter(word for sentence in sentences for word in sentence)
    assert len(sentences) == 656
    assert counts.total() == 866_030
    assert sum(count >= 5 for count in counts.values()) == 15_908


def test_without_gensim_the_message_names_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="gensim"):
        load_card(CARD).sentences()


def test_files_are_checked_before_the_first_is_read(tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    for old, new, said in [
        ("bytes = 360082", "bytes = 360083", r"lee_background\.cor: is not the file"),
        ("5d78d6", "000000", r"lee_background\.cor: is not the file"),
        ('"lee_background.cor"', '"none.cor"', r"none\.cor: is missing"),
    ]:
        with pytest.raises(InputError, match=said):
            load_card(changed(tmp_path, old, new)).sentences()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "gensim-text"', "", "missing or unknown: name"),
        ('name = "gensim-text"', "name = 7", "name must be of type str"),
        ('tokens = "simple"', 'tokens = "other"', "tokens must be one of split, simple"),
        ('tokens = "simple"', 'tokens = "simple"\nurl = "x"', "missing or unknown: url"),
        ("bytes = 360082", "bytes = true", "file 3: bytes must be of type int"),
        ("bytes = 360082", "size = 360082", "file 3: missing or unknown: bytes, size"),
        ('format = "wiki"', 'format = "html"', "file 1: unknown format"),
        ('sha256 = "a5', 'sha256 = "', "file 1: sha256"),
        ('package = "gensim"', 'package = "os"', "package gensim only"),
        ('folder = "test/test_data"', 'folder = "../secret"', "inside the package"),
        ('folder = "test/test_data"', 'folder = "/etc"', "inside the package"),
        ('"lee_background.cor"', '"../../secret"', "inside the package"),
        ('name = "gensim-text"', "name = ", "is not valid TOML"),
    ],
)
def test_a_wrong_card_is_refused_by_name(tmp_path, old, new, said):
    path = changed(tmp_path, old, new)
    with pytest.raises(InputError, match=said) as refusal:
        load_card(path)
    assert str(path) in str(refusal.value)


def test_a_card_without_files_is_refused(tmp_path):
    path = tmp_path / "card.toml"
    for files in ("[]", "[7]"):
        path.write_text(f'name="n"\ndescription="d"\nlicence="l"\ntokens="split"\nfiles={files}')
        with pytest.raises(InputError, match=r"card\.toml"):
            load_card(path)
    with pytest.raises(InputError, match="none"):
        load_card(tmp_path / "none")
