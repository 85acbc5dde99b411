"""FastText computes vectors of unknown words from their n-grams."""

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.gensim import FastText
from wordsparse.gensim.models.fasttext import FastTextKeyedVectors

STEMS, ENDINGS = ("walk", "jump", "paint", "count", "shout", "climb"), ("", "s", "ed", "ing", "er")
SENTENCES = [[stem + ending for ending in ENDINGS] for stem in STEMS] * 40


def test_the_steps_of_gensims_tutorial(tmp_path):
    model = FastText(vector_size=8, min_count=1, sg=1, workers=1, min_n=3, max_n=5)
    model.build_vocab(corpus_iterable=SENTENCES)
    model.train(corpus_iterable=SENTENCES, total_examples=model.corpus_count, epochs=3)
    assert "walkers" in model.wv
    assert "walkers" not in model.wv.key_to_index
    assert "qq" not in model.wv
    assert model.wv.similarity("walkers", "walker") > model.wv.similarity("walkers", "climb")
    assert [word for word, _ in model.wv.most_similar("walkers", topn=2)]
    assert model.wv.get_sentence_vector(["walkers", "walk"]).shape == (8,)
    model.save(tmp_path / "model")
    again = FastText.load(tmp_path / "model")
    assert isinstance(again.wv, FastTextKeyedVectors)
    assert again.max_n == 5
    np.testing.assert_array_equal(again.wv["walkers"], model.wv["walkers"])
    again.train(SENTENCES, total_examples=model.corpus_count, epochs=1)
    assert not np.array_equal(again.wv["walkers"], model.wv["walkers"])


def test_requests_that_are_refused(tmp_path):
    with pytest.raises(InputError, match="shortest"):
        FastText(min_n=0)
    with pytest.raises(InputError, match="use Word2Vec"):
        FastText([[1, 2], [2, 3]] * 9, min_count=1, vector_size=4)
    plain = FastText(SENTENCES, min_count=1, vector_size=4, epochs=1, max_n=0)
    assert "walkers" not in plain.wv
