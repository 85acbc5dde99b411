"""The compiled reader of text splits, decodes and counts like Python's split, decoder and dict."""

import random
from collections import Counter

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE
from wordsparse.corpus._text import WordTable


def counts(table, least=1):
    words, times, _ = table.ranked(least)
    return dict(zip(words, times.tolist(), strict=True))


def numbers_of(table):
    words, _, ids = table.ranked(1)
    return dict(zip(words, ids.tolist(), strict=True))


def scanned(data, lines):
    """Return the words of a text, with None after each sentence. Return None for invalid UTF-8 and texts with NUL."""
    table = WordTable()
    if not table.scan(data, lines):
        return None
    values = table.take()
    by_id = {id: word for word, id in numbers_of(table).items()} | {END_OF_SENTENCE: None}
    return [by_id[value] for value in values.tolist()]


def split(data, lines):
    """Compute the result of :func:`scanned` in plain Python."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    found = []
    first, *rest = text.split("\n") if lines else [text]
    found += first.split()
    for line in rest:
        if not found or found[-1] is not None:
            found.append(None)
        found += line.split()
    return found


def test_every_character_is_a_letter_or_white_space_as_for_python():
    for start in range(0, 0x110000, 0x1000):
        characters = [chr(code) for code in range(max(start, 1), start + 0x1000) if not 0xD800 <= code < 0xE000]
        text = "".join(f"a{character}b " for character in characters)
        assert scanned(text.encode(), lines=True) == split(text.encode(), lines=True)


def test_every_beginning_of_a_character_is_valid_or_not_as_for_python():
    """Every pair of bytes is tested, alone and followed by third and fourth bytes at the edges of their valid
    ranges."""
    ends = [b"", b"\x7f", b"\x80", b"\xbf\xbf", b"\x80\xc0", b"\xc0\x80"]
    for first in range(0x80, 0x100):
        for second in range(0x100):
            for end in ends:
                data = bytes([first, second]) + end
                assert (scanned(data, False) is None) == (split(data, False) is None), data


@pytest.mark.parametrize("n", [*range(1, 35), 1000])
def test_words_that_differ_in_one_byte_are_different(n):
    words = ["x" * i + other + "x" * (n - 1 - i) for i in range(n) for other in "xyz"]
    table = WordTable()
    assert table.scan(" ".join(words * 2).encode(), True)
    assert counts(table) == dict(sorted(Counter(words * 2).items(), key=lambda item: (-item[1], item[0])))


def test_subclasses_of_str_are_words():
    class Word(str):
        def encode(self, *_):
            return 7

    table = WordTable()
    table.add([np.str_("a"), "a", Word("é"), "é"])
    assert counts(table) == {"a": 2, "é": 2}
    assert numbers_of(table) == {"a": 0, "é": 1}


def test_a_table_grows():
    words = [str(number) for number in range(200_000)]
    random.Random(0).shuffle(words)
    table = WordTable()
    assert table.scan(" ".join(words).encode(), True)
    table.add(words)
    np.testing.assert_array_equal(table.take(), np.tile(np.arange(200_000), 2))
    assert len(table) == 200_000
    assert set(counts(table, 2).values()) == {2}
    assert counts(table, 3) == {}


def test_counts_pass_two_to_the_32():
    """Counts of more than 32 bits are right, although a slot of the table holds only a count's low 32 bits."""
    one, other = WordTable(), WordTable()
    one.add(["often", "once"])
    other.add(["often"])
    more = [1, 1]
    for _ in range(26):
        one.absorb(other)
        other.absorb(one)
        more = [sum(more), more[1] + sum(more)]
    assert counts(one)["often"] == more[0] > 2**34
    assert counts(other, 2**32)["often"] == more[1]
