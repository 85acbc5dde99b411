"""Inferred vectors of new words minimise losses that are summed over the vocabulary. Bad requests are refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.unseen import infer, solver
from wordsparse.unseen.objective import RIDGE, Objective
from wordsparse.words import coordinates
from wordsparse.words.examples import distance_weights
from wordsparse.words.kinds import kind_of

TOPICS = ["sun moon star sky night light", "bread milk egg flour sugar oven", "ship sea port wave sail storm"]
OPTIONS: dict[str, Any] = {"dim": 6, "epochs": 3, "threads": 1, "min_count": 1, "sample": 0.05}


def sentences(n: int = 300, seed: int = 0) -> list[list[str]]:
    random = np.random.default_rng(seed)
    return [random.choice(TOPICS[i % 3].split(), 7).tolist() for i in range(n)]


@pytest.fixture(scope="module")
def models() -> dict[str, ws.Model]:
    made = {kind: ws.train(sentences(), model=kind, **OPTIONS) for kind in ("skipgram", "cbow")}
    made["one-way"] = ws.train(sentences(), model="skipgram", direction="after", **OPTIONS)
    return {**made, "walks": ws.train(sentences(), model="skipgram", kind="walks", **OPTIONS)}


@pytest.fixture
def converged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "STEPS", 100)


def dense_input(model: ws.Model, pairs: list[tuple[str, float]], rho: float) -> np.ndarray:
    """Return the row a, in canonical coordinates and scaled to a unit vector, that minimises the loss of h = (a, 1)."""
    counts = np.asarray(model.vocabulary.counts, float)
    measure = np.sqrt(counts) / np.sqrt(counts).sum()
    W = model.output_rows / np.sqrt(measure)[:, None]
    loss: Any = Objective(model).recipe.loss
    k, lam = loss.negatives, np.tanh(loss.touching / 2) / (4 * loss.touching)
    c = coordinates.canonical(
        coordinates.gram(model.input_rows, counts / counts.sum()), coordinates.gram(model.output_rows[:, :-1])
    )
    to_input = np.linalg.inv(c.inputs)

    def cost(a: np.ndarray) -> float:
        o = W[:, :-1] @ (a @ to_input) + W[:, -1]
        negative = k * (measure @ (o / 2 + lam * o**2))
        losses = [y * (np.logaddexp(0, -o[model.vocabulary[word]]) + negative) for word, y in pairs]
        return float(0.5 * rho * a @ a + sum(losses))

    a = minimize(cost, np.zeros(model.dim), tol=1e-12).x
    return np.asarray(a / np.linalg.norm(a))


def keep(model: ws.Model) -> dict[str, float]:
    counts = np.asarray(model.vocabulary.counts, float)
    rarity = OPTIONS["sample"] * counts.sum() / counts
    return dict(zip(model.vocabulary.words, np.minimum(np.sqrt(rarity) + rarity, 1), strict=True))


def test_no_token_of_a_short_text_is_subsampled() -> None:
    model = ws.train(sentences(30), **{**OPTIONS, "sample": 1e-4})
    assert Objective(model).keep.tolist() == [1.0] * len(model)


def bag(model: ws.Model, words: list[str], place: int) -> np.ndarray:
    """Return the weighted mean of the input rows of the words around a position."""
    weights, kept = distance_weights(5, Objective(model).recipe.distances), keep(model)
    end = place if model.options["direction"] == "after" else len(words)
    around = [j for j in range(end) if j != place and abs(place - j) <= 5]
    shares = [kept[words[j]] * weights[abs(place - j) - 1] for j in around]
    rows = [model.input_rows[model.vocabulary[words[j]]] for j in around]
    return np.asarray(np.average(rows, axis=0, weights=shares))


def input_pairs(model: ws.Model, texts: list[list[str]]) -> list[tuple[str, float]]:
    """Return each context word of "comet" in the sentences, and its weight."""
    weights, kept = distance_weights(5, Objective(model).recipe.distances), keep(model)
    return [
        (word, kept[word] * weights[abs(i - words.index("comet")) - 1])
        for words in texts
        for i, word in enumerate(words)
        if 0 < abs(i - words.index("comet")) <= 5 and (i > words.index("comet") or model.options["direction"] == "both")
    ]


def dense_output(model: ws.Model, texts: list[list[str]]) -> np.ndarray:
    """Return the output row of "comet" in the basis of training, up to a factor and without its bias. This row b
    minimises Σ softplus(−b·h) + N π (½ K h̄·b + K λ bᵀ C̄ b), with π ∝ nᵖ and N tokens in the whole text."""
    kept = keep(model)
    recipe, counts = Objective(model).recipe, np.asarray(model.vocabulary.counts, float)
    loss: Any = recipe.loss
    rows = [bag(model, words, words.index("comet")) for words in texts]
    pairs = sum(n * kept[word] for word, n in zip(model.vocabulary.words, counts, strict=True))
    mass = pairs * float(recipe.base_measure(np.array([len(texts)]))[0] / recipe.base_measure(counts).sum())
    state = model.trained().state
    second = state["curvature"] / state["pair_curvature"]
    # The ridge is a fraction of the trace of C̄ in canonical coordinates.
    c = coordinates.canonical(
        coordinates.gram(model.input_rows, counts / counts.sum()), coordinates.gram(model.output_rows[:, :-1])
    )
    to_canonical = np.eye(model.dim + 1)
    to_canonical[:-1, :-1] = np.linalg.inv(c.inputs)
    canonical = np.linalg.inv(to_canonical).T @ second @ np.linalg.inv(to_canonical)
    ridged = second + RIDGE * np.trace(canonical) / (model.dim + 1) * to_canonical.T @ to_canonical
    lam = np.tanh(loss.touching / 2) / (4 * loss.touching)

    def cost(b: np.ndarray) -> float:
        total = mass * loss.negatives * (second[:, -1] @ b / 2 + lam * b @ ridged @ b)
        return float(total + sum(np.logaddexp(0, -(h @ b[:-1] + b[-1])) for h in rows))

    return np.asarray(minimize(cost, np.zeros(model.dim + 1), tol=1e-12).x[:-1])


FEW = [["sun", "comet", "moon"], ["sky", "star", "comet"]]
MANY = [*FEW, ["night", "comet", "light"]] * 2
MANY[-1] = ["ship", "sky", "light", "comet", "sun", "moon", "star", "milk", "sugar"]


@pytest.mark.usefixtures("converged")
@pytest.mark.parametrize("texts", [FEW, MANY])
@pytest.mark.parametrize("kind", ["skipgram", "cbow", "one-way", "walks"])
def test_the_rows_of_a_new_word_are_the_minima_of_the_dense_loss(
    models: dict[str, ws.Model], kind: str, texts: list[list[str]]
) -> None:
    model, objective = models[kind], Objective(models[kind])
    maps = objective.maps
    a = dense_input(model, input_pairs(model, texts), objective.doubt) * maps.inputs
    b = dense_output(model, texts) @ maps.canonical.outputs * maps.outputs
    expected = a / np.linalg.norm(a) + b / np.linalg.norm(b) @ maps.turned
    popularity = kind_of(model.options.get("kind", "text")).export.get("popularity", 0)
    expected[-1] += popularity * (np.log(len(texts)) - np.log(model.vocabulary.counts).mean())
    expected = expected / np.linalg.norm(expected) @ maps.axes
    given = [["bread", "star"], *texts[:-1], [*texts[-1], "nowhere"]]
    np.testing.assert_allclose(model.infer("comet", given), expected, atol=5e-3)


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_words_of_many_occurrences_are_inferred_near_their_topic(
    models: dict[str, ws.Model], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that are inferred together, 24 occurrences at a time, get the same vectors as words inferred alone."""
    monkeypatch.setattr(infer, "_TOGETHER", 24)
    model = models[kind]
    new = {"comet": 0, "yeast": 1, "anchor": 2}
    random = np.random.default_rng(5)
    texts = []
    for word, topic in new.items():
        for _ in range(12):
            texts.append([*random.choice(TOPICS[topic].split(), 3), word, *random.choice(TOPICS[topic].split(), 3)])
    found = infer.infer(model, texts, list(new))
    assert found.words == list(new)
    assert found.counts.tolist() == [12, 12, 12]
    for word, topic in new.items():
        near = [model.wv.words[row] for row in np.argsort(-(model.wv.unit @ found[word]))[:3]]
        assert set(near) <= set(TOPICS[topic].split())
        np.testing.assert_allclose(model.infer(word, texts), found[word], atol=1e-5)


def test_ngrams_draw_a_word_of_few_occurrences(models: dict[str, ws.Model]) -> None:
    model = models["skipgram"].fit_ngrams(2, 3)
    texts = [["bread", "sunlight", "milk"]]
    composed = model.ngrams.vectors.vector("sunlight")
    plain = models["skipgram"].infer("sunlight", texts)
    share = model.ngrams.strength + model.ngrams.tau
    expected = plain + share * (composed - model.ngrams.vectors.mean)
    np.testing.assert_allclose(model.infer("sunlight", texts), expected / np.linalg.norm(expected), atol=1e-5)


def scaled(model: ws.Model, factor: float) -> ws.Model:
    return replace(model, output_rows=model.output_rows * np.float32(factor))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (lambda m: m.infer("", sentences(3)), "is not a word"),
        (lambda m: m.infer("two words", sentences(3)), "is not a word"),
        (lambda m: m.infer("comet", sentences(3)), "no sentence has 'comet' near a known word"),
        (lambda m: m.infer("comet", [["comet"], ["comet", "unknown"]]), "near a known word"),
        (lambda m: replace(m, training=None).infer("comet", FEW), "has only its vectors"),
        (lambda m: replace(m, options={**m.options, "loss": "taylor"}).infer("comet", FEW), "bounded-ns"),
        # Previously, the vectors of new words were NaN, with a RuntimeWarning of NumPy.
        (lambda m: scaled(m, 1e30).infer("comet", FEW), "the model's numbers overflow, or are all zero"),
        (lambda m: scaled(m, 0).infer("comet", FEW), "the model's numbers overflow, or are all zero"),
        (lambda m: m.encode(np.array("sun")), "give texts, not array"),
        (lambda m: m.encode(None), "must be an iterable of texts, not None"),
    ],
)
def test_words_that_cannot_be_inferred(
    models: dict[str, ws.Model], request_: Callable[[ws.Model], object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        request_(models["skipgram"])


def test_newton_steps_from_large_outputs_do_not_overshoot() -> None:
    # Full Newton steps from these outputs would reach regions where σ(−o) is flat, and oscillate.
    row = np.array([[1.0]])
    for offset in (-50.0, 50.0, 0.0):
        args = row, np.ones(1), np.array([offset]), np.array([0]), np.zeros((1, 1)), np.full((1, 1), 1e-3)
        v = solver.minimise(*args)[0, 0]
        at = [np.logaddexp(0, -(x + offset)) + 0.5e-3 * x**2 for x in (0.0, v)]
        assert np.isfinite(v)
        assert at[1] <= at[0]
