"""Behaviour of our Word2Vec that gensim's own tests do not cover."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest
from support.ring_walks import SMALL, WALKS, WALKS_OF_WORDS

from wordsparse.errors import InputError
from wordsparse.gensim import Word2Vec
from wordsparse.gensim.refusals import say_once


def assert_rings(wv, name=lambda node: node):
    """Assert that neighbours on a ring are more similar than nodes of different rings."""
    near = [wv.similarity(name(10 * ring + i), name(10 * ring + (i + 1) % 10)) for ring in (0, 1) for i in range(10)]
    far = [wv.similarity(name(i), name(j)) for i in range(10) for j in range(10, 20)]
    assert np.mean(near) > np.mean(far) + 0.1


@pytest.mark.parametrize("sg", [0, 1])
def test_integers_are_tokens(sg):
    model = Word2Vec(WALKS, sg=sg, window=1, epochs=50, **SMALL)
    words = Word2Vec(WALKS_OF_WORDS, sg=sg, window=1, epochs=50, **SMALL)
    assert set(model.wv.index_to_key) == set(range(20))
    np.testing.assert_array_equal(model.wv.vectors, words.wv.vectors)
    assert_rings(model.wv)
    assert 20 not in model.wv


def test_arrays_are_sentences():
    np.testing.assert_array_equal(Word2Vec(np.array(WALKS), **SMALL).wv.vectors, Word2Vec(WALKS, **SMALL).wv.vectors)


def test_a_file_is_as_good_as_sentences(tmp_path):
    path = tmp_path / "walks.txt.gz"
    path.write_bytes(gzip.compress("\n".join(" ".join(walk) for walk in WALKS_OF_WORDS).encode()))
    from_file = Word2Vec(corpus_file=path, window=1, epochs=50, **SMALL)
    listed = Word2Vec(WALKS_OF_WORDS, **SMALL)
    assert dict(zip(from_file.wv.index_to_key, from_file.wv.expandos["count"], strict=True)) == dict(
        zip(listed.wv.index_to_key, listed.wv.expandos["count"], strict=True)
    )
    assert (from_file.corpus_count, from_file.corpus_total_words) == (300, 3600)
    assert_rings(from_file.wv, "n{}".format)


def test_vocabulary_is_that_of_gensim():
    gensim = pytest.importorskip("gensim", reason="gensim is not installed")
    text = [f"{'abcdefghij'[: 1 + i % 10]}".split() + list("aabbcd"[: i % 6]) for i in range(40)]
    for options in ({}, {"max_final_vocab": 4}, {"sorted_vocab": 0}, {"sample": 3}, {"sample": None}):
        ours, theirs = (kind(vector_size=4, min_count=2, **options) for kind in (Word2Vec, gensim.models.Word2Vec))
        for model in (ours, theirs):
            model.scan_vocab(text)
        found, expected = ours.prepare_vocab(), theirs.prepare_vocab()
        del found["memory"]
        assert found == {name: expected[name] for name in found}, options
        assert ours.wv.index_to_key == theirs.wv.index_to_key, options
        assert ours.wv.expandos["count"].tolist() == theirs.wv.expandos["count"].tolist()


def recorder(stop=99):
    """Make a callback that records the events, and the loss and the vectors at the end of each epoch."""
    seen = SimpleNamespace(events=[], losses=[], vectors=[])

    def ended(model):
        seen.events.append("end")
        seen.losses.append(model.get_latest_training_loss())
        seen.vectors.append(model.wv.vectors.copy())
        if len(seen.losses) == stop:
            raise RuntimeError("enough")

    seen.on_epoch_end = ended
    for name, event in (("on_train_begin", "train"), ("on_epoch_begin", "begin"), ("on_train_end", "done")):
        setattr(seen, name, lambda model, event=event: seen.events.append(event))
    return seen


def test_callbacks_see_each_epoch():
    seen = recorder()
    model = Word2Vec(WALKS, epochs=3, callbacks=[seen], **SMALL)
    assert seen.events == ["train", *["begin", "end"] * 3, "done"]
    # The reported loss is the sum over all epochs so far; each epoch adds less than the epoch before.
    assert 0 < seen.losses[2] - seen.losses[1] < seen.losses[1] - seen.losses[0] < seen.losses[0]
    assert model.get_latest_training_loss() == seen.losses[-1]
    # CBOW has one pair per token.
    assert seen.losses[-1] == pytest.approx(sum(model._trained.model.report["loss"]) * 3600)
    assert not np.array_equal(seen.vectors[0], seen.vectors[1])
    np.testing.assert_allclose(seen.vectors[2], model.wv.vectors, atol=1e-5)


def test_a_callback_that_stops_training_keeps_what_was_learned():
    model, seen = Word2Vec(**SMALL), recorder(stop=2)
    model.build_vocab(WALKS)
    before = model.wv.vectors.copy()
    with pytest.raises(RuntimeError, match="enough"):
        model.train(WALKS, total_examples=300, epochs=5, callbacks=[seen])
    np.testing.assert_array_equal(model.wv.vectors, seen.vectors[-1])
    assert not np.array_equal(model.wv.vectors, before)
    assert len(seen.losses) == 2


def test_words_are_added_and_trained_on(tmp_path):
    model = Word2Vec(WALKS, window=2, **SMALL)
    model.save(tmp_path / "model")
    model = Word2Vec.load(tmp_path / "model")
    before, vectors = model.wv.index_to_key.copy(), model.wv.vectors.copy()
    more = [[99, 15, 16, 99, 14, 15] for _ in range(50)]
    model.build_vocab(more, update=True)
    assert model.wv.index_to_key == [*before, 99]
    assert model.wv.get_vecattr(99, "count") == 100
    assert model.syn1neg[20].tolist() == [0] * 8
    assert model.train(more, total_examples=50, epochs=5) == (1500, 1500)
    assert model.train_count == 2
    found = model.predict_output_word([99, 15])
    assert {key for key, _ in found[:4]} == {99, 14, 15, 16}
    assert len(model.wv) == 21
    # Vectors of old words keep their directions.
    cosines = [
        np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in zip(vectors, model.wv.vectors[:20], strict=True)
    ]
    assert np.mean(cosines) > 0.9


@pytest.mark.parametrize("sg", [0, 1])
def test_a_few_sentences_do_not_make_a_new_word_certain(sg):
    """Previously, a word of ten new sentences was predicted with probability 1 next to words that occur a thousand
    times, because the few steps overshot."""
    random = np.random.default_rng(0)
    words = [f"w{rank}" for rank in range(3000)]
    shares = 1 / np.arange(1, 3001)
    text = random.choice(words, (10_000, 10), p=shares / shares.sum()).tolist()
    model = Word2Vec(text, sg=sg, vector_size=20, min_count=1, epochs=2, workers=1)
    new = [["w0", "new", "w2", "w1"]] * 10
    model.build_vocab(new, update=True)
    model.train(new, total_examples=10, epochs=2)
    found = model.predict_output_word(["w0", "w1", "w2"], topn=len(model.wv))
    assert dict(found)["new"] < 0.1
    assert sum(probability for _, probability in found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", [[["a", "b"]], [["human"], ["graph", "trees"]], [["a", "b"], ["c", "d"]]])
@pytest.mark.parametrize("epochs", [1, 5])
def test_a_text_of_a_few_words_trains(text, epochs):
    """On a few words, training would diverge if the input vectors moved after W has seen a single pair."""
    assert np.isfinite(Word2Vec(text, min_count=1, epochs=epochs).wv.vectors).all()


def test_windows_that_hold_a_whole_basket():
    baskets = [sorted(walk) for walk in WALKS]
    wide = Word2Vec(baskets, window=10_000, shrink_windows=False, **SMALL)
    np.testing.assert_array_equal(
        wide.wv.vectors, Word2Vec(baskets, window=255, shrink_windows=False, **SMALL).wv.vectors
    )
    with pytest.raises(InputError, match="window: 20000 reaches beyond 10000"):
        Word2Vec([list(range(10_002))], window=20_000, **SMALL)


def test_ns_exponent_weighs_the_words():
    model = Word2Vec(WALKS, ns_exponent=-1.0, **SMALL)
    assert model._trained.recipe.measure_power == -1.0
    assert Word2Vec(**SMALL).ns_exponent == 0.75


def test_predictions_are_probabilities():
    model = Word2Vec(WALKS, epochs=20, **SMALL)
    found = model.predict_output_word([14, 16], topn=20)
    assert sum(probability for _, probability in found) == pytest.approx(1, abs=1e-5)
    assert found[0][0] == 15
    assert [model.predict_output_word([14, 16], topn=n) for n in (None, 3, 0)] == [found, found[:3], []]
    assert model.predict_output_word(["none"]) is None


def test_what_training_would_not_see_is_refused():
    model = Word2Vec(WALKS, **SMALL)
    model.wv.vectors_lockf = np.zeros(1, np.float32)
    with pytest.raises(InputError, match="vectors_lockf"):
        model.train(WALKS, total_examples=300, epochs=1)
    model.wv.vectors_lockf = np.ones(20, np.float32)
    model.wv.vectors[3] = 0
    with pytest.raises(InputError, match="changed by hand"):
        model.train(WALKS, total_examples=300, epochs=1)


def test_old_names_and_arguments_without_effect_are_said_once(caplog):
    say_once.cache_clear()
    for _ in range(2):
        model = Word2Vec(size=7, iter=2, alpha=0.1, hs=1, negative=0)
    assert (model.vector_size, model.epochs) == (7, 2)
    said = [record.getMessage().partition(" ")[0] for record in caplog.records]
    assert said == ["size", "iter", "hs=1:", "alpha"]
