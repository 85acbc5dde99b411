import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import load_test_sets, read_analogies, read_pairs, read_sentences

Write = Callable[[str, str], Path]


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


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_pairs, "a b 1\nc d\n", "line 2: expected two words and a number, found 'c d'"),
        (read_pairs, "head er line\nword 1 2\nc d e\n", "line 3"),
        (read_pairs, "a b nan\nc d inf\n", "line 2"),
        (read_pairs, "a,,1\nb,,2", "line 2"),
        (read_pairs, "word1 word2\na b 1", "line 1"),
        (read_pairs, "# nothing\n", "no word pairs"),
        (read_analogies, ": s\na b c\n", "line 2: expected four"),
        (read_analogies, ": s\n", "no anal"),
    ],
)
def test_malformed_sets(write, read, text, message):
    with pytest.raises(InputError, match=message):
        read(write("set.txt", text))


def test_pairs_of_sentences(write):
    path = write("s.tsv", "# comment\n2.5\tA cat, a dog.\t Cats \r\n\n0\t# no comment\tb c\n")
    assert read_sentences(path) == [("A cat, a dog.", "Cats", 2.5), ("# no comment", "b c", 0)]


@pytest.mark.parametrize("row", ["score\ta\tb", "1\ta", "1\ta\t", "1\t\tb", "1 a b", "nan\ta\tb", "1\ta\tb\tc"])
def test_a_bad_row_of_sentences_is_named_by_its_line(write, row):
    with pytest.raises(InputError, match=r"s.tsv, line 2: expected a number and two sentences between tabs"):
        read_sentences(write("s.tsv", f"1\ta\tb\n{row}\n"))
    with pytest.raises(InputError, match="no pairs of sentences"):
        read_sentences(write("s.tsv", "\n"))


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
