"""Phrases of a text, compared with gensim's, and with plain Python."""

import itertools
import os
from collections import Counter

import numpy as np
import pytest
from gensim.models.phrases import Phrases as GensimPhrases
from support.texts import decoded

from wordsparse.corpus import EncodedCorpus, draft, encode, phrases
from wordsparse.corpus._phrases import PairCounts
from wordsparse.errors import InputError
from wordsparse.tokens.phrases import ENGLISH, Phrases, read


@pytest.fixture
def text() -> list[list[str]]:
    """Sentences in which frequent words, rare words, connectors and a few fixed phrases alternate at random."""
    random = np.random.default_rng(1)
    words = [f"w{i}" for i in range(60)]
    chances = 1 / np.arange(1, 61)
    fixed = [
        ["new", "york"],
        ["new", "york", "city"],
        ["bank", "of", "the", "america"],
        ["state", "of", "art"],
        ["é", "猫"],
    ]

    def part() -> list[str]:
        match random.integers(6):
            case 0:
                return fixed[random.integers(len(fixed))]
            case 1:
                return [["of", "the", "in"][random.integers(3)], str(random.choice(words))]
            case _:
                return [str(random.choice(words, p=chances / chances.sum()))]

    return [[word for _ in range(random.integers(12)) for word in part()] for _ in range(1500)]


@pytest.fixture(autouse=True)
def low_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real threshold, only a large text has phrases."""
    monkeypatch.setattr(phrases, "THRESHOLD", 0.1)


def joined(corpus: EncodedCorpus) -> list[list[str]]:
    return [sentence for sentence in decoded(corpus) if sentence]


@pytest.mark.parametrize(("passes", "threshold", "least"), [(1, 0.1, 100), (2, 0.7, 4)])
def test_phrases_scores_and_joined_text_are_gensims(tmp_path, monkeypatch, text, passes, threshold, least):
    """gensim adds up the counts of pairs that are spelt alike, such as w_new york and w new_york. With the larger
    threshold, two passes find no such pairs. ``export_phrases`` cuts words at "_", so it serves the first pass."""
    monkeypatch.setattr(phrases, "THRESHOLD", threshold)
    corpus = encode(text, tmp_path / "a", phrases=passes, min_count=1)
    assert corpus.tokenization is not None
    sentences = whole = [sentence for sentence in text if sentence]
    for found in read(corpus.tokenization["phrases"]).passes:
        theirs = GensimPhrases(sentences, 5, threshold, connector_words=frozenset(ENGLISH))
        ours = {"_".join(phrase): score for phrase, score in zip(*found, strict=True)}
        assert ours == (theirs.export_phrases() if sentences is whole else theirs.find_phrases(sentences))
        assert found.scores == sorted(found.scores, reverse=True)
        sentences = [theirs[sentence] for sentence in sentences]
        assert len(ours) >= least
        least = 1
    assert joined(corpus) == sentences
    assert any("bank_of_the_america" in sentence for sentence in sentences)
    assert passes == 1 or any("new_york_city" in sentence for sentence in sentences)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_bytes_depend_neither_on_threads_nor_on_parts_and_blocks(tmp_path, monkeypatch, text, threads):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(map(" ".join, text)))
    encode(path, tmp_path / "whole", phrases=2, min_count=2, threads=1)
    monkeypatch.setattr(draft, "BLOCK_VALUES", 50)
    monkeypatch.setattr(phrases, "PART_TOKENS", 1000)
    monkeypatch.setattr("wordsparse.corpus.blocks.BLOCK_BYTES", 500)
    encode(path, tmp_path / "parts", phrases=2, min_count=2, threads=threads)
    for name in os.listdir(tmp_path / "whole"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_the_recorded_tokeniser_joins_what_was_joined(tmp_path, monkeypatch, text):
    monkeypatch.setattr(draft, "SHARD_TOKENS", 700)
    corpus = encode(text, tmp_path / "a", phrases=3, min_count=1, connectors="of,the")
    opened = EncodedCorpus.open(tmp_path / "a")
    assert len(opened.shards) > 3
    assert opened.identity() == corpus.identity()
    join = read(opened.tokenization["phrases"])
    assert isinstance(join, Phrases)
    sentences = [join(sentence) for sentence in text if sentence]
    assert joined(corpus) == sentences
    counts = Counter(itertools.chain(*sentences))
    assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts, strict=True)) == counts
    assert (corpus.tokens, corpus.sentences, corpus.distinct_words) == (counts.total(), len(sentences), len(counts))


def test_phrases_of_another_text_are_joined(tmp_path, text):
    first = encode(text, tmp_path / "a", phrases=2, min_count=1)
    join = read(first.tokenization["phrases"])
    other = encode(
        [["new", "york", "city"], ["unknown", "bank", "of", "the", "america"]],
        tmp_path / "b",
        phrases=join,
        min_count=1,
    )
    assert joined(other) == [["new_york_city"], ["unknown", "bank_of_the_america"]]
    assert other.tokenization == first.tokenization
    assert other.distinct_words == 3


def test_a_phrase_that_is_a_word_of_the_text_is_the_same_word(tmp_path):
    corpus = encode([["new", "york"]] * 9 + [["new_york"], ["a", "b"]], tmp_path / "a", phrases=1, min_count=1)
    assert corpus.vocabulary.words == ["new_york", "a", "b"]
    assert corpus.vocabulary.counts.tolist() == [10, 1, 1]


def test_no_phrase_crosses_an_end_of_a_sentence_or_many_connectors(tmp_path):
    apart = [["x", "of", "the"], ["y"], ["x", "in", "of", "the", "a", "y"]] * 20
    assert joined(encode(apart, tmp_path / "a", phrases=1, min_count=1)) == apart
    near = [["x", "in", "of", "the", "y"]] * 20
    assert joined(encode(near, tmp_path / "b", phrases=1, min_count=1)) == [["x_in_of_the_y"]] * 20


def test_a_pair_that_occurs_very_often_is_counted_exactly():
    pairs = PairCounts(1, 12345, 0, 1)
    for _ in range(3):
        pairs.add(np.tile(np.array([0, 1, -2], np.int32), 200_000), np.zeros(2, np.uint8))
    numbers, times, distinct = pairs.above(1)
    assert (numbers.tolist(), times.tolist(), distinct) == ([1], [600_000], 1)


def test_a_text_without_phrases_stays_the_same(tmp_path):
    corpus = encode([["a", "b"], ["c"]], tmp_path / "a", phrases=2, min_count=1)
    assert joined(corpus) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phrases": 0}, "phrases must be"),
        ({"phrases": 1.5}, "phrases must be"),
        ({"phrases": 1, "column": "c", "group_by": "g"}, "not of items in baskets"),
        ({"connectors": ["of"]}, "add the number of passes"),
        ({"phrases": 1, "connectors": 3}, "must be a list of words"),
        ({"phrases": 1, "connectors": [str(i) for i in range(256)]}, "at most 255"),
    ],
)
def test_wrong_requests_are_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        encode([{"c": "a", "g": 1}], tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()
