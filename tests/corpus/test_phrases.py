from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.texts import decoded

from wordsparse.corpus import draft, encode, phrases
from wordsparse.corpus.splitting import Splitter
from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.errors import InputError


def a_text(seed: int, sentences: int = 400) -> list[list[str]]:
    """Words, some of them in pairs, triples and repetitions."""
    random = np.random.default_rng(seed)
    parts = [["new", "york"], ["new", "york", "times"], ["a", "a", "a"], ["ha", "ha"], *([word] for word in "abcdefgh")]
    return [[word for i in random.integers(0, len(parts), 12) for word in parts[i]] for _ in range(sentences)]


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("threshold", [0.02, 0.06])
def test_the_same_as_gensims_phrases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: int, threshold: float
) -> None:
    gensim = pytest.importorskip("gensim.models.phrases", reason="gensim is not installed")
    monkeypatch.setattr(phrases, "BLOCK_VALUES", 7)  # a sentence is in several blocks
    monkeypatch.setattr(phrases, "PAIRS_AT_ONCE", 1000)  # and the pairs are counted in several passes
    monkeypatch.setattr(draft, "SHARD_TOKENS", 500)
    text = expected = a_text(passes)
    for _ in range(passes):
        expected = list(gensim.Phrases(expected, min_count=7, threshold=threshold, delimiter="_")[expected])
    corpus = encode(text, tmp_path / "out", min_count=7, phrases=passes, phrase_threshold=threshold)
    assert "new_york" in corpus.vocabulary
    counts = Counter(word for sentence in expected for word in sentence)
    known = {word for word, count in counts.items() if count >= 7}
    assert decoded(corpus) == [[word if word in known else None for word in sentence] for sentence in expected]
    assert corpus.distinct_words == len(counts)
    assert corpus.tokens == counts.total()
    assert corpus.tokenization == {"tokens": None, "phrases": passes, "phrase_threshold": threshold}
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == []


def test_a_phrase_written_like_a_word_is_that_word(tmp_path: Path) -> None:
    text = [["new", "york"], ["new_york"], ["y"]] * 10
    corpus = encode(text, tmp_path / "out", min_count=1, phrases=1, phrase_threshold=0.1)
    assert corpus.vocabulary.words[0] == "new_york"
    assert corpus.vocabulary.counts[0] == 20


def test_a_text_without_phrases_is_not_changed(tmp_path: Path) -> None:
    text = [["a", "b"], ["b"], ["a"], ["c"]]
    plain = encode(text, tmp_path / "plain", min_count=1)
    corpus = encode(text, tmp_path / "out", min_count=1, phrases=3)
    assert decoded(corpus) == decoded(plain) == text
    with pytest.raises(InputError, match="phrases must"):
        encode(text, tmp_path / "none", phrases=-1)
    with pytest.raises(InputError, match="phrase_threshold"):
        encode(text, tmp_path / "none", phrases=1, phrase_threshold=float("nan"))


def test_a_finished_vocabulary_joins_its_longest_phrases() -> None:
    vocabulary = Vocabulary(["new_york_times", "york", "new_york", "new", "times", "_", "a_b"], range(7, 0, -1))
    split = Splitter("simple", True, vocabulary)
    assert split("The New York Times, New York;\nnew\nYork times") == [
        *("the", "new_york_times", "new_york", "new", "york", "times")
    ]
    assert Splitter("simple", False, vocabulary)("New York") == ["new", "york"]
    assert split.joined(["a", "b", "_", "new", "york"]) == ["a_b", "_", "new_york"]
