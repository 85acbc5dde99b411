"""Minibatches equal the minibatches of a slow, simple builder that loops over Python lists, sentence by sentence."""

import math
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, Vocabulary
from wordsparse.kernels import _examples
from wordsparse.types import Array
from wordsparse.words.examples import Direction, ExampleBuilder, distance_weights

COUNTS = [400, 90, 30, 7, 7, 1]
VOCABULARY = Vocabulary([f"w{i}" for i in range(len(COUNTS))], COUNTS)
BITS64, BITS32 = 2**64 - 1, 2**32 - 1
WIDE = 300  # distances need more than 8 bits


class Stream(NamedTuple):
    """A shard of text, its position in the corpus, and the options of the example builder."""

    shard: Array
    offset: int
    window: int
    sample: float
    seed: int
    epoch: int
    direction: Direction = "both"

    def examples(self, start, stop):
        """Build a slice's examples three times with one scratch array: for skip-gram, CBOW, and skip-gram again."""
        options = {"window": self.window, "sample": self.sample, "seed": self.seed, "direction": self.direction}
        builder = ExampleBuilder(VOCABULARY, **options, transposed=True)
        build = builder.skipgram, builder.cbow, builder.skipgram
        return [make(self.shard, start, stop, offset=self.offset, epoch=self.epoch) for make in build]


# ── the slow builder ──────────────────────────────────────────────────────────────────────────────────────────────


def splitmix64(key, position):
    z = (key + position * 0x9E3779B97F4A7C15) & BITS64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & BITS64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & BITS64
    return z ^ (z >> 31)


def keep_probability(word, sample):
    if sample * sum(COUNTS) < 1:
        return 1.0
    ratio = sample * sum(COUNTS) / COUNTS[word]
    return min(1.0, math.sqrt(ratio) + ratio)


def kept(stream):
    """Return, for each sentence, the kept tokens: position in the shard, word, and random width of the window."""
    key = int(np.random.SeedSequence([stream.seed, stream.epoch]).generate_state(1, np.uint64)[0])
    sentences = [[]]
    for place, word in enumerate(stream.shard.tolist()):
        random = splitmix64(key, stream.offset + place)
        if word == END_OF_SENTENCE:
            sentences.append([])
        elif word >= 0 and random >> 32 <= int(keep_probability(word, stream.sample) * (2**32 - 1)):
            wider = sum(
                (random & BITS32) < 2**32 * (stream.window - k) // stream.window for k in range(1, stream.window)
            )
            sentences[-1].append((place, word, 1 + wider))
    return sentences


def expected_bags(stream, start, stop):
    """Return each centre word in the slice that has context words, with its context words in the order of the text."""
    found = []
    for sentence in kept(stream):
        for i, (place, word, width) in enumerate(sentence):
            after = sentence[i + 1 : i + 1 + width] if stream.direction == "both" else []
            around = sentence[max(0, i - width) : i] + after
            if start <= place < stop and around:
                found.append((word, [other for _, other, _ in around]))
    return found


def expected_pairs(stream, start, stop):
    """Return the weight of each (word, context word): 1 − (k − 1)/window at distance k, in both directions or one.

    Only pairs whose first word has a position in [start, stop) are included.
    """
    found = defaultdict(float)
    for sentence in kept(stream):
        for i, (place, word, _) in enumerate(sentence):
            for k, (_, other, _) in enumerate(sentence[i + 1 : i + 1 + stream.window], 1):
                if start <= place < stop:
                    found[word, other] += 1 - (k - 1) / stream.window
                    if stream.direction == "both":
                        found[other, word] += 1 - (k - 1) / stream.window
    return found


# ── the built examples, in the same format ────────────────────────────────────────────────────────────────────────────


def pairs_of(examples):
    """Check the structure of skip-gram's examples, and return the pairs."""
    csr, words = examples.targets.csr, examples.words
    assert examples.bags is None
    assert csr.rows == csr.columns == words.shape[0]
    assert examples.targets.y.dtype == np.float32
    assert examples.targets.y.shape == csr.indices.shape == (csr.indptr[-1],)
    found = {}
    for row, (begin, end) in enumerate(pairwise(csr.indptr.tolist())):
        assert len(set(csr.indices[begin:end].tolist())) == end - begin  # no pair occurs twice
        for k in range(begin, end):
            found[int(words[row]), int(words[csr.indices[k]])] = float(examples.targets.y[k])
    assert examples.pairs == pytest.approx(sum(found.values()), rel=1e-5)
    if examples.targets.transposed is not None:
        (row, column), order = entries_of(csr), examples.targets.transposed.order
        np.testing.assert_array_equal(entries_of(examples.targets.transposed), (column[order], row[order]))
        assert (np.sort(order) == np.arange(csr.entries)).all()
    return found


def entries_of(csr):
    """Return the row and the column of each stored entry."""
    return csr.row_of_entry, csr.indices


def bags_of(examples):
    """Check the structure of CBOW's examples, and return the bags in the order of the text."""
    bags, words = examples.bags, examples.words
    assert bags.columns == examples.targets.csr.columns == words.shape[0]
    assert bags.rows == examples.targets.csr.rows == examples.pairs
    assert examples.targets.csr.indptr.tolist() == list(range(examples.pairs + 1))
    assert (examples.targets.csr.indices == bags.tokens[bags.centre]).all()
    assert (examples.targets.y == np.ones(examples.pairs, np.float32)).all()
    assert (np.diff(bags.centre) > 0).all()
    assert (bags.centre - bags.start <= bags.reach).all()
    assert (bags.stop - bags.centre <= bags.reach + 1).all()
    csr = bags.csr()
    np.testing.assert_allclose(bags.share, 1 / np.diff(csr.indptr))
    return [
        (int(words[target]), words[csr.indices[begin:end]].tolist())
        for target, (begin, end) in zip(examples.targets.csr.indices, pairwise(csr.indptr.tolist()), strict=True)
    ]


def check(stream, start, stop):
    """Assert that the examples of a slice equal the examples of the slow builder, for CBOW and for skip-gram."""
    centres = expected_bags(stream, start, stop)
    tokens = int((stream.shard[start:stop] != END_OF_SENTENCE).sum())
    skipgram, cbow, again = stream.examples(start, stop)
    for examples in (skipgram, cbow):
        assert examples.tokens == tokens
        assert examples.words.dtype == np.int64
        assert (np.diff(examples.words) > 0).all()
    expected = pytest.approx(expected_pairs(stream, start, stop), rel=1e-5)
    assert pairs_of(skipgram) == pairs_of(again) == expected
    assert bags_of(cbow) == centres  # in the order of the text


values = st.one_of(
    st.integers(0, len(COUNTS) - 1),
    st.integers(0, len(COUNTS) - 1),
    st.sampled_from([END_OF_SENTENCE, OUT_OF_VOCABULARY]),
)
streams = st.builds(
    Stream,
    shard=st.lists(values, max_size=60).map(lambda ids: np.array(ids, np.int32)),
    offset=st.sampled_from([0, 1, 2**26, 2**40]),
    window=st.sampled_from([1, 2, 5, 255, WIDE]),
    sample=st.sampled_from([0.0, 1e-3, 0.05, 1.0]),
    seed=st.sampled_from([0, 1, 2**31]),
    epoch=st.integers(0, 3),
    direction=st.sampled_from(["both", "after"]),
)


@given(stream=streams, data=st.data())
@settings(max_examples=300, deadline=None)
def test_every_slice_holds_the_examples_of_the_slow_builder(stream, data):
    start = data.draw(st.integers(0, stream.shard.size))
    check(stream, start, data.draw(st.integers(start, stream.shard.size)))


@pytest.mark.parametrize(
    ("distances", "weights"),
    [("linear", [1, 3 / 4, 2 / 4, 1 / 4]), ("harmonic", [1, 1 / 2, 1 / 3, 1 / 4]), ("equal", [1, 1, 1, 1])],
)
def test_pairs_are_weighted_by_distance(distances, weights):
    n, window = 20_000, 4
    text = np.arange(n, dtype=np.int32) % 6
    builder = ExampleBuilder(VOCABULARY, window=window, sample=0.0, seed=1, distances=distances)
    np.testing.assert_allclose(distance_weights(window, distances), weights)
    # Skip-gram's pairs have the given ``weights``. As six words repeat, distances 2 and −4, or 3 and −3, add up.
    pairs = builder.skipgram(text, window, n - window, offset=0, epoch=0)
    apart = (pairs.targets.csr.indices - pairs.targets.csr.row_of_entry) % 6
    found = np.bincount(apart, weights=pairs.targets.y, minlength=6) / (n - 2 * window)
    w = [0.0, *weights]
    np.testing.assert_allclose(found, [0, w[1], w[2] + w[4], 2 * w[3], w[2] + w[4], w[1]], rtol=1e-4)
    # In CBOW's windows, words at each distance occur with the frequency that ``weights`` states.
    bags = builder.cbow(text, window, n - window, offset=0, epoch=0).bags
    reach = np.bincount(bags.stop - bags.centre - 1, minlength=window + 1)
    share = reach[::-1].cumsum()[::-1][1:] / bags.rows
    assert (abs(share - weights) < 4 * np.sqrt(np.multiply(weights, 1 - np.array(weights)) / n) + 1e-9).all()


def test_more_words_than_fit_in_32_bits_make_the_same_pairs(monkeypatch):
    text = np.random.default_rng(1).integers(0, 6, 500).astype(np.int32)
    stream = Stream(text, 0, 5, 0.0, 1, 0)
    narrow = pairs_of(stream.examples(3, 400)[0])
    monkeypatch.setattr(_examples, "MAX_WORDS_IN_32_BITS", 0)
    assert pairs_of(stream.examples(3, 400)[0]) == narrow
