"""Texts, options and recipes of a run, in every form that is accepted or refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.topics import SMALL, Sentences, two_topics

import wordsparse as ws
from wordsparse.corpus.options import EncodeOptions
from wordsparse.counts.counting import CountOptions
from wordsparse.counts.source import PairOptions
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.graphs.options import GraphOptions
from wordsparse.layer import losses
from wordsparse.options import abouts
from wordsparse.training.options import TrainOptions
from wordsparse.training.request import request
from wordsparse.words import recipe
from wordsparse.words.options import MODELS, Options

pytestmark = pytest.mark.usefixtures("no_gpu")

TINY: dict[str, Sentences] = {
    "one sentence of two words": [["a", "b"]],
    "one word": [["a"]],
    "one word repeated": [["a"] * 50],
    "one word, many sentences": [["a"]] * 50,
    "no two words in a sentence": [["a"], ["b"], ["c"]] * 20,
    "a long start without pairs": [["a"]] * 20 + [["b", "c"]] * 20,
    "three words": [["a", "b", "c"]] * 100,
    "one frequent word": [["the", "a"] * 30, ["the", "b"]],
}


@pytest.mark.parametrize("sample", [0, 1e-3])
@pytest.mark.parametrize(("model", "loss"), [("cbow", "bounded-ns"), ("skipgram", "bounded-ns"), ("cbow", "squared")])
@pytest.mark.parametrize("name", TINY)
def test_tiny_texts_give_finite_vectors_or_a_clear_refusal(name: str, model: str, loss: str, sample: float) -> None:
    try:
        trained = ws.train(TINY[name], **{**SMALL, "sample": sample}, model=model, loss=loss)
    except WordsparseError:
        return
    assert np.isfinite(trained.vectors).all()
    assert np.isfinite(trained.report["loss"]).all()
    assert len(trained.wv) == len(trained)  # making wv checks the vectors again


NINE_DOCUMENTS = """human interface computer
survey user computer system response time
eps user interface system
system human system eps
user response time
trees
graph trees
graph minors trees
graph minors survey"""


@pytest.mark.parametrize("text", [[line.split() for line in NINE_DOCUMENTS.split("\n")], [["a", "b"]] * 100])
def test_texts_of_a_few_words_train_with_the_defaults(text: Sentences) -> None:
    """In such a short text every word is frequent, so subsampling must not remove all words."""
    model = ws.train(text, min_count=1)
    assert len(model.report["loss"]) == model.options["epochs"] == 20
    assert model.report["loss"][-1] < model.report["loss"][0]


@pytest.mark.parametrize("model", MODELS)
def test_a_row_of_text_of_weight_n_trains_as_n_rows(model: str) -> None:
    rows = [{"text": " ".join(sentence), "n": 1 + i % 3} for i, sentence in enumerate(two_topics(300))]
    repeated = [{"text": row["text"]} for times in (1, 2, 3) for row in rows if row["n"] >= times]
    how: dict[str, Any] = {**SMALL, "model": model, "column": "text", "heldout": 0.1, "progress": False}
    weighted, plain = ws.train(rows, weight_column="n", **how), ws.train(repeated, **how)
    np.testing.assert_array_equal(weighted.vectors, plain.vectors)
    assert weighted.report["heldout_loss"] == plain.report["heldout_loss"]
    np.testing.assert_array_equal(weighted.vocabulary.counts, plain.vocabulary.counts)
    baskets = [{"item": row["text"].split(), "n": row["n"]} for row in rows]
    with pytest.raises(InputError, match=r"weights of items .* need grouped rows"):
        ws.train(baskets, kind="items", column="item", weight_column="n")


def test_a_text_without_pairs_is_refused_with_what_to_give() -> None:
    with pytest.raises(TrainingError, match=r"no word among the 20 tokens .*: give longer sentences .*, or a smaller"):
        ws.train([["a"], ["b"]] * 10, min_count=1, epochs=1)
    with pytest.raises(TrainingError, match="a smaller min_count, sample=0, more max_tokens"):
        ws.train([["a"], ["b"]] * 5000, epochs=1, max_tokens=3, sample=2e-4)


def test_numpys_numbers_as_options_are_stored_with_the_model(tmp_path: Path) -> None:
    """The json module cannot write NumPy's numbers, so a run must convert them before it stores options."""
    options = {"dim": np.int64(4), "epochs": np.int32(1), "sample": np.float32(1e-3), "min_count": np.int64(1)}
    model = ws.train(two_topics(40), **options, seed=np.uint8(2), max_vocab=np.int16(9), output=tmp_path / "model")
    assert ws.load(tmp_path / "model").options == model.options
    assert {type(value) for value in model.options.values()} <= {int, float, str, bool, type(None)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("edge", [{"dim": 1}, {"dim": 64}, {"window": 255}, {"batch_tokens": 1}, {"epochs": 40}])
def test_extreme_options_train(edge: dict[str, Any], model: str) -> None:
    trained = ws.train(two_topics(20), **{**SMALL, **edge}, model=model)
    assert np.isfinite(trained.vectors).all()
    assert np.isfinite(trained.report["loss"]).all()


def test_iterables_files_and_encoded_text_train_alike(tmp_path: Path) -> None:
    text = two_topics(60)
    path, halves = tmp_path / "text.txt", [tmp_path / "1.txt", tmp_path / "2.txt"]
    lines = [" ".join(sentence) + "\n" for sentence in text]
    path.write_text("".join(lines))
    halves[0].write_text("".join(lines[:20]))
    halves[1].write_text("".join(lines[20:]))
    corpus = ws.encode(text, tmp_path / "encoded", min_count=1)
    options = {**SMALL, "epochs": 1}
    unasked = {name: value for name, value in options.items() if name != "min_count"}
    wanted = ws.train(text, **options).vectors.tobytes()
    for given in ((sentence for sentence in text), map(tuple, text), path, str(path), halves):
        assert ws.train(given, **options).vectors.tobytes() == wanted
    for form in (corpus, tmp_path / "encoded", str(tmp_path / "encoded"), [tmp_path / "encoded"]):
        assert ws.train(form, **unasked).vectors.tobytes() == wanted
    assert ws.train(corpus, **options).vectors.tobytes() == wanted  # the corpus's own min_count may be given


@pytest.mark.parametrize("kind", [TrainOptions, EncodeOptions, CountOptions, GraphOptions, PairOptions])
def test_none_asks_for_the_default_of_every_option(kind: Any) -> None:
    """Previously, seven options refused None."""
    assert kind(**dict.fromkeys(abouts(kind))) == kind()


@pytest.mark.parametrize("kind", ["text", "items"])
def test_none_asks_for_the_default_of_the_kind_of_data(kind: str) -> None:
    text = two_topics(20)
    plain = request(text, {"kind": kind})
    names = abouts(TrainOptions).keys() - {"kind"}
    assert request(text, {"kind": kind, **dict.fromkeys(names)}) == plain
    assert request(text, {"kind": None}) == request(text, {})
    assert plain.reading == {}


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_vocab": 0}, "max_vocab"),
        ({"checkpoint_every": -1}, "checkpoint_every"),
        ({"resume": True}, "resume needs an output"),
    ],
)
def test_bad_requests_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.train(two_topics(20), **{**SMALL, **options})


# ── recipes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Huber(losses.Taylor):
    """A user's own loss with the same formula as the loss ``taylor``, so it must give the same model."""

    name = "huber"


def test_a_given_recipe_is_used_and_stored() -> None:
    default, text = recipe.recommended("cbow", "taylor"), two_topics(60)
    plain = ws.train(text, **SMALL, loss="taylor")
    assert plain.options["recipe"] is None
    same = ws.train(text, **SMALL, loss="taylor", recipe=default)
    assert same.vectors.tobytes() == plain.vectors.tobytes()
    own = ws.train(text, **SMALL, loss="huber", recipe=replace(default, loss=Huber()))
    assert own.options["recipe"]["loss"] == {"name": "huber", "text": "Huber()"}
    np.testing.assert_allclose(own.report["loss"], plain.report["loss"], rtol=1e-4)
    other = ws.train(text, **SMALL, loss="taylor", recipe=replace(default, measure_power=0.75))
    assert other.vectors.tobytes() != plain.vectors.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "fast"}, "recipe must be a wordsparse.Recipe, not str"),
        ({"loss": "squared"}, "loss is squared, but the recipe is for bounded-ns: leave out loss"),
        ({"loss": losses.BoundedNS(9)}, "loss and the loss of the recipe are different objects"),
    ],
)
def test_recipes_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**{"recipe": recipe.recommended("cbow", "bounded-ns"), **options})


RAW = ["The cat, sat.", "the DOG sat"] * 10
ONCE = {"min_count": 1, "epochs": 1, "dim": 3}


@pytest.mark.parametrize(
    "corpus",
    [RAW, iter(RAW), pd.Series([float("nan"), *RAW]), pd.DataFrame({"text": RAW}), [{"text": text} for text in RAW]],
)
def test_raw_texts_are_split_by_a_tokeniser_that_is_named(corpus: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Previously, a Series was refused, a list of str was a list of paths, and cells were split at white space."""
    column = (
        {} if isinstance(corpus, pd.Series) or corpus is RAW or isinstance(corpus, Iterator) else {"column": "text"}
    )
    model = ws.train(corpus, **ONCE, **column)
    assert set(model.vocabulary.words) == {"the", "cat", "sat", "dog"}
    assert "the tokeniser simple splits the texts" in caplog.text
    assert model.split.tokens == "simple"


def test_documents_to_be_searched_are_split_by_a_tokeniser(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(RAW), "utf-8")
    searched = ws.train(tmp_path / "text.txt", kind="search", **ONCE)
    assert set(searched.vocabulary.words) == {"the", "cat", "sat", "dog"}
    assert "DOG" in ws.train(tmp_path / "text.txt", **ONCE).vocabulary
    assert "DOG" in ws.train(tmp_path / "text.txt", kind="search", tokens="split", **ONCE).vocabulary


def test_a_table_without_columns_is_answered_with_its_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"film": ["a"], "user_id": [1], "watched_at": [3]})
    with pytest.raises(InputError, match="its columns are 'film', 'user_id', 'watched_at'"):
        ws.train(frame)
    frame.to_csv(tmp_path / "log.csv", index=False)
    line = "--for sessions --column film --group-by user_id --order-by watched_at -o MODEL"
    with pytest.raises(InputError, match=f"{line} .column='film', group_by='user_id', order_by='watched_at'"):
        ws.train(tmp_path / "log.csv", kind="sessions")
    with pytest.raises(InputError, match="--for items --column film --group-by user_id -o MODEL"):
        ws.train(tmp_path / "log.csv", kind="items")
