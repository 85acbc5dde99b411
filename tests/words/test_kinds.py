"""Presets for sequences that are not language."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.counts.source import CountSource, PairOptions
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.graphs.options import GraphOptions
from wordsparse.graphs.source import GraphSource
from wordsparse.words import coordinates
from wordsparse.words.kinds import BASKET_WINDOW, GENERAL, KINDS, SENTENCE_FORM, SENTENCE_WINDOW
from wordsparse.words.options import MOST_EPOCHS, Options
from wordsparse.words.recipe import MAX_RATIO, recommended

# The walks go around a ring of 20 nodes, in both directions.
random = np.random.default_rng(1)
WALKS = [
    [f"n{(start + step * way) % 20}" for step in range(12)]
    for start, way in zip(random.integers(20, size=300), random.choice([-1, 1], 300), strict=True)
]


def test_a_preset_gives_defaults_for_what_is_not_given() -> None:
    items = Options(kind="items")
    assert (items.window, items.sample, items.used_recipe().distances) == (BASKET_WINDOW, 0, "equal")
    walks = Options(kind="walks", window=3, model="skipgram")
    assert (walks.window, walks.sample, walks.used_recipe().distances) == (3, 0, "linear")
    kinds = [*KINDS, *SOURCES]
    negatives = [Options(model="cbow", kind=kind).used_recipe().as_dict()["loss"]["negatives"] for kind in kinds]
    assert dict(zip(kinds, negatives, strict=True)) == {**dict.fromkeys(kinds, 5), "walks": 20, "graph": 20}
    sentences = Options(kind="sentences")
    assert (sentences.window, sentences.sample, sentences.form) == (SENTENCE_WINDOW, 1e-3, SENTENCE_FORM)
    assert Options(kind="text") == Options()
    assert walks.as_dict()["kind"] == "walks"
    for wrong in ("graphs", []):
        with pytest.raises(InputError, match="kind must be one of text, sentences, search, items"):
            Options(kind=wrong)


def test_a_source_given_as_an_object_and_by_name_trains_alike(tmp_path: Path) -> None:
    """Previously, a source that was passed as an object got the defaults of text, except for the epochs."""
    edges = [(f"n{i}", f"n{(i * step) % 20}") for i in range(20) for step in (2, 3, 7)]
    counted = tmp_path / "t.csv"
    counted.write_text("word,context,count\n" + "".join(f"{a},{b},{i}.5\n" for i, (a, b) in enumerate(edges)))
    sources = {
        "graph": (edges, lambda: GraphSource(edges, GraphOptions())),
        "counts": (counted, lambda: CountSource(counted, PairOptions())),
    }
    for name, (given, make) in sources.items():
        by_name, by_object = ws.train(given, kind=name, dim=4), ws.train(make(), dim=4)
        assert by_object.options == by_name.options
        assert by_object.vectors.tobytes() == by_name.vectors.tobytes()
        assert by_object.train(make(), epochs=7).options == by_name.train(given, epochs=7).options
    with pytest.raises(InputError, match="the corpus is a source of its own"):
        ws.train(GraphSource(edges, GraphOptions()), kind="items")


def test_a_short_text_gets_more_epochs() -> None:
    """With five epochs, a model of 256,000 purchases predicted half as many next items as with more epochs."""
    text = [["a", "b", "c"]] * 10
    epochs = [
        ws.train(text, kind=kind, dim=2, min_count=1).options["epochs"]
        for kind in ("text", "sentences", "items", "walks")
    ]
    assert epochs == [MOST_EPOCHS, MOST_EPOCHS, MOST_EPOCHS, GENERAL["epochs"]]


def test_edges_given_as_walks_are_refused() -> None:
    edges = [["a", "b"], ["b", "c"], ["c", "a"]] * 2000
    with pytest.raises(InputError, match="--for"):
        ws.train(edges, kind="walks", dim=2, epochs=1)
    ws.train([*edges, ["a"], ["a", "b", "c"]], kind="items", dim=2, epochs=1)
    ws.train([["a"], ["a", "b", "c"], *edges], kind="walks", dim=2, epochs=1)


@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_sessions_predict_the_item_after_an_item_not_the_item_before(model: str) -> None:
    sessions = [[f"n{(start + step) % 20}" for step in range(6)] for start in random.integers(20, size=400)]
    both, after = (ws.train(sessions, kind=kind, model=model, dim=8) for kind in ("items", "sessions"))
    for i in range(20):
        nexts = [item for item, _ in after.predict([f"n{i}"], 3)]
        assert f"n{(i + 1) % 20}" in nexts
        assert f"n{(i - 1) % 20}" not in nexts
    assert (both.options["direction"], after.options["direction"]) == ("both", "after")


@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_near_nodes_of_a_graph_are_alike(model: str) -> None:
    # With the defaults of text, a node was as similar to nodes two steps away as to its neighbours.
    trained = ws.train(WALKS, kind="walks", model=model, window=2, dim=8, epochs=50)
    unit = trained.wv.unit[[trained.wv.row(f"n{node}") for node in range(20)]]
    one, two, five = (np.sum(unit * np.roll(unit, steps, axis=0)) / 20 for steps in (1, 2, 5))
    assert one > two + 0.1 > five + 0.2


@pytest.mark.parametrize(
    ("kind", "export"),
    [("text", {"turn": 0.75}), ("items", {"turn": 0}), ("walks", {"turn": 0, "exponent": 1.5, "popularity": 0.05})],
)
def test_a_preset_chooses_the_export(kind: str, export: dict[str, float]) -> None:
    model = ws.train(WALKS, kind=kind, window=2, min_count=1, dim=8, form=0)
    rows = model.input_rows, model.output_rows[:, :8], model.vocabulary.counts
    expected, _ = coordinates.combined(*rows, **export)
    coordinates.multiply(expected, coordinates.principal_axes(expected, 1), 1)
    np.testing.assert_array_equal(model.vectors, expected)


def test_whole_baskets_are_windows(tmp_path: Path) -> None:
    """The order of items in a basket has no meaning: the first and last items are as related as neighbours."""
    baskets = [[f"{basket}.{item}" for item in random.permutation(9)] for basket in random.integers(5, size=300)]
    path = tmp_path / "baskets.txt"
    path.write_text("".join(" ".join(basket) + "\n" for basket in [*baskets, ["once", "1.1"]]))
    model = ws.train(path, kind="items", dim=8, epochs=10, output=tmp_path / "model")
    assert "once" in model.vocabulary
    again = ws.load(tmp_path / "model")
    np.testing.assert_array_equal(again.vectors, model.vectors)
    for basket in range(5):
        nearest = {key for key, _ in again.wv.similar(f"{basket}.0", 8)}
        assert nearest - {"once"} <= {f"{basket}.{item}" for item in range(9)}


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 0.75])
def test_any_power_of_the_counts_is_a_base_measure(power: float) -> None:
    # Previously, training diverged with power -0.5 and skewed counts: a word's measure was 1e-6 of its frequency.
    counts = np.array([100_000, 300, 30, 3, 1])
    recipe = Options(measure_power=power).used_recipe()
    assert recipe.measure_power == power
    measure = recipe.base_measure(counts)
    plain = counts.astype(float) ** power
    assert (measure >= plain).all()
    assert (counts / counts.sum() <= 1.001 * MAX_RATIO * measure / plain.sum()).all()
    np.testing.assert_array_equal(measure[2:], plain[2:])


@pytest.mark.parametrize("power", [1e3, -1e3, float("nan")])
def test_powers_beyond_float64_are_refused(power: float) -> None:
    with pytest.raises(InputError, match="measure_power"):
        replace(recommended("cbow", "bounded-ns"), measure_power=power).base_measure(np.array([9, 5]) * 1000)
