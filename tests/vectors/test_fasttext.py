"""Words and n-grams that are read from fastText's binary files agree with gensim and with fastText itself."""

import numpy as np
import pytest
from support.fasttext import content

from wordsparse.vectors.formats import save_vectors
from wordsparse.words.model_directory import read_vectors

TEXT = [["the", "king", "größe", "naïve", "日本語", "a"], ["the", "queen", "kings", "日本", "a", "b"]] * 10
UNKNOWN = ["kingzz", "größer", "日本国", "x", "<>", ["the", "queen's"][1]]


@pytest.mark.parametrize(("min_n", "max_n", "bucket"), [(3, 6, 2000), (1, 4, 50_000), (2, 2, 3)])
def test_vectors_are_those_of_gensim(min_n, max_n, bucket, tmp_path):
    fasttext = pytest.importorskip("gensim.models.fasttext", reason="gensim, which writes the files, is not installed")
    lengths = {"min_n": min_n, "max_n": max_n, "bucket": bucket}
    model = fasttext.FastText(TEXT, vector_size=5, min_count=1, epochs=1, workers=1, **lengths)
    fasttext.save_facebook_model(model, str(tmp_path / "model.bin"))
    read = read_vectors(tmp_path / "model.bin")
    save_vectors(read, tmp_path / "again.npz")
    assert read.words == model.wv.index_to_key
    assert read.counts.tolist() == [model.wv.get_vecattr(word, "count") for word in read.words]
    for vectors in (read, read_vectors(tmp_path / "again.npz")):
        for word in [*read.words, *UNKNOWN]:
            np.testing.assert_allclose(vectors[word], model.wv[word], rtol=1e-5, atol=1e-7)
    assert read.is_composed("kingzz")
    assert not read.is_composed("two words")


def test_labels_are_no_words_and_words_need_not_be_utf8(tmp_path, caplog):
    path = tmp_path / "model.bin"
    path.write_bytes(content())
    assert read_vectors(path).words == ["</s>", "größe"]
    assert "a classifier: its words are read, but not its 1 label" in caplog.text
    assert read_vectors(path)["größe"].tolist() == [3, 4]
    path.write_bytes(content(word=b"gr\xf6\xdfe"))
    assert read_vectors(path).words == ["</s>", r"gr\xf6\xdfe"]
    assert "not UTF-8" in caplog.text
