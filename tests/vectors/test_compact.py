"""Truncated, rounded and selected vectors answer as a plain table of the same numbers would."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from support import ngrams as oracle

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.evaluation.scores import answer_related
from wordsparse.vectors.compact import CompactRows
from wordsparse.vectors.neighbours import kept
from wordsparse.vectors.ngrams import Buckets, NgramVectors
from wordsparse.words.form import with_form

WORDS = [f"{stem}{end}" for stem in ("walk", "talk", "sing", "ring", "bright") for end in ("", "s", "ing", "er")]
WORDS += [f"w{i}" for i in range(60)]


def table(dim=12, words=None):
    words = words or WORDS
    vectors = np.random.default_rng(0).normal(size=(len(words), dim)) * np.geomspace(1e-2, 1e2, len(words))[:, None]
    vectors[7] = 0
    return with_form(ws.WordVectors(words, vectors, range(len(words) + 1, 1, -1)))


def plain(compact):
    """Return the same numbers as float32."""
    return compact.rounded("float32")


@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("dim", [1, 5, 64])
def test_rounding_moves_a_number_by_half_a_step(dtype, dim):
    vectors = table(dim).vectors
    rows = CompactRows.of(vectors, dtype)
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    step = largest / 127 if dtype == "int8" else np.abs(vectors) * 2.0**-10 + 1e-7
    assert (np.abs(rows[:] - vectors) <= step / 2 * (1 + 1e-5)).all()
    np.testing.assert_array_equal(rows[[3, 1]], rows[:][[3, 1]])
    np.testing.assert_array_equal(CompactRows.of(rows, dtype)[:], rows[:])
    assert (len(rows), rows.shape, rows[4].shape, rows[2:4].dtype) == (len(WORDS), (len(WORDS), dim), (dim,), "float32")


def test_the_smallest_and_the_largest_numbers_fit_8_bits():
    """Previously, the scale of a denormal row was rounded down, so that 189 became −67, and the largest number of
    float32 became infinite."""
    smallest = np.array([[189, 63, 0]], np.float32) * np.float32(2.0**-149)
    rows = CompactRows.of(smallest, "int8")[:]
    assert (np.abs(rows - smallest) <= 1.5 * 2.0**-149).all()
    largest = np.full((1, 2), np.finfo(np.float32).max)
    np.testing.assert_allclose(CompactRows.of(largest, "int8")[:], largest, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_compact_vectors_answer_as_their_numbers(dtype):
    compact = table().rounded(dtype)
    same = plain(compact)
    assert (compact.is_compact, same.is_compact) == (True, False)
    for word in (*WORDS[:9], "walked", ["sing", "rings"], np.ones(12)):
        for candidates in (None, WORDS[5:50]):
            ours, theirs = (each.similar(word, 6, candidates=candidates) for each in (compact, same))
            np.testing.assert_allclose([c for _, c in ours], [c for _, c in theirs], atol=1e-6)
    words, cosines = compact.similar_to_each(WORDS, 5)
    for row, word in enumerate(WORDS):
        assert compact.similar(word, 5) == [*zip(words[row].tolist(), cosines[row].tolist(), strict=True)]
    texts = ["walk talk walked", "sings, unheard-of", "", "w3"]
    np.testing.assert_allclose(compact.encode(texts), same.encode(texts), atol=1e-6)
    np.testing.assert_array_equal(compact["walk"], same["walk"])
    assert compact.similarity("walk", "sing") == pytest.approx(same.similarity("walk", "sing"), abs=1e-6)
    sides = ["walk", "walked"], ["sing"], ["ring"]
    np.testing.assert_allclose(compact.project(*sides), same.project(*sides), atol=1e-6)
    assert compact.analogy("walk", "walks", "sing", 1)[0][0] == same.analogy("walk", "walks", "sing", 1)[0][0]
    np.testing.assert_allclose(compact.unit, same.unit, atol=1e-6)
    assert with_form(compact).vectors.shape == same.vectors.shape
    related = [("walk", "walks"), ("sing", "w3")]
    np.testing.assert_array_equal(answer_related(compact, related), answer_related(same, related))


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_mapped_vectors_are_served_without_a_copy_of_the_table(tmp_path, dtype):
    words = [f"w{i}" for i in range(20_000)]
    vectors = np.random.default_rng(0).normal(size=(len(words), 256))
    ws.WordVectors(words, vectors).rounded(dtype).export(tmp_path / "v.npz")
    found = ws.read_vectors(tmp_path / "v.npz", mapped=True)
    assert isinstance(found.vectors.numbers, np.memmap)
    tracemalloc.start()
    near, _ = found.similar_to_each(words[:20], 3)
    texts = found.encode(["w1 w2 w3", "w19999"])
    assert found.similar("w5", 3)[0][0] in words
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * vectors.size
    again = ws.read_vectors(tmp_path / "v.npz")
    np.testing.assert_array_equal(near, again.similar_to_each(words[:20], 3)[0])
    np.testing.assert_allclose(texts, again.encode(["w1 w2 w3", "w19999"]), atol=1e-6)


@pytest.mark.parametrize("dim", [1, 5, 31, 32, 33, 39, 40])
def test_truncated_vectors_and_ngrams_are_the_first_numbers(dim):
    whole = table(40)
    cut = whole.truncated(dim)
    assert (cut.dim, cut.words, cut.ngrams.dim) == (dim, WORDS, dim)
    np.testing.assert_array_equal(cut.vectors, whole.vectors[:, :dim])
    np.testing.assert_array_equal(cut.weights, whole.weights)
    np.testing.assert_allclose(cut["walked"], whole["walked"][:dim], atol=1e-6)
    for compact in (whole.rounded("int8").truncated(dim), whole.rounded("float16").truncated(dim)):
        assert compact.is_compact
        np.testing.assert_allclose(compact.vectors[:], whole.vectors[:, :dim], atol=2)


def test_truncated_buckets_are_the_first_numbers():
    vectors = ws.WordVectors(["cat"], np.ones((1, 8)))
    rows = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    vectors.ngrams = NgramVectors(Buckets(20, 3, 4), rows, np.zeros(8, np.float32))
    np.testing.assert_allclose(vectors.truncated(3)["cats"], vectors["cats"][:3], rtol=1e-6)
    assert len(vectors.selected(["cat"]).ngrams) == 20


def test_a_model_is_truncated_as_its_vectors(tmp_path):
    random = np.random.default_rng(0)
    texts = [[WORDS[i] for i in random.integers(0, 30, 8)] for _ in range(300)]
    model = ws.train(texts, dim=10, epochs=2, min_count=1)
    model.save(tmp_path / "model")
    cut = model.truncated(4)
    np.testing.assert_array_equal(cut.vectors, model.vectors[:, :4])
    np.testing.assert_array_equal(ws.read_vectors(tmp_path / "model", dim=4).vectors, cut.vectors)
    assert cut.similar("walk", 3)[0][0] in model
    assert cut.encode(["walk talk", "walked"]).shape == (2, 4)


def test_selected_words_keep_their_order_and_the_ngrams_that_they_share_most():
    whole = table()
    chosen = [*WORDS[:16:3], "w1", "w33", "w7"]
    some = whole.selected([*reversed(chosen), "unknown"])
    assert some.words == sorted(chosen, key=whole.row)
    np.testing.assert_array_equal(some.vectors, [whole[word] for word in some.words])
    np.testing.assert_array_equal(some.weights, [whole.weights[whole.row(word)] for word in some.words])
    np.testing.assert_array_equal(some.counts, [whole.counts[whole.row(word)] for word in some.words])
    lengths = whole.ngrams.index.shortest, whole.ngrams.index.longest
    shared = Counter(ngram for word in chosen for ngram in oracle.ngrams_of(word, *lengths))
    before, after = oracle.texts(whole.ngrams.index), oracle.texts(some.ngrams.index)
    assert after == [ngram for ngram in before if ngram in after]
    assert len(after) == len(chosen)
    assert min(shared[ngram] for ngram in after) >= max(shared[ngram] for ngram in {*before} - {*after})
    for ngram, row in zip(after, some.ngrams.rows, strict=True):
        np.testing.assert_array_equal(row, whole.ngrams.rows[before.index(ngram)])
    assert whole.selected(whole.most_frequent(5)).words == WORDS[:5]
    assert whole.rounded("int8").selected(["walk"]).is_compact
    for words in ([], ["unknown"], "walk", np.array([99])):
        with pytest.raises(InputError, match="words"):
            whole.selected(words)


def test_the_share_of_neighbours_that_are_kept():
    whole = table()
    assert kept(whole, whole.rounded("float16")) > 0.95
    some = whole.selected(WORDS[::2]).truncated(4)
    same = 0
    for word in some.words:
        ours = {near for near, _ in whole.similar(word, 10, candidates=some.words)}
        same += len(ours & {near for near, _ in some.similar(word, 10)})
    assert kept(whole, some) == pytest.approx(same / (10 * len(some)))
    assert kept(whole, whole.selected(["walk"])) == 1


def test_fifty_thousand_words_with_ngrams_take_four_megabytes(tmp_path):
    random = np.random.default_rng(0)
    syllables = [first + vowel for first in "bcdfghlmnprst" for vowel in ("a", "e", "i", "o", "un", "er")]
    words = list(dict.fromkeys("".join(random.choice(syllables, 2 + i % 3)) for i in range(80_000)))[:50_000]
    whole = with_form(ws.WordVectors(words, random.normal(size=(50_000, 64)), np.arange(50_000, 0, -1)))
    (path,) = whole.selected(words).truncated(32).rounded("int8").export(tmp_path / "small.npz")
    assert path.stat().st_size <= 4_000_000
    small = ws.read_vectors(path, mapped=True)
    assert (len(small), small.dim, len(small.ngrams)) == (50_000, 32, min(50_000, len(whole.ngrams)))
    assert len(small.similar(words[3], 5)) == len(small.similar("bacunsterful", 5)) == 5
    assert np.linalg.norm(small.encode([f"{words[1]} bacunsterful"])) == pytest.approx(1)
