"""Calls and commands known from other tools work as people expect, or a message names the wordsparse equivalent."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.gensim import FastText, KeyedVectors, Word2Vec
from wordsparse.labels import TextClassifier

TEXT = [["a", "cat", "sat"], ["the", "dog", "sat"]] * 30
SHORT: dict[str, Any] = {"dim": 3, "epochs": 1, "min_count": 1, "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def model() -> ws.Model:
    return ws.train(TEXT, **SHORT)


OF_GENSIM = {"vector_size": 3, "min_count": 1, "epochs": 1}
ASKED: dict[str, tuple[Callable[[ws.Model], Any], str]] = {
    "a missing sentence": (lambda model: model.infer("cats", ["cats sat", None]), r"sentence 1 must be a text.*None"),
    "one test set": (lambda model: ws.evaluate(model, pairs="a.tsv"), r"not one path: give \['a\.tsv'\]"),
    "a missing text": (lambda model: model.encode(["a cat", float("nan")]), r"document 1 must be a text.*nan.*fillna"),
    "vectors that are not normalised": (lambda model: model.encode([], normalize=False), "have length one"),
    "another habit": (lambda model: model.encode([], show_progres=3), "did you mean show_progress_bar"),
    "no number": (lambda model: KeyedVectors.of(model.wv).most_similar("cat", topn="3"), "topn must be a whole number"),
    "a truth": (lambda model: ws.train(TEXT, epochs=True), "epochs must be a whole number, not True"),
    "quiet": (lambda model: ws.train(TEXT, quiet=True), "did you mean progress?"),
    "rows of n-grams": (lambda _: FastText(TEXT, **OF_GENSIM).wv.vectors_ngrams, "a row of its own"),
    "lengths of n-grams": (lambda _: FastText(TEXT, **OF_GENSIM).wv.min_n, "wv.ngrams.index"),
    "a generator": (lambda _: hasattr(w2v := Word2Vec(TEXT, **OF_GENSIM), "random") or w2v.random, "seed"),
    "gensim's name": (lambda model: model.wv.similar("cat", topn=3), r"unknown option topn: did you mean n\?"),
    "a vector of another length": (lambda model: model.wv.similar(np.ones(4)), r"the shape \(3,\), not \(4,\)"),
    "a map of memory": (lambda _: ws.load("m", mmap="r"), r"unknown option mmap: did you mean mapped\?"),
    "weights of rows": (lambda _: ws.train(TEXT, weight_column="n"), "name of the column that holds the text"),
    "an earlier name": (lambda _: ws.train(TEXT, preset="items"), r"unknown option preset: did you mean kind\?"),
    "an earlier name of a column": (lambda model: model.predict(["cat"], group="user"), r"did you mean group_by\?"),
    "some rows": (lambda _: ws.train(TEXT, where="year > 1900"), "choose the rows of the table first, in a data frame"),
    "the number of answers": (lambda model: model.predict(["cat"], topn=3), r"unknown option topn: did you mean n\?"),
    "a text as a basket": (lambda model: model.predict("a cat"), "must be a list of items, not 'a cat': split"),
    "k of analogies": (lambda model: model.wv.analogy("cat", "a", "dog", k=3), r"unknown option k: did you mean n\?"),
    "topn of analogies": (lambda model: model.wv.analogy("cat", "a", "dog", topn=3), r"did you mean n\?"),
    "two words of three": (lambda model: model.wv.analogy("cat", "a"), "an analogy needs three words"),
    "three words and a list": (lambda model: model.wv.analogy("cat", "a", "a", positive="a"), "needs three words"),
    "topn of plots": (lambda model: model.wv.plot(["cat", "a", "dog"], top_k=3), r"did you mean n\?"),
    "a format of saving": (lambda model: model.save("m", overwite=True), r"did you mean overwrite\?"),
    "bce": (lambda _: ws.FactoredOutput(9, 3, loss="bce"), "did you mean bounded-ns"),
    "cross-entropy": (lambda _: ws.FactoredOutput(9, 3, loss="cross_entropy"), "wordsparse.torch.SampledOutput"),
    "no model": (lambda model: ws.load("nothere"), "nothere: there is no model here"),
    "a file of vectors": (lambda model: ws.load(__file__), "wordsparse.read_vectors reads a file of vectors"),
    "a file of labels": (lambda model: ws.load(__file__), "is a file, not the directory of a model"),
}


@pytest.mark.parametrize("name", ASKED)
def test_calls_of_other_libraries_are_refused_with_a_hint(name: str, model: ws.Model) -> None:
    ask, message = ASKED[name]
    with pytest.raises(ws.InputError, match=message):
        ask(model)


@pytest.mark.parametrize(
    ("ask", "ours"),
    [
        (lambda model: model.similar, "model.wv.similar"),
        (lambda model: model.most_similar, "model.wv"),
        (lambda model: model.words, "vocabulary.words"),
        (lambda model: model.transform, r"model\.encode\(texts\)"),
        (lambda model: model.doesnt_match, r"KeyedVectors\.of"),
        (lambda model: model.wv.transform, r"it is encode\(texts\)"),
        (lambda model: ws.fit, r"wordsparse\.train\(text\)"),
        (lambda model: model.nothing, r"no attribute 'nothing'$"),
        (lambda model: model.wv.most_similar, r"it is similar\(word_or_vector, n\)"),
        (lambda model: model.wv.key_to_index, r"it is row\(word\)"),
    ],
)
def test_names_of_other_libraries_lead_to_ours(ask: Callable[[ws.Model], Any], ours: str, model: ws.Model) -> None:
    with pytest.raises(AttributeError, match=ours):
        ask(model)


def test_options_of_sentence_transformers_change_nothing(model: ws.Model) -> None:
    habits = {"batch_size": 8, "show_progress_bar": True, "normalize_embeddings": True}
    np.testing.assert_array_equal(model.encode(["a cat"], **habits), model.encode(["a cat"]))


def test_a_second_argument_by_place_is_refused_with_the_way() -> None:
    with pytest.raises(TypeError, match="train takes corpus, and options by name"):
        ws.train("output", "text.txt")


@pytest.mark.parametrize("names", [["cat", "cat"], [["cat"], ["dog"]]])
def test_what_labels_lack_is_named(names: list[Any]) -> None:
    texts = ["a cat", "a dog"] * 4
    with pytest.raises(ws.InputError, match="Y has None in row 1"):
        TextClassifier().fit(texts, [names[0], None] * 4)
    with pytest.raises(ws.InputError, match="X holds no texts"):
        TextClassifier().fit(texts, names * 4).predict([])
    with pytest.raises(ws.InputError, match=r"predict_topk\(X, k\) gives k labels"):
        TextClassifier().fit(texts, names * 4).predict(texts, k=3)


@pytest.mark.parametrize(("typed", "status"), [("help", 0), ("help labels train", 0), ("", 2), ("labels", 2)])
def test_help_is_shown_as_it_is_written(typed: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Previously, the command ``help`` was unknown, and a call without arguments printed the help as a single line."""
    assert main(typed.split()) == status
    streams = capsys.readouterr()
    assert (streams.out + streams.err).startswith("Usage: wordsparse ")
    assert "\nOptions:\n" in streams.out + streams.err


@pytest.mark.parametrize(
    ("command", "warning"),
    [
        ("encode text.txt text.txt -o out", "text.txt: named twice"),
        ("train text.txt -o out --threads 900 --dim 2 --epochs 1 -q", "900 threads share"),
        ("encode few.txt -o out", "24,000 tokens of 2 distinct words"),
        ("export text.vec -o out.npz --format word2vec", "out.npz is in the format word2vec (--format)"),
    ],
)
def test_unlikely_requests_run_with_a_warning(
    command: str, warning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("wordsparse"), "level", logging.INFO)
    (tmp_path / "text.txt").write_text("a cat and a dog sat there\n" * 50)
    (tmp_path / "few.txt").write_text("a b\n" * 12_000)
    (tmp_path / "text.vec").write_text("1 2\ncat 1 2\n")
    assert main(command.split()) == 0
    streams = capsys.readouterr()
    assert warning in streams.out + streams.err


def test_an_analogy_takes_gensims_lists(model: ws.Model) -> None:
    expected = model.wv.analogy("cat", "a", "dog", 2)
    assert model.wv.analogy(positive=["a", "dog"], negative="cat", n=2) == expected


def test_a_cell_that_saves_can_be_run_again(model: ws.Model, tmp_path: Path) -> None:
    """Previously, a notebook's cell that saved a model failed when it was run again."""
    path = tmp_path / "model"
    model.save(path)
    with pytest.raises(ws.InputError, match="is a model already: replace it with overwrite=True"):
        model.save(path)
    other = ws.train(TEXT, **SHORT | {"seed": 9})
    other.save(path, overwrite=True)
    np.testing.assert_array_equal(ws.load(path).vectors, other.vectors)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(ws.InputError, match="exists already"):
        model.save(path, overwrite=True)
    model.save(tmp_path / "new", overwrite=True)
