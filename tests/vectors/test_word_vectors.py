import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors

WORDS = ["king", "queen", "man", "woman", "zero"]
VECTORS = np.array([[3, 4, 0], [3, -4, 0], [1, 4, 0], [1, -4, 0], [0, 0, 0]], dtype=np.float32)


@pytest.fixture
def word_vectors():
    return WordVectors(WORDS, VECTORS, [50, 40, 30, 20, 10])


def test_unit_has_length_one_and_leaves_zero_rows(word_vectors):
    np.testing.assert_allclose(np.linalg.norm(word_vectors.unit, axis=1), [1, 1, 1, 1, 0], rtol=1e-6)
    assert word_vectors.unit is word_vectors.unit
    for scale in (1e-30, 1e30):  # squares of these numbers exceed the range of float32
        np.testing.assert_allclose(WordVectors(["a"], [[3 * scale, 4 * scale]]).unit, [[0.6, 0.8]], rtol=1e-6)


def test_similar(word_vectors):
    words, cosines = zip(*word_vectors.similar("king", 100), strict=True)
    assert words == ("man", "zero", "queen", "woman")
    assert cosines == pytest.approx([19 / 5 / 17**0.5, 0, -7 / 25, -13 / 5 / 17**0.5], abs=1e-6)
    assert word_vectors.similar("king", 1) == [("man", pytest.approx(cosines[0]))]
    assert word_vectors.similar(VECTORS[0], 3) == [("king", pytest.approx(1)), *word_vectors.similar("king", 2)]
    near = word_vectors.similar(np.array(["king", "man"]), 9)
    assert near == word_vectors.similar(["king", "man"], 9)
    of_mean = [word for word, _ in word_vectors.similar(word_vectors.unit[[0, 2]].sum(axis=0), 9)]
    assert [word for word, _ in near] == [word for word in of_mean if word not in ("king", "man")]


def test_similarity_is_the_cosine_of_two_words(word_vectors):
    assert word_vectors.similarity("king", "man") == pytest.approx(19 / 5 / 17**0.5, abs=1e-7)
    assert word_vectors.similarity("king", "zero") == 0


def test_projections_are_cosines_with_the_difference_of_two_means(word_vectors):
    axis = word_vectors.unit[[0, 2]].mean(0) - word_vectors.unit[[1, 3]].mean(0)
    expected = word_vectors.unit @ axis / np.linalg.norm(axis)
    found = word_vectors.project(WORDS, positive=["king", "man"], negative=["queen", "woman"])
    np.testing.assert_allclose(found, expected, atol=1e-7)
    with pytest.raises(InputError, match="negative='queen' must be a list"):
        word_vectors.project(["man"], ["king"], "queen")


def test_analogy(word_vectors):
    assert word_vectors.analogy("man", "king", "woman", 1)[0][0] == "queen"
    assert {word for word, _ in word_vectors.analogy("man", "king", "woman")} == {"queen", "zero"}
