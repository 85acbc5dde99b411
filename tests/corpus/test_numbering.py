"""Tokens of any hashable type get numbers. Tokens that compare equal, such as 1 and True, share a number."""

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE as END
from wordsparse.corpus import numbering
from wordsparse.corpus.numbering import Numbers, numbered


@pytest.mark.parametrize("block", [2, 100])
def test_equal_tokens_have_one_number_and_empty_sentences_no_end(block, monkeypatch):
    monkeypatch.setattr(numbering, "BLOCK", block)
    numbers, sentences = Numbers(), [["a", 1, (2, "b")], [], (True, 1.0, "a"), [None]]
    assert np.concatenate([*numbered(sentences, numbers, END)]).tolist() == [0, 1, 2, END, 1, 1, 0, END, 3, END]
    assert [*map(repr, numbers)] == ["'a'", "1", "(2, 'b')", "None"]
