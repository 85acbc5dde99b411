"""Resampled texts, beside what they are: blocks of the text, drawn with replacement."""

from pathlib import Path

import numpy as np
import pytest

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus, Vocabulary
from wordsparse.stability.resampling import BLOCK, ResampledText, blocks_of, resampled


def corpus_of(*sizes: int) -> EncodedCorpus:
    """A text of shards of these sizes, whose values are 0 … 9, −1 and −2."""
    random = np.random.default_rng(1)
    shards = [random.integers(-2, 10, size).astype(np.int32) for size in sizes]
    tokens = sum(int((shard != END_OF_SENTENCE).sum()) for shard in shards)
    vocabulary = Vocabulary([f"w{i}" for i in range(10)], np.full(10, 5))
    return EncodedCorpus(Path(), vocabulary, tokens, 1, 10, 1, None, shards)


def test_blocks_cover_the_text_once() -> None:
    corpus = corpus_of(2 * BLOCK + 7, 5, BLOCK)
    assert blocks_of(corpus).tolist() == [
        [0, 0, BLOCK],
        [0, BLOCK, 2 * BLOCK],
        [0, 2 * BLOCK, 2 * BLOCK + 7],
        [1, 0, 5],
        [2, 0, BLOCK],
    ]


def test_slices_of_a_resample_are_those_of_its_copy() -> None:
    corpus, random = corpus_of(50, 3, 40), np.random.default_rng(2)
    blocks = np.array([[0, 0, 9], [0, 9, 18], [0, 9, 18], [1, 0, 3], [2, 36, 40], [2, 0, 1]])
    copy = np.concatenate([part for s, a, b in blocks for part in (corpus.shards[s][a:b], [END_OF_SENTENCE])])
    text = ResampledText(corpus, blocks)
    assert text.shape == copy.shape
    for start, stop in [(0, len(copy)), (0, 0), (len(copy), len(copy) + 9), *random.integers(0, len(copy), (200, 2))]:
        np.testing.assert_array_equal(text[start:stop], copy[start:stop])


def test_a_resample_is_as_long_as_the_text_and_counts_its_words() -> None:
    corpus = corpus_of(20 * BLOCK, 30 * BLOCK)
    text, counts = resampled(corpus, np.random.default_rng(3))
    ids = text.shards[0][: text.shards[0].shape[0]]
    assert ids.shape == (50 * (BLOCK + 1),)
    assert text.tokens == int((ids != END_OF_SENTENCE).sum())
    np.testing.assert_array_equal(counts, [int((ids == word).sum()) for word in range(10)])
    again, _ = resampled(corpus, np.random.default_rng(3))
    np.testing.assert_array_equal(again.shards[0][:5000], ids[:5000])
    other, _ = resampled(corpus, np.random.default_rng(4))
    assert (other.shards[0][: len(ids)] != ids).any()


def test_a_share_of_one_less_one_over_e_of_the_blocks_is_there() -> None:
    corpus = corpus_of(400 * BLOCK)
    text, _ = resampled(corpus, np.random.default_rng(5))
    shard = text.shards[0]
    assert isinstance(shard, ResampledText)
    assert len(np.unique(shard._blocks[:, 1])) / 400 == pytest.approx(1 - np.exp(-1), abs=0.06)
