"""Training starts from given word vectors."""

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support.runs import interrupt, once_after

import wordsparse as ws
from wordsparse.corpus import Vocabulary
from wordsparse.training.interruption import Interrupted
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.start import MASS, SCALE, start_from

VOCABULARY = Vocabulary([f"w{i}" for i in range(12)], np.arange(24, 0, -2))


def embedding(dim=3):
    return WordEmbedding(ws.FactoredOutput(12, dim + 1, "squared").core, StepSizes(), seed=1)


def given(words, dim=3):
    return ws.WordVectors(words, np.random.default_rng(2).normal(3, 2, (len(words), dim)))


def test_words_with_given_vectors_start_white_and_others_random():
    vectors, started, plain = given([*(f"w{i}" for i in range(2, 12)), "other"]), embedding(), embedding()
    assert start_from(vectors, started, VOCABULARY, "cbow") == 10
    assert_array_equal(started.E[:2], plain.E[:2])
    counts = VOCABULARY.counts[2:]
    E = started.E[2:].astype(np.float64)
    assert_allclose((E * (counts / counts.sum())[:, None]).T @ E, SCALE**2 * np.eye(3), atol=1e-6)
    assert_array_equal(started.mass, [0, 0, *(MASS["cbow"] * counts)])


def test_the_basis_of_the_given_vectors_does_not_matter():
    vectors = given([f"w{i}" for i in range(12)])
    mapped = ws.WordVectors(vectors.words, vectors.vectors @ np.array([[2, 1, 0], [0, 1, 0], [5, 0, 0.1]]))
    one, other = embedding(), embedding()
    start_from(vectors, one, VOCABULARY, "skipgram")
    start_from(mapped, other, VOCABULARY, "skipgram")
    assert_allclose(one.E @ one.E.T, other.E @ other.E.T, atol=1e-5)


def test_directions_that_are_not_used_stay_zero():
    flat = ws.WordVectors(["w0", "w1", "w2"], [[1, 2, 0], [2, 1, 0], [5, 5, 0]])
    started = embedding()
    start_from(flat, started, VOCABULARY, "cbow")
    assert_array_equal(started.E[:3, 2], 0)
    assert np.abs(started.E).max() < 10


def sentences(n, seed):
    """Make sentences. All words of a sentence belong to the same topic, one of five."""
    random = np.random.default_rng(seed)
    return [[f"t{topic}w{i}" for i in random.integers(0, 20, 8)] for topic in random.integers(0, 5, n)]


@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_a_short_text_gains_from_the_vectors_of_a_long_one(model, caplog):
    options = {"model": model, "dim": 8, "min_count": 1, "sample": 0.0, "threads": 1, "form": 0}
    long = ws.train(sentences(3000, 1), epochs=2, **options)
    with caplog.at_level(logging.INFO, "wordsparse"):
        started = ws.train(sentences(10, 2), epochs=1, init=long.wv, **options)
    assert "words start from the given vectors" in caplog.text
    plain = ws.train(sentences(10, 2), epochs=1, **options)

    def same_topic(found):
        near = [(word, other) for word in found.vocabulary.words for other, _ in found.wv.similar(word, 10)]
        return float(np.mean([word[:2] == other[:2] for word, other in near]))

    assert same_topic(started) > same_topic(plain) + 0.03


def test_a_run_that_resumes_has_the_same_start(tmp_path):
    options = {"dim": 8, "min_count": 1, "epochs": 1, "threads": 1, "batch_tokens": 100}
    text, vectors = sentences(100, 1), given([f"t1w{i}" for i in range(20)], 8)
    whole = ws.train(text, init=vectors, **options)
    assert whole.input_rows.tobytes() != ws.train(text, **options).input_rows.tobytes()
    with pytest.raises(Interrupted):
        ws.train(text, output=tmp_path / "m", init=vectors, progress=once_after(300, interrupt), **options)
    resumed = ws.train(text, output=tmp_path / "m", resume=True, **options)
    assert resumed.input_rows.tobytes() == whole.input_rows.tobytes()
