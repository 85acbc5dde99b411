"""The search for neighbours, compared with a dense search in float64."""

import numpy as np
import pytest

from wordsparse.vectors import graph, neighbours
from wordsparse.vectors.word_vectors import WordVectors

V = 333  # not a multiple of the width of a panel


@pytest.fixture(scope="module", params=[1, 7, 64])
def wv(request):
    """Vectors of small whole numbers, with zero vectors, duplicates, and vectors of extreme lengths."""
    random = np.random.default_rng(request.param)
    vectors = random.integers(-3, 4, (V, request.param)).astype(np.float32)
    vectors[10:20], vectors[40], vectors[300:] = 0, 1, vectors[:33]
    vectors[50:60] *= np.float32(1e30)
    vectors[60:70] *= np.float32(1e-30)
    return WordVectors([f"w{i}" for i in range(V)], vectors)


def dense(wv, direction, left_out, rows):
    """Return all rows that may be returned, and their cosines in float64, largest first."""
    cosines = wv.vectors.astype(np.float64) @ direction / wv.divisors / (np.linalg.norm(direction) or 1)
    return sorted(((row, cosines[row]) for row in rows if row not in left_out), key=lambda pair: (-pair[1], pair[0]))


def check(found, expected, n):
    """Check rows and cosines. Rows may only change places if their cosines agree to the precision of float32."""
    cosine_of = dict(expected)
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected[:n]], abs=1e-6)
    assert [cosine_of[int(word[1:])] for word, _ in found] == pytest.approx([c for _, c in found], abs=1e-6)
    assert len({word for word, _ in found}) == len(found) == min(n, len(expected))
    keys = [(-cosine, int(word[1:])) for word, cosine in found]
    assert keys == sorted(keys)


CANDIDATES = {
    "all": (None, range(V)),
    "words": (["w5", "w300", "w5", "unknown", "w7", "w40", "w12"], [5, 7, 12, 40, 300]),
    "one": (["w7"], [7]),
    "rows": (np.arange(200, 20, -3), np.arange(200, 20, -3)),
    "range": (range(30, 90), range(30, 90)),
}


@pytest.mark.parametrize("n", [1, 10, 1000])
@pytest.mark.parametrize("name", CANDIDATES)
def test_neighbours_agree_with_a_dense_search(wv, name, n):
    candidates, rows = CANDIDATES[name]
    for word in (0, 5, 15, 40, 55, 65, 300, 332):
        direction = wv.unit[word].astype(np.float64)
        check(wv.similar(f"w{word}", n, candidates=candidates), dense(wv, direction, {word}, rows), n)
        check(wv.similar(direction, n, candidates=candidates), dense(wv, direction, set(), rows), n)
    a, b, c = (wv.unit[row].astype(np.float64) for row in (3, 7, 9))
    check(wv.analogy("w3", "w7", "w9", n, candidates=candidates), dense(wv, b - a + c, {3, 7, 9}, rows), n)


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("n", [3, 1000])
def test_many_have_the_bytes_of_one_by_one(wv, name, n, monkeypatch):
    queries = [*wv.words, ["w3", "w7"], wv.vectors[9], ["w1"]]
    candidates = CANDIDATES[name][0]
    one_by_one = [wv.similar(query, n, candidates=candidates) for query in queries]
    for threads in (1, 2, 8):
        monkeypatch.setattr(neighbours, "resolve_threads", lambda _, threads=threads: threads)
        words, cosines = wv.similar_to_each(queries, n, candidates=candidates)
        assert (words.dtype, cosines.dtype) == (object, np.float32)
        assert words.shape == cosines.shape == (len(queries), max(map(len, one_by_one)))
        for row, numbers, alone in zip(words, cosines, one_by_one, strict=True):
            k = len(alone)
            assert [*zip(row[:k].tolist(), numbers[:k].tolist(), strict=True)] == alone
            assert set(row[k:]) <= {None}
            assert np.isnan(numbers[k:]).all()


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("n", [1, 10, 40, 1000])
def test_neighbours_of_all_have_the_bytes_of_one_by_one(wv, n, dtype, monkeypatch):
    """Blocks and tiles end within panels, and the bounds from the first rows are loose."""
    for name, size in (("BLOCK", 96), ("TILE", 24), ("FIRST", 64)):
        monkeypatch.setattr(graph, name, size)
    rounded = wv.rounded(dtype)
    words, cosines = rounded.similar_to_each(wv.words, n)
    for threads in (1, 2, 8):
        monkeypatch.setattr(graph, "resolve_threads", lambda _, threads=threads: threads)
        blocks = [*graph.nearest_of_all(rounded, n)]
        assert [len(rows) for rows, _ in blocks] == [96, 96, 96, 45]
        assert np.concatenate([rounded.named(rows) for rows, _ in blocks]).tolist() == words.tolist()
        assert np.concatenate([numbers for _, numbers in blocks]).tobytes() == cosines.tobytes()


@pytest.mark.parametrize("factor", [1e-42, 1e38])
def test_one_query_finds_vectors_whose_products_underflow_or_overflow(factor):
    random = np.random.default_rng(3)
    vectors = random.uniform(-1, 1, (60, 5)).astype(np.float32)
    vectors[::2] *= np.float32(factor)
    wv = WordVectors(range(60), vectors)
    words, cosines = wv.similar_to_each(range(60), 4)
    for word in range(60):
        assert wv.similar(word, 4) == [*zip(words[word].tolist(), cosines[word].tolist(), strict=True)]


def test_equal_vectors_have_equal_cosines_in_the_order_of_rows():
    vectors = np.tile(np.random.default_rng(0).standard_normal((1, 50)), (2500, 1))
    wv = WordVectors(range(2500), vectors)
    words, cosines = wv.similar_to_each([2400, 2], 4)
    assert words.tolist() == [[0, 1, 2, 3], [0, 1, 3, 4]]
    assert np.ptp(cosines) == 0
    assert [word for word, _ in wv.similar(0, 3)] == [1, 2, 3]


def test_no_words_and_no_neighbours():
    wv = WordVectors(["a", "b"], [[1, 0], [1, 1]])
    for words, candidates, shape in (([], None, (0, 0)), (["a"], ["a"], (1, 0)), (["a", "b"], ["a"], (2, 1))):
        assert [each.shape for each in wv.similar_to_each(words, candidates=candidates)] == [shape, shape]
    assert wv.similar_to_each(["a", "b"], candidates=["a"])[0].tolist() == [[None], ["a"]]
    assert wv.similar("a", candidates=["a"]) == []
