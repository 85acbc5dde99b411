import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wordsparse.corpus import Vocabulary

WORDS = st.text(st.characters(exclude_categories=("Cs",)))


def test_words_are_ordered_by_falling_count_then_code_point():
    vocabulary = Vocabulary.from_counts({"b": 5, "é": 5, "a": 5, "rare": 4, "the": 9, "Z": 5}, 5)
    assert vocabulary.words == ["the", "Z", "a", "b", "é"]
    assert vocabulary.counts.tolist() == [9, 5, 5, 5, 5]
    assert vocabulary.counts.dtype == np.int64
    assert not vocabulary.counts.flags.writeable


@settings(deadline=None)
@given(st.lists(WORDS, unique=True, min_size=1))
@example(["new york", "a\tb\n", "\u00a0", "\u2028", "\x85", "\0", "", '"\\', "𝔘"])
def test_any_words_survive_a_file(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("vocabulary") / "v.json"
    saved = Vocabulary(words, range(2**40 + len(words), 2**40, -1))
    saved.save(path)
    loaded = Vocabulary.load(path)
    assert loaded.words == words
    assert loaded.counts.tolist() == saved.counts.tolist()
