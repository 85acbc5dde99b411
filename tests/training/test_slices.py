"""The division of a corpus into minibatches, and into training and held-out text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wordsparse as ws
from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus
from wordsparse.words.options import Options
from wordsparse.words.source import Split
from wordsparse.words.text_source import REACH, TextSource


def corpus_of(shards):
    arrays = [np.array(shard, np.int32) for shard in shards]
    tokens = sum(int((shard != END_OF_SENTENCE).sum()) for shard in arrays)
    return EncodedCorpus(
        path=Path("nowhere"),
        vocabulary=ws.corpus.Vocabulary(["a"], [1]),
        tokens=tokens,
        sentences=1,
        distinct_words=1,
        min_count=1,
        max_vocab=None,
        shards=arrays,
    )


def slices_of(corpus, **options):
    return TextSource(corpus).passes(Options(**options), corpus.vocabulary)


shard_lists = st.lists(st.lists(st.sampled_from([0, 0, -1, -2]), min_size=1, max_size=12), min_size=1, max_size=4)


@given(shards=shard_lists, batch=st.integers(1, 15), data=st.data())
@settings(max_examples=200, deadline=None)
def test_slices_pass_over_the_first_tokens_once_and_in_order(shards, batch, data):
    corpus = corpus_of([[*shard, -2] for shard in shards])
    wanted = data.draw(st.integers(1, max(1, corpus.tokens)))
    positions = []
    whole = np.concatenate(corpus.shards)
    slices = slices_of(corpus, max_tokens=wanted)
    for unread, start, stop, offset in slices.train(lambda position: batch):
        ids = np.asarray(unread)
        assert 0 <= start < stop <= min(start + batch, ids.size)
        assert np.array_equal(whole[offset : offset + ids.size], ids)
        positions.extend(range(offset + start, offset + stop))
    assert positions == list(range(len(positions)))
    assert int((whole[positions] != END_OF_SENTENCE).sum()) == min(wanted, corpus.tokens) == slices.tokens


@given(shards=shard_lists, batch=st.integers(1, 15), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_every_token_is_trained_on_or_held_out_whatever_the_minibatch(shards, batch, fraction, seed):
    corpus = corpus_of([[*shard, -2] for shard in shards])
    whole = np.concatenate(corpus.shards)

    def parts(batch):
        slices = slices_of(corpus, heldout=fraction, seed=seed)
        found = []
        for part in (slices.train(lambda position: batch), slices.heldout(batch)):
            there = np.full(whole.size, END_OF_SENTENCE)
            for ids, start, stop, offset in part:
                # A window may include words outside the slice, but only from the same part (training or held-out).
                there[offset + start : offset + stop] = np.asarray(ids)[start:stop]
            found.append(there)
        assert [(part != END_OF_SENTENCE).sum() for part in found] == [slices.tokens, corpus.tokens - slices.tokens]
        return found

    train, heldout = parts(batch)
    assert np.array_equal(np.maximum(train, heldout), whole)
    assert not ((train != END_OF_SENTENCE) & (heldout != END_OF_SENTENCE)).any()
    assert all(map(np.array_equal, (train, heldout), parts(100)))


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.99])
def test_the_share_is_exact_to_a_block_and_depends_on_the_seed(fraction):
    positions = 10_000_000
    splits = [Split(positions, fraction, seed) for seed in (1, 1, 2)]
    masks = [split.mask(0, positions) for split in splits]
    assert abs(masks[0].sum() - fraction * positions) <= 2 * splits[0].block
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])
    assert np.array_equal(splits[0].mask(1500, 10_000), masks[0][1500:11_500])


def test_shards_are_read_when_examples_are_built():
    reads = []

    class Recorded:
        shape = (1000,)

        def __getitem__(self, values):
            reads.append(values)
            return np.zeros(1000, np.int32)[values]

    corpus = corpus_of([[0]])
    slices = slices_of(replace(corpus, shards=[Recorded()], tokens=1000))
    reads.clear()
    pieces = list(slices.train(lambda position: 100))
    assert len(pieces) == 10
    assert not reads
    assert np.asarray(pieces[3].ids)[pieces[3].start : pieces[3].stop].size == 100
    assert len(reads) == 1


def test_a_slice_holds_no_more_text_than_windows_reach():
    corpus = corpus_of([[0] * (4 * REACH)])
    sizes = [np.asarray(ids).size for ids, _, _, _ in slices_of(corpus).train(lambda position: 10)]
    assert max(sizes) == 10 + 2 * REACH
