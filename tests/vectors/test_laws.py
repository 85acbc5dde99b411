"""Laws of vectors: files keep every number, and searches for many words or among candidates equal plain searches."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.laws import NAMES, law

from wordsparse.errors import InputError
from wordsparse.vectors.compact import DTYPES
from wordsparse.vectors.formats import FORMATS, READABLE, save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

SEEDS = st.integers(0, 2**32 - 1)


def rows_of_all_sizes(seed: int, rows: int, dim: int, largest: float) -> np.ndarray:
    """Make rows of random numbers: zero rows, repeated rows, and rows from the smallest to the largest numbers."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.uniform(np.log(1e-45), np.log(largest), (rows, 1)))
    vectors = random.uniform(-1, 1, (rows, dim)) * np.where(random.random((rows, 1)) < 0.4, 1, sizes)
    vectors[random.random(rows) < 0.1] = 0
    vectors[random.random(rows) < 0.05] = np.finfo(np.float32).max if largest > 1e38 else largest
    copies = random.random(rows) < 0.2
    vectors[copies] = vectors[random.integers(0, rows, copies.sum())]
    return vectors.astype(np.float32)


def made(seed: int, rows: int, dim: int, is_counted: bool, largest: float = 3e38) -> WordVectors:
    counts = np.rint(np.exp(np.random.default_rng(seed).uniform(-1, 20, rows))).astype(np.int64) if is_counted else None
    return WordVectors([f"w{row}" for row in range(rows)], rows_of_all_sizes(seed, rows, dim, largest), counts)


@law(100)
@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.sampled_from(READABLE))
def test_every_format_keeps_names_or_refuses_them(names: list[str], name: str) -> None:
    """A refusal names a word that the format cannot hold, and leaves no file. npz and safetensors hold all words."""
    wv = WordVectors(names, np.eye(len(names), 3))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "vectors"
        message = ""
        try:
            save_vectors(wv, path, name)
        except InputError as error:
            message = str(error)
        if message:
            assert name not in ("npz", "safetensors")
            assert any(f"the word {word!r:.60}" in message for word in names)
            assert not path.exists()
        else:
            assert read_vectors(path).words == names


@law(40)
@given(SEEDS, st.integers(1, 30), st.integers(1, 40), st.sampled_from(READABLE), st.sampled_from(DTYPES))
def test_every_format_keeps_the_bytes(seed: int, rows: int, dim: int, name: str, dtype: str) -> None:
    """A format that is lossy keeps the smaller type, and any other format the numbers that it stands for."""
    wv = made(seed, rows, dim, True, 6e4 if dtype == "float16" else 3e38)
    wv = wv if dtype == "float32" else wv.rounded(dtype)
    with tempfile.TemporaryDirectory() as directory:
        save_vectors(wv, path := Path(directory) / "vectors", name)
        found = read_vectors(path)
        assert found.words == wv.words
        assert np.asarray(found.vectors).tobytes() == np.asarray(wv.vectors).tobytes()
        if FORMATS[name].is_lossy:
            np.testing.assert_array_equal(found.counts, wv.counts)
            save_vectors(wv, again := Path(directory) / "again", name)
            assert again.read_bytes() == path.read_bytes()


@law(40)
@given(SEEDS, st.integers(1, 60), st.integers(1, 40))
def test_eight_bits_keep_a_row_to_half_a_step(seed: int, rows: int, dim: int) -> None:
    """A step is the largest number of the row by 127, or the smallest float32 number if that is larger."""
    vectors = rows_of_all_sizes(seed, rows, dim, 3e38)
    wv = WordVectors([f"w{row}" for row in range(rows)], vectors)
    exact = vectors.astype(np.float64)
    step = np.maximum(np.abs(exact).max(1, keepdims=True) / 127, 2.0**-149)
    assert (np.abs(np.asarray(wv.rounded("int8").vectors) - exact) <= 0.51 * step + 2.0**-149).all()


@law(15)
@given(SEEDS, st.integers(2, 120), st.integers(1, 40), st.booleans(), st.sampled_from(DTYPES), st.data())
def test_many_words_are_answered_as_one_by_one(
    seed: int, rows: int, dim: int, is_counted: bool, dtype: str, data: st.DataObject
) -> None:
    """A search for many words has the bytes of a search for each word, with candidates and without."""
    wv = made(seed, rows, dim, is_counted, 6e4)
    wv = wv if dtype == "float32" else wv.rounded(dtype)
    words, n = data.draw(st.lists(st.sampled_from(wv.words), min_size=1, max_size=30)), data.draw(st.integers(1, rows))
    some = data.draw(st.none() | st.lists(st.integers(0, rows - 1), min_size=1).map(np.array))
    for evidence in (True, False):
        single = [wv.similar(word, n, candidates=some, evidence=evidence) for word in words]
        near, cosines = wv.similar_to_each(words, n, candidates=some, evidence=evidence)
        pairs = [list(zip(*row, strict=True)) for row in zip(near.tolist(), cosines.tolist(), strict=True)]
        assert [[pair for pair in row if pair[0] is not None] for row in pairs] == single


@law(25)
@given(SEEDS, st.integers(2, 120), st.integers(1, 40), st.booleans(), st.data())
def test_candidates_are_a_filter(seed: int, rows: int, dim: int, is_counted: bool, data: st.DataObject) -> None:
    """A search among candidates is the whole ranking without other words, for a word, several words, and a vector."""
    wv = made(seed, rows, dim, is_counted, 6e4)
    some = data.draw(st.lists(st.integers(0, rows - 1), min_size=1))
    queries: list[Any] = [
        data.draw(st.sampled_from(wv.words)),
        data.draw(st.lists(st.sampled_from(wv.words), min_size=1)),
    ]
    queries.append(np.random.default_rng(seed).standard_normal(dim))
    n = data.draw(st.integers(1, rows))
    for query in queries:
        for evidence in (True, False):
            whole = wv.similar(query, rows, evidence=evidence)
            expected = [pair for pair in whole if int(pair[0][1:]) in some][:n]
            assert wv.similar(query, n, candidates=np.array(some), evidence=evidence) == expected
            assert wv.similar(query, n, candidates=[f"w{row}" for row in some], evidence=evidence) == expected
            assert wv.similar(query, n, evidence=evidence) == whole[:n]
