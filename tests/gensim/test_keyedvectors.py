"""Our KeyedVectors returns the same results as gensim's, with and without gensim."""

import importlib.util

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.gensim import KeyedVectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import form

WORDS = [f"w{i}" for i in range(30)]
VECTORS = np.random.default_rng(1).normal(size=(30, 7)).astype(np.float32)
COUNTS = np.arange(90, 0, -3)


@pytest.fixture
def ours():
    return KeyedVectors.of(WordVectors(WORDS, VECTORS.copy(), COUNTS.copy()))


QUESTIONS = {
    "a key": lambda wv: wv["w3"],
    "keys": lambda wv: wv[["w3", "w5"]],
    "a row": lambda wv: wv[3],
    "norm": lambda wv: wv.get_vector("w3", norm=True),
    "normed": lambda wv: wv.get_normed_vectors(),
    "mean": lambda wv: wv.get_mean_vector(["w1", "w2", "none", VECTORS[4]], [1, -2, 1, 0.5], post_normalize=True),
    "most_similar": lambda wv: wv.most_similar("w1"),
    "most_similar, two sides": lambda wv: wv.most_similar(positive=["w1", ("w2", 0.5)], negative="w3", topn=4),
    "most_similar, clip": lambda wv: wv.most_similar("w1", clip_start=3, clip_end=9),
    "most_similar, all": lambda wv: wv.most_similar("w1", topn=None),
    "most_similar, none": lambda wv: wv.most_similar("w1", topn=0),
    "most_similar, vectors": lambda wv: wv.most_similar([VECTORS[0], (VECTORS[1], 0.5)], topn=3),
    "restrict_vocab": lambda wv: wv.similar_by_word(word="w1", restrict_vocab=5),
    "cosmul": lambda wv: wv.most_similar_cosmul(["w1", "w2"], ["w3"], topn=5),
    "by vector": lambda wv: wv.similar_by_vector(VECTORS[2], topn=3),
    "similarity": lambda wv: wv.similarity("w1", "w2"),
    "n_similarity": lambda wv: wv.n_similarity(["w1", "w2"], ["w3", "w4", "none"]),
    "distance": lambda wv: wv.distance("w1", "w2"),
    "distances": lambda wv: wv.distances("w1"),
    "doesnt_match": lambda wv: wv.doesnt_match(["w1", "w2", "w3", "none"]),
    "closer_than": lambda wv: sorted(wv.closer_than("w1", "w2")),
    "attribute": lambda wv: wv.get_vecattr("w4", "count"),
    "index": lambda wv: [wv.get_index("w4"), wv.get_index("none", -1), wv.vector_size, len(wv)],
    "in": lambda wv: ["w4" in wv, "none" in wv, wv.has_index_for("w4")],
    "wmdistance": lambda wv: wv.wmdistance(["w1", "w2", "w2", "none"], ["w3", "w2"]),
}


def gensims(words=WORDS, vectors=VECTORS):
    gensim = pytest.importorskip("gensim", reason="gensim is not installed")
    theirs = gensim.models.KeyedVectors(7)
    theirs.add_vectors(words, vectors)
    for word, count in zip(words, COUNTS.tolist(), strict=False):
        theirs.set_vecattr(word, "count", count)
    return theirs


@pytest.mark.parametrize("name", QUESTIONS)
def test_gensim_answers_alike(ours, name):
    theirs = QUESTIONS[name](gensims())  # this call comes first: it skips the test if gensim is missing
    assert_alike(QUESTIONS[name](ours), theirs)


def assert_alike(ours, theirs):
    if isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_alike(a, b)
    elif isinstance(ours, str):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_a_key_is_nearest_to_itself_exactly(ours):
    assert all(ours.similarity(word, word) == 1 for word in WORDS)
    assert ours.distance("w1", "w1") == 0


def test_zero_vectors_have_no_direction():
    """gensim divides by the norm of the vector, which is 0 in this test."""
    wv = KeyedVectors.of(WordVectors(["a", "zero"], [[1, 0], [0, 0]]))
    assert wv.most_similar("a") == [("zero", 0.0)]
    assert wv.similarity("a", "zero") == 0
    assert wv.get_vector("zero", norm=True).tolist() == [0, 0]


WRONG = {
    "unknown key": lambda wv: wv["none"],
    "unknown keys": lambda wv: wv[["w1", "none"]],
    "no query": lambda wv: wv.most_similar(),
    "query of unknown": lambda wv: wv.most_similar("none"),
    "no mean": lambda wv: wv.get_mean_vector([]),
    "mean of unknown": lambda wv: wv.get_mean_vector(["none"], ignore_missing=False),
    "other weights": lambda wv: wv.get_mean_vector(["w1"], [1, 2]),
    "distance of unknown": lambda wv: wv.distance("w1", "none"),
    "rank of unknown": lambda wv: wv.rank("w1", "none"),
    "unknown attribute": lambda wv: wv.get_vecattr("w1", "none"),
    "attribute of unknown": lambda wv: wv.set_vecattr("none", "count", 1),
    "other type of attribute": lambda wv: wv.set_vecattr("w1", "count", "many"),
    "no file": lambda wv: type(wv).load_word2vec_format("/no/such/file"),
    "no file to load": lambda wv: type(wv).load("/no/such/file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_are_gensims_and_ours(ours, name):
    theirs = gensims()
    with pytest.raises(Exception) as expected:
        WRONG[name](theirs)
    with pytest.raises(expected.type) as found:
        WRONG[name](ours)
    assert isinstance(found.value, InputError)


def test_rows_are_sorted_and_resized_as_by_gensim(ours):
    theirs = gensims()
    for wv in (ours, theirs):
        for place, word in enumerate(WORDS):
            wv.set_vecattr(word, "count", place // 3)
        wv.sort_by_descending_frequency()
        wv.index_to_key += ["new", "newer"]
        wv.key_to_index |= {"new": 30, "newer": 31}
        wv.resize_vectors(seed=4)
        wv.resize_vectors(seed=5)
    assert ours.index_to_key == theirs.index_to_key
    assert ours.key_to_index == theirs.key_to_index
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours.expandos["count"], theirs.expandos["count"])


def test_a_number_is_no_row_if_keys_are_numbers():
    """If keys are numbers, a number that is no key must not be used as a row number."""
    wv = KeyedVectors.of(WordVectors([5, 0], np.eye(2)))
    assert wv[0].tolist() == [0, 1]
    assert 1 not in wv
    with pytest.raises(KeyError, match="1 is not in the vocabulary"):
        wv[1]


def test_tuples_are_keys_where_they_are_known():
    wv = KeyedVectors.of(WordVectors([("a", 1), ("a", 2), "b"], np.eye(3)))
    assert wv["a", 1].tolist() == [1, 0, 0]
    assert wv.most_similar([("a", 1)], topn=1)[0][0] == ("a", 2)
    assert wv.most_similar([("b", 2.0)], topn=2)[0][0] == ("a", 1)


def test_vectors_are_added_and_replaced(ours):
    before = ours.most_similar("w1", topn=1)[0]
    ours.add_vectors(["new", "w2"], np.stack([VECTORS[1], VECTORS[0]]), extras={"count": np.array([9, 8])})
    assert len(ours) == len(ours.vectors) == len(ours.expandos["count"]) == 31
    assert ours["w2"].tolist() == VECTORS[2].tolist()
    assert [ours.get_vecattr(word, "count") for word in ("w0", "w2", "new")] == [90, 84, 9]
    assert ours.most_similar("w1", topn=1)[0] == ("new", pytest.approx(1)) != before
    ours["w2"] = VECTORS[3]
    assert ours.similarity("w2", "w3") == 1
    ours[["w4", "newer"]] = VECTORS[:2]
    assert ours["newer"].tolist() == VECTORS[1].tolist()
    with pytest.warns(UserWarning, match="add_vectors"):
        assert ours.add_vector("newest", VECTORS[0]) == 32
    with pytest.raises(InputError, match="a vector each, not 1"):
        ours.add_vectors(["x", "y"], VECTORS[:1])
    with pytest.raises(InputError, match=r"must have shape \(any, 7\)"):
        ours.add_vectors(["x"], [[1, 2]])
    with pytest.raises(ValueError, match="read-only"):
        ours["w1"][0] = 1


def test_vectors_changed_in_place_are_used_after_fill_norms(ours):
    assert ours.similar("w1", 1)[0][0] != "w2"
    ours.vectors[2] = 1000 * VECTORS[1]
    ours.fill_norms(force=True)
    assert ours.similar("w1", 1) == [("w2", pytest.approx(1, abs=1e-6))]
    ours.unit_normalize_all()
    np.testing.assert_allclose(ours.norms, 1, rtol=1e-6)


def test_composed_vectors_are_queried_like_others():
    words = ["kind", "kindness", "happy", "happiness", "sad", "sadness"]
    made = KeyedVectors.of(
        form.with_form(WordVectors(words, np.random.default_rng(0).normal(size=(6, 4)), range(6, 0, -1)))
    )
    assert made.similar("unhappiness", 3) == made.most_similar("unhappiness", topn=3)
    assert made.similarity("unhappiness", "kindness") != 0


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_files_by_the_options_of_gensim(ours, binary, tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    path, vocabulary = tmp_path / "v", tmp_path / "counts"
    ours.save_word2vec_format(path, vocabulary, binary, prefix="p_")
    read = KeyedVectors.load_word2vec_format(path, vocabulary, binary)
    assert read.words == [f"p_{word}" for word in WORDS]
    assert read.counts.tolist() == COUNTS.tolist()
    np.testing.assert_array_equal(read.vectors, VECTORS)
    ours.save_word2vec_format(path, binary=binary)
    for options in ({"limit": 4}, {"datatype": np.float16}):
        some = KeyedVectors.load_word2vec_format(path, binary=binary, **options)
        assert some.most_similar(VECTORS[0], topn=1)[0][0] == "w0"
        assert some.words == WORDS[: options.get("limit")]
        assert some.vectors.dtype == options.get("datatype", np.float32)


def test_word2vec_files_are_read_by_their_content(ours, tmp_path, caplog):
    path = tmp_path / "v"
    ours.save_word2vec_format(path, binary=True)
    read = KeyedVectors.load_word2vec_format(path)
    assert (read.words, read.get_vecattr("w0", "count")) == (WORDS, 30)
    np.testing.assert_array_equal(read.vectors, VECTORS)
    path.write_bytes(b"3 2\na 1 2\n\xff\xfe 3 4\na 5 6\n")
    with pytest.raises(ValueError, match=r"line 3.*UTF-8"):
        KeyedVectors.load_word2vec_format(path)
    path.write_bytes(b"3 2\na 1 2\nb 3 4\na 5 6\n")
    readings = [{}]
    if importlib.util.find_spec("gensim"):
        readings.append({"unicode_errors": "replace"})
    for options in readings:
        read = KeyedVectors.load_word2vec_format(path, **options)
        assert read.words == ["a", "b"]
        assert read["a"].tolist() == [1, 2]
    assert "1 words occur more than once" in caplog.text
    path.write_bytes(b"4 2\na 1 2\nb 3 4\nlonglonglonglonglong 5 6\n")
    with pytest.raises(EOFError, match="ends before line 5"):
        KeyedVectors.load_word2vec_format(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_many_neighbours_are_the_neighbours_of_each_in_every_type(dtype):
    table = KeyedVectors(100, dtype=dtype)
    table.add_vectors([f"w{i}" for i in range(600)], np.random.default_rng(0).standard_normal((600, 100)).astype(dtype))
    words, cosines = table.similar_to_each(table.index_to_key, 7)
    for key, row, numbers in zip(table.index_to_key, words, cosines, strict=True):
        expected = [*zip(row.tolist(), numbers.tolist(), strict=True)]
        assert table.similar(key, 7) == expected
