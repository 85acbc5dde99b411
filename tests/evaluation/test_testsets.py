import importlib.util

import pytest

from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import load_test_sets, read_analogies, read_pairs, read_sentences


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("separator", ["\t", " ", ",", " , "])
def test_pairs_in_any_layout(write, separator):
    rows = [["Word 1".replace(" ", "_"), "Word2", "mean"], ["a", "b", "1.5"], ["c", "d", "2"]]
    text = "# comment\n\n" + "\r\n".join(separator.join(row) for row in rows)
    assert read_pairs(write("p.txt", text)) == [("a", "b", 1.5), ("c", "d", 2)]
    assert read_pairs(write("more.txt", "new york\tbig apple\t9\t1\t2\n")) == [("new york", "big apple", 9)]


def test_pairs_of_sentences(write):
    path = write("s.tsv", "# comment\n2.5\tA cat, a dog.\t Cats \r\n\n0\t# no comment\tb c\n")
    assert read_sentences(path) == [("A cat, a dog.", "Cats", 2.5), ("# no comment", "b c", 0)]


def test_analogies_and_sections(write):
    path = write("questions.txt", "a b c d\n: first\ne f g h\n\n# comment\n:second part\ni j k l\n")
    assert read_analogies(path) == [
        ("questions", ("a", "b", "c", "d")),
        ("first", ("e", "f", "g", "h")),
        ("second part", ("i", "j", "k", "l")),
    ]


def test_without_gensim_the_command_that_fetches_them_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"`wordsparse corpora fetch gensim-sets`.*--pairs"):
        load_test_sets()
