"""Held-out text: its loss, and early stopping based on this loss."""

import numpy as np
import pytest
from support.topics import BOUND_AT_0, SMALL, two_topics

import wordsparse as ws
from wordsparse.training import loop
from wordsparse.training.request import request
from wordsparse.words.options import Options
from wordsparse.words.source import Split

pytestmark = pytest.mark.usefixtures("no_gpu")


def test_the_heldout_loss_is_the_dense_loss_of_the_final_weights():
    model = ws.train(two_topics(300), **{**SMALL, "epochs": 1}, model="skipgram", heldout=0.3, window=1)
    corpus_options = Options(dim=8, epochs=1, threads=1, sample=0, model="skipgram", heldout=0.3, window=1)
    with request(two_topics(300), {"min_count": 1}).source() as corpus:
        examples = list(loop.Run(corpus, corpus_options).minibatches.heldout())
    counts = np.asarray(model.vocabulary.counts, np.float64)
    pi = np.sqrt(counts) / np.sqrt(counts).sum()
    H = np.hstack([model.input_rows, np.ones((20, 1), np.float32)]).astype(np.float64)
    o = H @ (model.output_rows / np.sqrt(pi)[:, None]).T
    negative = 5 * (BOUND_AT_0 + o @ pi / 2 + o**2 @ pi * np.tanh(3) / 24)
    loss, pairs = 0.0, 0.0
    for e in examples:
        for j, word in enumerate(e.words):
            for k in range(e.targets.csr.indptr[j], e.targets.csr.indptr[j + 1]):
                target, y = e.words[e.targets.csr.indices[k]], e.targets.y[k]
                loss += y * (np.log1p(np.exp(-o[word, target])) + negative[word])
                pairs += y
    assert model.report["heldout_loss"] == pytest.approx([loss / pairs], rel=1e-5)


def test_nothing_held_out_is_trained_on():
    # Two texts with equal vocabulary and counts that differ only in their held-out parts give the same vectors.
    words = [word for sentence in two_topics(80) for word in sentence]
    held = np.flatnonzero(Split(len(words), 0.3, seed=1).mask(0, len(words)))
    other = list(words)
    for here, there in zip(held, np.random.default_rng(5).permutation(held), strict=True):
        other[here] = words[there]
    assert other != words
    first, second = (ws.train([text], **SMALL, heldout=0.3) for text in (words, other))
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.report["heldout_loss"] != second.report["heldout_loss"]
