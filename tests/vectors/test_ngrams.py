"""Compiled functions for n-grams agree with plain Python: numbering, look-up, sweeps, and rows of 8-bit numbers."""

import pickle

import numpy as np
import pytest
from support import ngrams as oracle

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.kernels import isa as kernel_isa
from wordsparse.vectors import _ngrams
from wordsparse.vectors.ngrams import SPAN, Ngrams, NgramVectors, bracketed, isa, kind_of, spelled, zero_rows
from wordsparse.vectors.sweeps import Sweeps

STEMS = ("happy", "kind", "walk", "bright", "straße", "naïve", "中国")
WORDS = [stem + ending for ending in ("ness", "ing", "er", "est", "", "ly", "less") for stem in STEMS]
WORDS += ["a", "of", "\U0001f600\U0001f600", "it's", "", "aaaaaaaaaa", "aaaaaaa", "aaaaaabaaaa", "lessless"]
WORDS += ["\ud800kind", "kind\ud800", "\U0010ffffkind", "happiness" * 30, "kind"]
DIMS = [1, 3, 28, 32, 33, 300]


@pytest.fixture(params=kernel_isa.AVAILABLE, autouse=True)
def instruction_set(request, monkeypatch):
    monkeypatch.setenv(kernel_isa.VARIABLE, request.param)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.mark.parametrize("lengths", [(1, 1), (2, 4), (3, 6), (3, 64)])
def test_ngrams_are_numbered_as_a_dictionary_would(lengths):
    sweeps = Sweeps(WORDS, *lengths, 3)
    ngrams = oracle.texts(sweeps.ngrams)
    assert ngrams == oracle.numbered(WORDS, *lengths, 3)
    of = [sweeps.of[start:end].tolist() for start, end in zip(sweeps.starts, sweeps.starts[1:], strict=False)]
    for word, ngrams_of_word in enumerate(oracle.ngrams_of(word, *lengths) for word in WORDS):
        assert [words.count(word) for words in of] == [ngrams_of_word.count(ngram) for ngram in ngrams]


def test_no_words_one_word_and_a_million_characters_have_ngrams_too():
    assert len(Sweeps([], 3, 6, 3).ngrams) == len(Sweeps(["kind"], 3, 6, 3).ngrams) == 0
    assert oracle.texts(Sweeps(["aa"], 3, 6, 1).ngrams) == ["<aa>", "<aa", "aa>"]
    letters = [chr(i) for i in range(0x20, 0x110000) if not 0xD800 <= i < 0xE000]
    assert len(Sweeps(["".join(letters), *letters[:5]] * 3, 1, 1, 3).ngrams) == len(letters)


@pytest.mark.parametrize("dim", DIMS)
def test_sweeps_are_those_of_plain_numpy(dim):
    vectors, ids = normal(2 * len(WORDS), dim), np.arange(len(WORDS)) * 2
    weights, mean = np.random.default_rng(1).random(len(WORDS)), normal(dim)
    sweeps = Sweeps(WORDS, 3, 6, 3)
    rows = [
        Sweeps(WORDS, 3, 6, 3, CpuKernels(threads)).rows(vectors, ids, weights, mean, 0.05, 2) for threads in (1, 3)
    ]
    X = oracle.shares(WORDS, oracle.texts(sweeps.ngrams), 3, 6)
    G = oracle.swept(X, vectors[ids] - mean, weights, 0.05, 2)
    assert np.linalg.norm(oracle.unpacked(rows[0], dim, SPAN) - G) < 0.03 * np.linalg.norm(G)
    assert rows[0].tobytes() == rows[1].tobytes()


def test_words_may_lack_weight_and_ngrams():
    sweeps, ids = Sweeps(WORDS, 3, 6, 3), np.arange(len(WORDS))
    rows = sweeps.rows(normal(len(WORDS), 5), ids, np.zeros(len(WORDS)), normal(5), 0.05, 2)
    assert not oracle.unpacked(rows, 5, SPAN).any()
    none = Sweeps(["a", "b"], 3, 6, 3)
    assert len(none.rows(normal(2, 5), ids[:2], np.ones(2), normal(5), 0.05, 2)) == 0


@pytest.mark.parametrize("dim", DIMS)
def test_rows_of_8_bits_and_their_product(dim):
    numbers, rows = normal(50, dim) * 2.0 ** np.arange(-25, 25)[:, None].astype(np.float32), zero_rows(50, dim)
    numbers[7] = 0
    _ngrams.pack(isa(), numbers, rows, 2)
    whole, scales = oracle.packed(numbers, SPAN)
    np.testing.assert_allclose(oracle.parts(rows, dim)[0], whole, atol=1)
    np.testing.assert_allclose(oracle.parts(rows, dim)[1], scales, rtol=1e-6)
    before = oracle.unpacked(rows, dim, SPAN)
    assert (np.abs(before - numbers) <= 0.501 * np.repeat(scales, SPAN, axis=1)[:, :dim]).all()
    M = normal(dim, dim)
    Sweeps(WORDS, 3, 6, 3).multiply(rows, M)
    product = before @ M
    assert np.linalg.norm(oracle.unpacked(rows, dim, SPAN) - product) < 0.02 * np.linalg.norm(product)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("unit", [False, True])
def test_words_are_looked_up_and_the_means_of_their_rows_added(dim, unit):
    ngrams = Sweeps(WORDS, 2, 5, 3).ngrams
    eight = zero_rows(len(ngrams), dim)
    _ngrams.pack(isa(), normal(len(ngrams), dim), eight, 1)
    numbers = oracle.unpacked(eight, dim, SPAN).astype(np.float32)
    words = [*WORDS, "unkindness", "zzz", "kindly" * 50]
    X = oracle.shares(words, oracle.texts(ngrams), 2, 5)
    shares, vectors = np.linspace(0, 2, len(words)), normal(len(words), dim, seed=2)
    made = vectors.copy()
    sizes = ngrams.add(eight, words, shares, made, unit=unit, threads=3)
    expected = vectors + shares[:, None] * (X @ numbers)
    if unit:
        expected /= np.linalg.norm(expected, axis=1)[:, None]
    np.testing.assert_allclose(made, expected, atol=2e-5)
    np.testing.assert_array_equal(sizes > 0, X.any(1))


def test_ngrams_can_be_pickled_and_found_again():
    ngrams = Sweeps(WORDS, 3, 6, 3).ngrams
    table = NgramVectors(ngrams, zero_rows(len(ngrams), 4), normal(4))
    other = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(other.vector("unkindness"), table.mean)
    assert other.vector("zzz") is None
    assert oracle.texts(NgramVectors.from_arrays(table.arrays()).index) == oracle.texts(ngrams)


def test_what_does_not_fit_together_is_refused():
    for texts in (["abcd", "abcd"], ["abc"], ["abcdefg"]):  # n-grams must be distinct and have the stated lengths
        with pytest.raises(InputError, match="n-gram"):
            Ngrams(*spelled(texts), 4, 6)
    with pytest.raises(InputError, match="one row each"):
        NgramVectors(Ngrams(*spelled(["abcd"]), 4, 6), zero_rows(2, 3), normal(3))
    for ends in ([3, 2, 4], [2, 3], [-1, 4], [5]):
        with pytest.raises(ValueError, match="must end"):
            _ngrams.number(kind_of(1, 2), np.zeros(4, np.int32), np.array(ends), 1)
    with pytest.raises(ValueError, match="n-grams"):
        _ngrams.number(kind_of(0, 2), *bracketed(["ab"]), 1)
