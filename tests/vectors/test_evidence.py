"""Neighbours ranked by evidence, compared with cosines and factors in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.vectors import graph
from wordsparse.vectors.evidence import DOUBT, FEW, SHARE
from wordsparse.vectors.ngrams import Buckets, NgramVectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

V, D = 333, 16


@pytest.fixture(scope="module")
def wv() -> WordVectors:
    """Vectors of any length, with zero vectors and duplicates. Counts are not in order; some are 0."""
    random = np.random.default_rng(5)
    vectors = random.standard_normal((V, D)) * random.uniform(0.1, 9, (V, 1))
    vectors[10:20], vectors[300:] = 0, vectors[:33]
    counts = np.rint(10 ** random.uniform(0, 7, V)).astype(np.int64)
    counts[[7, 301]] = 0
    return WordVectors([f"w{i}" for i in range(V)], vectors, counts)


def expected(wv: WordVectors, direction: Any, left_out: set[int], doubt: float, rows: Any = None) -> list[str]:
    assert wv.counts is not None
    n = np.where(wv.counts > 0, wv.counts, np.inf)
    cosines = wv.vectors.astype(np.float64) @ direction / wv.divisors / np.linalg.norm(direction)
    scores = cosines / np.sqrt(1 + doubt / n)
    chosen = range(V) if rows is None else rows
    return [f"w{row}" for row in sorted(set(chosen) - left_out, key=lambda row: (-scores[row].round(7), row))]


def words_of(found: list[tuple[Any, float]]) -> list[Any]:
    return [word for word, _ in found]


@pytest.mark.parametrize("rows", [None, range(30, 320, 3)])
def test_neighbours_are_ranked_by_cosine_and_evidence(wv: WordVectors, rows: Any) -> None:
    """The query is a word with a count from 0 to 10⁷, several words, or a vector."""
    assert wv.counts is not None
    plain, usual = WordVectors(wv.words, wv.vectors), DOUBT * wv.counts.sum()
    for word in (0, 7, 100, 200, 332):
        direction, doubt = wv.unit[word].astype(np.float64), min(usual, SHARE * wv.counts[word])
        order = expected(wv, direction, {word}, doubt, rows)[:40]
        found = wv.similar(f"w{word}", 40, candidates=rows)
        assert words_of(found) == order
        cosines = [wv.similarity(f"w{word}", near) for near in order]
        assert [cosine for _, cosine in found] == pytest.approx(cosines, abs=1e-6)
        vector = expected(wv, direction, set(), usual, rows)[:40]
        assert words_of(wv.similar(direction, 40, candidates=rows)) == vector
        by_cosine = wv.similar(f"w{word}", 40, candidates=rows, evidence=False)
        assert by_cosine == plain.similar(f"w{word}", 40, candidates=rows)
    both, rarest = wv.unit[100].astype(np.float64) + wv.unit[200], min(wv.counts[100], wv.counts[200])
    order = expected(wv, both, {100, 200}, min(usual, SHARE * rarest), rows)
    assert words_of(wv.similar(["w100", "w200"], 40, candidates=rows)) == order[:40]


def test_answers_to_analogies_have_a_doubt_of_their_own(wv: WordVectors) -> None:
    a, b, c = (wv.unit[row].astype(np.float64) for row in (3, 6, 9))
    assert words_of(wv.analogy("w3", "w6", "w9", 40)) == expected(wv, b - a + c, {3, 6, 9}, FEW)[:40]
    plain = wv.analogy("w3", "w6", "w9", 40, evidence=False)
    assert words_of(plain) == expected(wv, b - a + c, {3, 6, 9}, 0)[:40]


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_neighbours_of_all_have_the_bytes_of_one_by_one(
    wv: WordVectors, n: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("BLOCK", 96), ("TILE", 24), ("FIRST", 64)):
        monkeypatch.setattr(graph, name, size)
    rounded = wv.rounded(dtype)
    words, cosines = rounded.similar_to_each(wv.words, n)
    doubts = np.array([rounded.doubt_of([row]) for row in range(V)])
    blocks = [*graph.nearest_of_all(rounded, n, doubts)]
    assert np.concatenate([rounded.named(rows) for rows, _ in blocks]).tolist() == words.tolist()
    assert np.concatenate([numbers for _, numbers in blocks]).tobytes() == cosines.tobytes()
    for word in (0, 7, 301):
        near, numbers = map(list, zip(*rounded.similar(f"w{word}", n), strict=True))
        assert near == [other for other in words[word].tolist() if other is not None]
        assert numbers == cosines[word, : len(near)].tolist()


def test_some_words_keep_the_evidence_of_the_text(wv: WordVectors) -> None:
    some = wv.selected(np.arange(20, 100))
    assert some.doubt == wv.doubt
    assert some.similar("w25", 5) == wv.similar("w25", 5, candidates=range(20, 100))


@pytest.mark.parametrize("counts", [None, [0, 0, 0], [3, 2, 1], [2, 1, 0]])
def test_without_counts_words_are_ranked_by_cosine(counts: Any) -> None:
    """gensim gives to the V words of a file without counts the counts V … 1, and 0 to words that are added."""
    wv = WordVectors("abc", [[1, 0], [1, 2], [1, 1]], counts)
    assert wv.rarity is None
    assert words_of(wv.similar("a")) == ["c", "b"]
    with pytest.raises(InputError, match="counts"):
        wv.with_evidence()


@pytest.mark.parametrize("format", ["npz", "safetensors"])
def test_files_keep_the_ranking(wv: WordVectors, tmp_path: Path, format: str) -> None:
    """Some words are ranked as among all words, and nodes of a graph by cosine."""
    some = wv.selected(np.arange(20, 100))
    (path,) = some.export(tmp_path / "some", format)
    assert read_vectors(path).similar("w25", 5) == some.similar("w25", 5)
    edges = [(f"a{i}", f"a{(i + j) % 60}") for i in range(60) for j in (1, 2)] + [("hub", f"a{i}") for i in range(60)]
    nodes = ws.train(edges, kind="graph", dim=8, progress=False).wv
    assert nodes.similar("a3") == nodes.similar("a3", evidence=False)
    (path,) = nodes.export(tmp_path / "nodes", format)
    assert read_vectors(path).similar("a3") == nodes.similar("a3")


@pytest.mark.parametrize("doubt", [np.array([1.0, 2.0]), np.array(-1.0), np.array(np.nan), np.array("x")])
def test_a_damaged_doubt_is_refused(tmp_path: Path, doubt: Any) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(["a"]), vectors=np.ones((1, 2), np.float32), counts=np.array([3]), doubt=doubt)
    with pytest.raises(InputError, match="doubt"):
        read_vectors(path)


def test_a_composed_vector_has_neighbours_by_cosine() -> None:
    """A rare word of the same spelling is nearer than a frequent word."""
    wv = WordVectors(["the", "threaded"], [[1, 0.9], [0, 1]], [10**6, 5])
    wv.ngrams = NgramVectors(Buckets(20, 3, 4), np.zeros((20, 2), np.float32), np.array([0.3, 1], np.float32))
    assert words_of(wv.similar("threading")) == ["threaded", "the"]


def test_lengths_are_evidence_and_rank_by_inner_product(wv: WordVectors) -> None:
    made, direction = wv.with_evidence(), wv.unit[100]
    assert (made.norms <= 1 + 1e-6).all()
    scores = made.vectors @ direction
    assert [wv.words[row] for row in np.argsort(-scores)[:30]] == words_of(wv.similar(direction, 30))
    assert words_of(made.similar("w100", 30)) == words_of(wv.similar("w100", 30))
