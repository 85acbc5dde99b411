"""Word weights that are computed from a collection of documents for search."""

from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.vectors.weights import MASS, NOISE, PRIOR, weights
from wordsparse.words import text_source

SENTENCES = ["sun moon and star", "the moon, the star", "bread and milk", "milk egg and bread", "sun", "the egg"]
DOCUMENTS = [f"{one} {two}" for one in SENTENCES for two in SENTENCES] * 5
OPTIONS = {"tokens": "simple", "dim": 4, "epochs": 3, "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def model() -> ws.Model:
    return ws.train(iter(DOCUMENTS), kind="search", **OPTIONS)


def test_weights_by_hand(model: ws.Model) -> None:
    """A weight is 2 · idf/idf(0) · (cos/PRIOR)^(ρ/2), where cos is the mean cosine of the word and the other words of
    its documents, and ρ = L/(L + NOISE) for L other words on average."""
    unit, sif = model.wv.unit.astype(float), weights(model.wv.counts, len(model)).astype(float)
    documents = ["sun moon sun", "bread unknown", "moon milk egg", ""]
    holding, sums, occurrences = np.zeros((3, len(model)))
    for document in documents:
        rows = [model.wv.row(word) for word in document.split() if word in model]
        holding[list(set(rows))] += 1
        for place, row in enumerate(rows):
            if others := rows[:place] + rows[place + 1 :]:
                rest = sif[others] @ unit[others]
                sums[row] += unit[row] @ rest / np.linalg.norm(rest)
                occurrences[row] += 1
    idf, unseen = np.log(1 + (4 - holding + 0.5) / (holding + 0.5)), np.log(1 + 4.5 / 0.5)
    cos = np.maximum((sums + MASS * PRIOR) / (occurrences + MASS), 0)
    others = (3 * 2 + 1 * 0 + 3 * 2) / (3 + 1 + 3)
    expected = 2 * idf / unseen * (cos / PRIOR) ** (0.5 * others / (others + NOISE))
    np.testing.assert_allclose(model.fit_weights(documents).weights, expected, rtol=1e-5)


def test_an_unknown_word_has_half_the_weight_of_a_word_in_no_document(model: ws.Model) -> None:
    """Rare known words once weighed four times as much as unknown words, which spoilt search in short documents."""
    fitted = model.fit_weights(["bread and milk"] * 1000)
    assert fitted.weights is not None
    np.testing.assert_allclose(fitted.weights[fitted.wv.row("sun")], 2, rtol=1e-6)


def test_cosines_count_by_the_length_of_the_documents(model: ws.Model) -> None:
    """The cosine of a word and the mean of a few words is noisy. Documents of one word have no cosines."""
    alone, short, long = (model.fit_weights([f"{word} " * n for word in ("bread", "sun", "egg")]) for n in (1, 2, 200))
    weights = [fitted.weights[fitted.wv.row("bread")] for fitted in (alone, short, long) if fitted.weights is not None]
    idf = np.log(1 + 2.5 / 1.5) / np.log(1 + 3.5 / 0.5)
    cosine = [(n * 1 + MASS * PRIOR) / (n + MASS) / PRIOR for n in (2, 200)]
    exponents = [0.5 * (n - 1) / (n - 1 + NOISE) for n in (2, 200)]
    np.testing.assert_allclose(weights, 2 * idf * np.array([1, *np.power(cosine, exponents)]), rtol=1e-4)


def test_a_model_for_search_has_the_weights_of_its_text(
    model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ws.train(iter(DOCUMENTS), kind="sentences", **OPTIONS).weights is None
    np.testing.assert_allclose(model.weights, model.fit_weights(DOCUMENTS).weights, rtol=1e-6)
    monkeypatch.setattr(text_source, "COUNTED", 50)
    by_batches = ws.train(iter(DOCUMENTS), kind="search", output=tmp_path / "m", **OPTIONS)
    np.testing.assert_allclose(by_batches.weights, model.weights, rtol=1e-6)
    loaded = ws.load(tmp_path / "m", mapped=True)
    np.testing.assert_array_equal(loaded.encode(SENTENCES), by_batches.encode(SENTENCES))
    other = loaded.train(iter([*SENTENCES, "comet comet comet", "a comet"] * 9), min_count=1)
    np.testing.assert_allclose(
        other.weights, other.fit_weights([*SENTENCES, "comet comet comet", "a comet"] * 9).weights, rtol=1e-6
    )
    assert len(other) == len(model) + 2


def test_texts_are_encoded_by_the_weights(model: ws.Model) -> None:
    fitted = model.fit_weights(["bread and milk", "egg"])
    rows = [fitted.wv.row(word) for word in ("bread", "sun")]
    expected = fitted.wv.weights[rows] @ fitted.wv.unit[rows]
    np.testing.assert_allclose(fitted.encode("Bread, sun"), expected / np.linalg.norm(expected), rtol=1e-5)
    assert not np.allclose(fitted.encode("Bread, sun"), model.encode("Bread, sun"))
    assert fitted.vectors is model.vectors
    np.testing.assert_array_equal(fitted.wv.with_text().weights, fitted.weights)
