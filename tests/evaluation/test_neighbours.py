"""Nearest neighbours judged by a small WordNet."""

import pytest

from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.evaluation.neighbours import read_lexicon
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.evaluate import evaluate

DATA = """  1 A licence, which is indented.
00000001 05 n 02 cat 0 kitty 0 001 @ 00000003 n 0000 | a feline
00000002 05 n 01 dog 0 002 @ 00000003 n 0000 ~ 00000004 n 0000 | a canine
00000003 05 n 01 carnivore 0 001 @ 00000006 n 0000 | it eats meat
00000004 05 n 01 puppy 0 001 @ 00000002 n 0000 | a young dog
00000005 06 n 01 house 0 001 @ 00000007 n 0000 | a building
00000006 05 n 01 animal 0 000 | it lives
00000007 06 n 01 thing 0 000 | anything
"""


@pytest.fixture
def wordnet(tmp_path):
    (tmp_path / "wordnet").mkdir()
    (tmp_path / "wordnet" / "data.noun").write_text(DATA)
    (tmp_path / "wordnet" / "noun.exc").write_text("kine cow\npups puppy\n")
    return tmp_path / "wordnet"


@pytest.fixture
def wv():
    """The nearest neighbours of every word are all other words. "household" begins as "house"."""
    words = ["cat", "dog", "house", "cats", "pups", "household"]
    return WordVectors(words, [[1, i / 10] for i in range(6)], [100, 90, 80, 9, 8, 7])


def test_bases_and_ancestors(wordnet):
    lexicon = read_lexicon(wordnet)
    assert [lexicon.base(word) for word in ("cats", "puppies", "pups", "zzz")] == ["cat", "puppy", "puppy", "zzz"]
    assert lexicon.ancestors("cat") == {"00000001", "00000003", "00000006"}
    assert lexicon.ancestors("puppy") == {"00000004", "00000002", "00000003"}
    assert lexicon.classes_of("house") == {"06"}


def test_shares_of_neighbours(wordnet, wv):
    """Cat is related to dog and pups, and in one class with dog, pups and cats. Dog is related to cat, cats and pups.
    Three of the five neighbours of each word are rare."""
    score = evaluate(wv, neighbours=[wordnet])["neighbours"]["wordnet"]
    assert score["related"] == pytest.approx((2 / 5 + 3 / 5 + 0) / 3)
    assert score["class"] == pytest.approx((3 / 5 + 3 / 5 + 0) / 3)
    assert score["own"] == pytest.approx((1 / 5 + 0 + 1 / 5) / 3)
    assert score["rare"] == pytest.approx(3 / 5)
    assert (score["n"], score["oov"], score["median"]) == (3, 0, 9)
    assert score["low"] <= score["related"] <= score["high"]


def test_words_of_a_file_are_asked_without_wordnet(tmp_path, wv, capsys):
    asked, vectors = tmp_path / "asked.txt", tmp_path / "vectors.npz"
    asked.write_text("house\nnobody\n\ndog\n")
    wv.export(vectors)
    score = evaluate(wv, neighbours=[asked])["neighbours"]["asked"]
    assert (score["related"], score["class"], score["own"], score["n"], score["oov"]) == (None, None, 0.1, 2, 1)
    assert main(["evaluate", str(vectors), "--neighbours", str(asked)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["asked", "-", "-", "0.100", "0.600"]


@pytest.mark.parametrize(
    ("name", "content"), [("data.noun", "1 05 n xx\n"), ("noun.exc", "one\n"), ("data.noun", None)]
)
def test_files_that_are_not_wordnets_are_refused(wordnet, name, content):
    (wordnet / name).write_text(content) if content else (wordnet / name).unlink()
    with pytest.raises(InputError, match=name):
        read_lexicon(wordnet)
    empty = wordnet / "empty.txt"
    empty.write_text("\n")
    with pytest.raises(InputError, match="holds no words"):
        read_lexicon(empty)
