"""Saved and copied models of the gensim classes."""

import copy
import pickle

import numpy as np
import pytest
from support.ring_walks import SMALL, WALKS, WALKS_OF_WORDS

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.gensim import CallbackAny2Vec, KeyedVectors, Word2Vec


class Saver(CallbackAny2Vec):
    """A callback that saves the model after each epoch, as the package spec2vec does."""

    def __init__(self, folder):
        self.folder, self.epochs = folder, 0

    def on_epoch_end(self, model):
        self.epochs += 1
        model.save(self.folder / str(self.epochs))


def test_a_model_is_saved_while_it_trains(tmp_path):
    # Saving after the first epoch must work while training continues.
    model = Word2Vec(WALKS, epochs=2, callbacks=[Saver(tmp_path)], **SMALL)
    assert not np.array_equal(Word2Vec.load(tmp_path / "1").wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(Word2Vec.load(tmp_path / "2").wv.vectors, model.wv.vectors)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_models_can_be_copied(copied):
    model = Word2Vec(WALKS, **SMALL)
    again = copied(model)
    assert again.wv.most_similar(3) == model.wv.most_similar(3)
    again.train(WALKS, total_examples=300, epochs=1)


def test_a_saved_model_is_one_of_ours_too(tmp_path):
    model = Word2Vec(WALKS_OF_WORDS, **SMALL)
    model.save(tmp_path / "model")
    ours = ws.load(tmp_path / "model")
    assert KeyedVectors.of(ours.wv).similarity("n1", "n2") == pytest.approx(model.wv.similarity("n1", "n2"))
    vectors = KeyedVectors.load(tmp_path / "model")
    assert vectors.index_to_key == model.wv.index_to_key
    again = Word2Vec.load(tmp_path / "model")
    assert (again.window, again.corpus_count, again.train_count) == (5, 300, 1)
    np.testing.assert_array_equal(again.syn1neg, model.syn1neg)


def test_what_is_saved_replaces_a_model_or_a_file_and_nothing_else(tmp_path):
    model = Word2Vec(WALKS, **SMALL)
    (tmp_path / "file").write_text("a model of gensim's")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "work").write_text("of years")
    for name in ("file", "file", "new"):
        model.save(tmp_path / name)
        assert Word2Vec.load(tmp_path / name).wv.index_to_key == model.wv.index_to_key
    with pytest.raises(InputError, match="a directory without a model"):
        model.save(tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "new", "other"}


def test_saved_vectors_are_no_model(tmp_path):
    model = Word2Vec(WALKS, **SMALL)
    model.wv.save(tmp_path / "vectors")
    assert KeyedVectors.load(tmp_path / "vectors").index_to_key == model.wv.index_to_key
    with pytest.raises(AttributeError, match=r"KeyedVectors\.load"):
        Word2Vec.load(tmp_path / "vectors")


def test_white_space_in_keys_is_written_as_underscores(tmp_path, caplog):
    # node2vec's example saves vectors of edges such as "('1', '2')". gensim cannot read such keys from its own files.
    edges = KeyedVectors(2)
    edges.add_vectors(["('1', '2')", "3"], np.arange(4, dtype=np.float32).reshape(2, 2))
    edges.save_word2vec_format(tmp_path / "edges")
    assert "white space" in caplog.text
    read = KeyedVectors.load_word2vec_format(tmp_path / "edges")
    assert read.index_to_key == ["('1',_'2')", "3"]
    np.testing.assert_array_equal(read.vectors, edges.vectors)
    edges.add_vectors(["('1',_'2')"], np.ones((1, 2), np.float32))
    with pytest.raises(InputError, match=r"twice|same|two"):
        edges.save_word2vec_format(tmp_path / "edges")
