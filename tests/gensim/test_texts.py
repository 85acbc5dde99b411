"""Readers of text, and sentences as numbers."""

import bz2

import pytest

from wordsparse.errors import WrongTypeError
from wordsparse.gensim import LineSentence, texts


def test_errors_of_sentences_name_what_is_wrong():
    for sentence in (7, None, iter("ab")):
        with pytest.raises(WrongTypeError, match="must be a list of tokens, not"):
            texts.scan([["a"], sentence])

    def failing():
        yield ["a"]
        raise TypeError("of the program's own")

    with pytest.raises(TypeError, match=r"^of the program's own$"):
        texts.scan(failing())


def test_keys_that_are_no_words_have_names():
    assert texts.engine_words(["b", "a"]) == ["b", "a"]
    assert texts.engine_words(["1", 1]) == ['"1"', "1"]
    assert texts.engine_words([frozenset("a"), "b"]) == ["0", "1"]


def test_lines_are_read_as_gensims(tmp_path):
    word2vec = pytest.importorskip("gensim.models.word2vec", reason="gensim is not installed")
    path = tmp_path / "text"
    path.write_bytes(b"a b\n\nc d e f\n")
    for options in ({}, {"max_sentence_length": 3, "limit": 3}):
        reader = LineSentence(path, **options)
        assert list(reader) == list(reader) == list(word2vec.LineSentence(str(path), **options))
    (tmp_path / "packed.bz2").write_bytes(bz2.compress(path.read_bytes()))
    with path.open() as file:
        for reader in (LineSentence(file), LineSentence(tmp_path / "packed.bz2")):
            assert list(reader) == list(reader) == [["a", "b"], ["c", "d", "e", "f"]]


def test_a_text_of_one_line_is_read(tmp_path):
    """text8 is a single line of 100 MB, and readers of lines refuse lines above 64 MiB."""
    path = tmp_path / "text8"
    path.write_bytes(b"a " + b"b" * 2**26)
    assert [len(word) for sentence in LineSentence(path) for word in sentence] == [1, 2**26]
