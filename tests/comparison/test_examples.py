"""The words whose neighbours a report shows."""

import numpy as np

from wordsparse.comparison.examples import example_words, neighbours
from wordsparse.evaluation.testsets import Pair, Question, TestSets
from wordsparse.vectors.word_vectors import WordVectors

WORDS = [f"w{i}" for i in range(40)]


def test_words_of_test_sets_that_all_know_are_spread_over_the_frequent_half() -> None:
    pairs = [Pair(f"W{i}", f"w{i + 1}", 1.0) for i in range(0, 40, 2)]
    sets = TestSets({"p": pairs}, {})
    assert example_words(sets, [WORDS]) == ["w0", "w4", "w8", "w12", "w16"]
    assert example_words(sets, [WORDS, WORDS[::-1][:30]]) == ["w10", "w13", "w16", "w19", "w22"]


def test_words_of_questions_count_too() -> None:
    sets = TestSets({}, {"q": [Question("s", ("w1", "w2", "w30", "nobody"))]})
    assert example_words(sets, [WORDS]) == ["w1", "w2", "w30"]


def test_where_no_test_word_is_known_any_common_word_will_do() -> None:
    sets = TestSets({"p": [Pair("x", "y", 1.0)]}, {})
    assert len(example_words(sets, [WORDS])) == 5
    assert example_words(sets, [["a", "b"], ["b"]]) == ["b"]
    assert example_words(sets, [["a"], ["b"]]) == []


def test_neighbours_are_those_of_similar() -> None:
    vectors = WordVectors(["a", "b", "c"], np.array([[1, 0], [1, 1], [0, 1]]))
    assert [found["word"] for found in neighbours(vectors, ["a"])["a"]] == ["b", "c"]
