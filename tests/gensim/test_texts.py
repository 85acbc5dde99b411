"""Readers of text, and sentences as numbers."""

import bz2
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE as END
from wordsparse.errors import InputError, WrongTypeError
from wordsparse.gensim import LineSentence, PathLineSentences, Text8Corpus, texts


def test_scan_numbers_tokens_in_order_of_appearance(monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (1, 2, 4096):
        monkeypatch.setattr(texts, "_BLOCK", block)
        found = texts.scan([["b", 7], [], ("b", (1, 2)), "b", {"c": 1}, np.array([7, 8])])
        assert found.counts == {"b": 3, 7: 2, (1, 2): 1, "c": 1, 8: 1}
        assert (found.total_words, found.sentences) == (8, 6)
        assert found.ids is not None
        assert found.ids.tolist() == [0, 1, END, 0, 2, END, 0, END, 3, END, 1, 4, END]
    assert texts.scan([]).ids is not None


def test_errors_of_sentences_name_what_is_wrong() -> None:
    with pytest.raises(InputError, match="unhashable type: 'list'"):
        texts.scan([["a"], [["b"]]])
    for sentence in (7, None, iter("ab")):
        with pytest.raises(WrongTypeError, match="must be a list of tokens, not"):
            texts.scan([["a"], sentence])

    def failing() -> Iterator[list[str]]:
        yield ["a"]
        raise TypeError("of the program's own")

    with pytest.raises(TypeError, match=r"^of the program's own$"):
        texts.scan(failing())


def test_keys_that_are_no_words_have_names() -> None:
    assert texts.engine_words(["b", "a"]) == ["b", "a"]
    assert texts.engine_words(["1", 1]) == ['"1"', "1"]
    assert texts.engine_words([frozenset("a"), "b"]) == ["0", "1"]


READERS: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "lines": ("LineSentence", b"a b\n\nc d e f\n", {}),
    "cut": ("LineSentence", b"a b\n\nc d e f\n", {"max_sentence_length": 3, "limit": 3}),
    "text8": ("Text8Corpus", b"a b c " * 4 + b"last", {"max_sentence_length": 5}),
}


@pytest.mark.parametrize("case", READERS)
def test_readers_read_as_gensims(case: str, tmp_path: Path) -> None:
    word2vec = pytest.importorskip("gensim.models.word2vec", reason="gensim has no wheel here")
    name, content, options = READERS[case]
    ours = {"LineSentence": LineSentence, "Text8Corpus": Text8Corpus}[name]
    path = tmp_path / "text"
    path.write_bytes(content)
    reader = ours(path, **options)
    expected = list(getattr(word2vec, name)(str(path), **options))
    assert list(reader) == expected
    assert list(reader) == expected


def test_open_files_and_directories_are_read(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("a b\nc\n")
    (tmp_path / "2.txt.bz2").write_bytes(bz2.compress(b"d e\n"))
    assert list(PathLineSentences(tmp_path)) == [["a", "b"], ["c"], ["d", "e"]]
    assert list(PathLineSentences(tmp_path, limit=1)) == [["a", "b"], ["d", "e"]]
    with (tmp_path / "1.txt").open() as file:
        reader = LineSentence(file)
        assert list(reader) == list(reader) == [["a", "b"], ["c"]]
    with pytest.raises(ValueError, match="no such file"):
        PathLineSentences(tmp_path / "none")
