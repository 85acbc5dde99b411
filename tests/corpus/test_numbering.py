"""Tokens of any type numbered and counted by compiled code, against a dictionary of Python."""

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wordsparse.corpus import END_OF_SENTENCE as END
from wordsparse.corpus._numbering import Numbering
from wordsparse.errors import InputError

NAN = float("nan")
WORDS = st.text(st.sampled_from("ab\0é"), max_size=9)
NUMBERS = st.integers(-3, 3) | st.integers() | st.sampled_from([2**60, 2**61 - 1, 2**61, -(2**61), -(2**61) - 1, 2**64])
TOKENS = (
    WORDS
    | NUMBERS
    | st.booleans()
    | st.none()
    | st.sampled_from([NAN, 0.0, -0.0, 1.0, 2**61 + 0.0])
    | st.binary(max_size=2)
    | st.tuples(NUMBERS)
    | st.frozensets(WORDS, max_size=2)
)
SENTENCES = st.lists(st.lists(TOKENS) | st.lists(TOKENS).map(tuple))


def by_python(sentences: Sequence[Sequence[Any]]) -> tuple[list[int], dict[Any, int]]:
    """The values and the counts of sentences, from a dict."""
    numbers: dict[Any, int] = {}
    counts: dict[Any, int] = {}
    values: list[int] = []
    for sentence in sentences:
        for token in sentence:
            values.append(numbers.setdefault(token, len(numbers)))
            counts[token] = counts.get(token, 0) + 1
        values += [END] * bool(sentence)
    return values, counts


def all_numbered(numbering: Numbering, sentences: Sequence[Any], at_least: int = 100) -> list[int]:
    """The values of all sentences, made in parts."""
    stream, values = iter(sentences), []
    while part := numbering.number(stream, END, at_least).tolist():
        assert len(part) >= at_least or next(stream, None) is None
        values += part
    return values


@given(SENTENCES, st.integers(1, 9))
@example([[1, True, 1.0, "1", b"1", (1,)], [True, 1]], 1)
@example([[1.0, 1], [1, 1.0]], 1)
@example([["", "\0", "\0\0", "a", "a\0", "\0a"], ["\0" * 7, "\0" * 8]], 1)
def test_any_tokens_are_numbered_and_counted_as_by_a_dict(sentences: list[Any], at_least: int) -> None:
    numbering = Numbering()
    values, counts = by_python(sentences)
    assert all_numbered(numbering, sentences, at_least) == values
    # Of equal tokens the first is kept: its type tells.
    assert [*map(repr, numbering.tokens)] == [*map(repr, counts)]
    assert numbering.counts.tolist() == [*counts.values()]
    assert numbering.sentences == len(sentences)


def test_many_tokens_are_numbered() -> None:
    """The table grows: ints, strings made anew for each occurrence, and long strings that are one object."""
    long = [f"a long string {i}" for i in range(9999)]
    sentences = [[i * 2**20, str(i), long[i], (i, "x")] for i in [*range(9999)] * 2]
    numbering = Numbering()
    values, counts = by_python(sentences)
    assert all_numbered(numbering, sentences, 2**12) == values
    assert numbering.counts.tolist() == [*counts.values()] == [2] * 4 * 9999
    assert numbering.tokens == [*counts]


def test_tokens_that_die_leave_nothing_behind() -> None:
    """Objects that are equal to others, or never met again, come and go at the same addresses."""

    def sentences() -> Iterator[list[Any]]:
        for i in range(20_000):
            yield [(i % 7,), f"a long string {i % 5}", float(i % 3)]

    numbering = Numbering()
    assert all_numbered(numbering, sentences()) == by_python([*sentences()])[0]  # type: ignore[arg-type]


class Hostile:
    """A token whose hash and comparison do as told."""

    def __init__(self, on_hash: Any = lambda: 1, on_eq: Any = lambda: False) -> None:
        self.on_hash, self.on_eq = on_hash, on_eq

    def __hash__(self) -> int:
        return int(self.on_hash())

    def __eq__(self, other: object) -> bool:
        return bool(self.on_eq())


def failed() -> None:
    raise ZeroDivisionError


def test_errors_of_tokens_are_raised_and_the_numbering_goes_on() -> None:
    numbering = Numbering()
    with pytest.raises(InputError, match="list of hashable tokens: unhashable type: 'list'"):
        numbering.number(iter([["a"], ["b", ["c"]]]), END, 100)
    for token in (Hostile(on_hash=failed), Hostile(on_hash=lambda: hash("a"), on_eq=failed)):
        with pytest.raises(ZeroDivisionError):
            numbering.number(iter([["a", token]]), END, 100)
    for sentence in ("ab", {"a"}, None, 7):
        with pytest.raises(TypeError, match="a list or a tuple"):
            numbering.number(iter([sentence]), END, 100)  # type: ignore[list-item]
    assert numbering.number(iter([["b", "a", "c"]]), END, 100).tolist() == [1, 0, 2, END]
    with pytest.raises(TypeError, match="copied or pickled"):
        pickle.dumps(numbering)


def test_tokens_that_change_the_sentence_while_they_are_compared() -> None:
    sentence: list[Any] = ["x", Hostile(on_hash=lambda: sentence.clear() or 1), "y", "z"]  # type: ignore[func-returns-value]
    numbering = Numbering()
    assert numbering.number(iter([sentence, ["x"]]), END, 100).tolist() == [0, 1, END, 0, END]
    growing: list[Any] = []
    growing += [Hostile(on_eq=lambda: len(growing) < 9 and growing.append("w")), Hostile()]
    assert all_numbered(Numbering(), [growing])[-1] == END


def test_a_generator_that_changes_what_it_gave() -> None:
    """Each sentence is read when it is given."""

    def walks() -> Iterator[list[int]]:
        walk: list[int] = []
        for i in range(4):
            walk[:] = [i, i + 1]
            yield walk

    assert all_numbered(Numbering(), walks()) == [0, 1, END, 1, 2, END, 2, 3, END, 3, 4, END]  # type: ignore[arg-type]
