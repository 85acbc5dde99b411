"""BM25, and the one score of cosines and BM25, next to the package bm25s and to plain loops."""

import sys

import numpy as np
import pytest

from wordsparse.errors import InputError, MissingDependencyError
from wordsparse.tokens.languages import Language
from wordsparse.vectors import ranking
from wordsparse.vectors.ranking import Ranking, best
from wordsparse.vectors.word_index import K1, B, WordIndex
from wordsparse.vectors.word_vectors import WordVectors

RANDOM = np.random.default_rng(0)
DOCUMENTS = [[f"w{i}" for i in RANDOM.zipf(1.4, n) % 30] for n in (0, 1, 300, *RANDOM.integers(1, 40, 50))]
QUESTIONS = [["w1", "w2", "w29"], ["w1", "w1", "w3"], ["w7"], ["unknown", "w2"], ["unknown"], []]


def by_loops(documents, words):
    """Return b and b · share² of each document, by the formulas."""
    N, mean = len(documents), np.mean([len(document) for document in documents])
    holding = {word: sum(word in document for document in documents) for document in documents for word in document}
    idf = {word: np.log(1 + (N - n + 0.5) / (n + 0.5)) for word, n in holding.items()}
    total = sum(idf[word] for word in words if word in idf) or 1.0
    bm25, overlap = [], []
    for document in documents:
        parts = [(idf[word], document.count(word)) for word in words if word in document]
        penalty = K1 * (1 - B + B * len(document) / mean)
        b = sum((K1 + 1) * weight * times / (times + penalty) for weight, times in parts) / total
        asked = sum(weight for weight, _ in parts) / total
        size = sum(idf[word] for word in {*document}) * max(1, 3 / max(1, len({*document}))) or 1.0
        held = sum(idf[word] for word in {*words} & {*document}) / size
        bm25.append(b)
        overlap.append(b * max(asked, held) ** 2)
    return bm25, overlap


def test_the_formulas():
    index = WordIndex().added(DOCUMENTS)
    for words in QUESTIONS:
        for got, expected in zip(index.scores([[word] for word in words]), by_loops(DOCUMENTS, words), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_document_of_one_word_does_not_outrank_the_rarer_word():
    """Previously, "how to invert a matrix" found "matrix matrix matrix" first."""
    documents = ["matrix matrix matrix", "invert this transform now", "the matrix of a map", "a matrix", *["a map"] * 9]
    overlap = WordIndex().added([each.split() for each in documents]).scores([["invert"], ["matrix"]])[1]
    assert overlap[1] > overlap[0] > overlap[2]


def test_bm25_is_that_of_bm25s():
    bm25s = pytest.importorskip("bm25s", reason="bm25s is not installed")
    theirs, index = bm25s.BM25(k1=K1, b=B), WordIndex().added(DOCUMENTS)
    theirs.index([document or [""] for document in DOCUMENTS], show_progress=False)
    expected = theirs.get_scores(["w1", "w2", "w29"])
    got = index.scores([["w1"], ["w2"], ["w29"]])[0]
    assert np.argsort(-got, kind="stable")[:20].tolist() == np.argsort(-expected, kind="stable")[:20].tolist()


def test_documents_can_be_added_in_parts():
    whole, parts = WordIndex().added(DOCUMENTS), WordIndex()
    for start in range(0, len(DOCUMENTS), 7):
        before, parts = parts, parts.added(DOCUMENTS[start : start + 7])
        parts.scores([["w1"]])  # the index is used between additions
        assert len(before.postings(["w1"])[0]) <= len(before) == start
    for words in QUESTIONS:
        for a, b in zip(
            whole.scores([[word] for word in words]), parts.scores([[word] for word in words]), strict=True
        ):
            assert a.tobytes() == b.tobytes()
    assert WordIndex().scores([["w1"]])[0].shape == (0,)
    restored = WordIndex.of_state(*whole.state())
    restored, whole = (index.added(DOCUMENTS[:3]) for index in (restored, whole))
    assert restored.scores([["w1"], ["w2"]])[0].tobytes() == whole.scores([["w1"], ["w2"]])[0].tobytes()


@pytest.fixture
def ranked():
    vectors = WordVectors([f"w{i}" for i in range(30)], RANDOM.normal(size=(30, 5)))
    return Ranking(vectors).added([" ".join(document) for document in DOCUMENTS * 30])


def test_scores_do_not_depend_on_other_questions_or_threads(ranked, monkeypatch):
    questions = [" ".join(words) for words in QUESTIONS]
    together = ranked.parts(questions)
    monkeypatch.setattr(ranking, "resolve_threads", lambda threads: 1)
    for question, parts in zip(questions, together, strict=True):
        (alone,) = ranked.parts([question])
        assert [each.tobytes() for each in alone] == [each.tobytes() for each in parts]


def test_the_score(ranked):
    (parts,) = ranked.parts(["w1 w2"])
    expected = ranked.vectors.encode(["w1 w2"])[0] @ ranked.rows.T
    np.testing.assert_allclose(parts.cosine, expected, atol=1e-6)
    score = parts.cosine + 2 * parts.overlap
    is_blank = ~ranked.rows.any(axis=1)
    assert is_blank.any()
    np.testing.assert_array_equal(parts.score(2), np.where(is_blank, -np.inf, score))
    rows, scores = best(parts.score(2), 1000)
    np.testing.assert_array_equal(rows, np.argsort(-parts.score(2), kind="stable")[:1000])  # ties are ordered by row
    assert (np.diff(scores) <= 0).all()
    assert best(np.full(3, -np.inf), 5)[0].size == best(np.zeros(0), 5)[0].size == 0


@pytest.mark.parametrize("dim", [5, 100, 301])
def test_equal_documents_have_equal_scores(dim):
    """Previously, rounding broke ties between equal documents."""
    result = Ranking(WordVectors([f"w{i}" for i in range(30)], RANDOM.normal(size=(30, dim))))
    result = result.added(["w1 w2 w3"] * 3001)
    (parts,) = result.parts(["w1 w9"])
    assert len(set(parts.score().tolist())) == 1


def test_stems_without_stop_words():
    vectors = WordVectors(["the", "of", "maps", "earthquake", "plot"], RANDOM.normal(size=(5, 4)))
    documents = ["the plot of the map", "a plot", "maps and earthquakes", "earthquake map", "the of"]
    plain, stemmed = (Ranking(vectors, stem).added(documents) for stem in (None, "english"))
    (exact,), (both,) = (each.parts(["maps of earthquakes"]) for each in (plain, stemmed))
    assert exact.overlap[0] > 0  # the stop word counts
    assert both.overlap[0] < both.overlap[3] < both.overlap[2]
    assert both.overlap[1] == both.overlap[4] == 0
    assert stemmed.words("maps of earthquakes") == ["maps", "earthquakes"]
    assert stemmed.forms(["maps", "zebra"]) == [("map", "maps"), ()]
    assert stemmed.words("of the") == ["of", "the"]  # words are kept if all of them are stop words
    assert stemmed.parts(["of the"])[0].overlap[4] > 0


def test_refused_languages(monkeypatch):
    with pytest.raises(InputError, match=r"the language 'englisch' has no stemmer: .*english"):
        Language("englisch", [])
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(MissingDependencyError, match=r"stemming needs PyStemmer, .*wordsparse\[search\]"):
        Language("english", [])
