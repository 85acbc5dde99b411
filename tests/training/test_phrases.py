"""Models that record phrases: everything that splits a text with the model's tokeniser joins them."""

import json

import numpy as np
import pytest
from support.runs import interrupted
from support.texts import SHORT, decoded, same_vectors

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus import EncodedCorpus, phrases
from wordsparse.errors import InputError
from wordsparse.vectors.ranking import words_of

LINES = ["she left new york", "he saw a new day", "new york is far", "the bank of america", "far is the day"] * 30
JOINED = {"new_york", "bank_of_america"}


@pytest.fixture(autouse=True)
def low_threshold(monkeypatch):
    """With the real threshold, only a large text has phrases."""
    monkeypatch.setattr(phrases, "THRESHOLD", 0.11)


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(LINES))
    return tmp_path / "text.txt"


@pytest.fixture
def model(tmp_path, text):
    ws.train(text, output=tmp_path / "model", phrases=1, progress=False, **SHORT)
    return ws.load(tmp_path / "model")


def test_a_model_joins_phrases_in_every_text(tmp_path, model, capsys):
    assert set(model.vocabulary.words) >= JOINED
    assert model.split("to new york\nbank of america new") == ["to", "new_york", "bank_of_america", "new"]
    assert np.array_equal(model.encode("a new york"), model.encode([["a", "new_york"]])[0])
    assert model.wv.similar("new york", 2) == model.wv.similar("new_york", 2)
    assert np.array_equal(model["new york"], model["new_york"])
    (tmp_path / "documents.txt").write_text("far new york\nnew_york far\n" * 3)
    path = str(tmp_path / "model")
    assert main(["documents", path, str(tmp_path / "documents.txt"), "-o", str(tmp_path / "d.npy")]) == 0
    assert np.array_equal(np.load(tmp_path / "d.npy")[0], model.encode("far new_york"))
    capsys.readouterr()
    for question in (["new", "york"], ["new_york"]):
        assert main(["next", path, *question, "--json"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert main(["similar", path, "new york"]) == 0
    assert "new york: read as new_york" in capsys.readouterr().err


def test_search_finds_the_words_of_a_phrase(text):
    model = ws.train(text, phrases=1, tokens="simple", progress=False, **SHORT)
    assert words_of(model.wv)("left New York") == ["left", "new", "york"]
    search = ws.Search(model, ["she left new york", "the day is far"])
    assert search.search("york")[0].matched == ["york"]


def test_reports_name_the_best_phrases(tmp_path, text, capsys):
    assert main(["encode", str(text), "-o", str(tmp_path / "encoded"), "--phrases", "1", "--json"]) == 0
    encoded = json.loads(capsys.readouterr().out)
    assert encoded["best_phrases"].keys() >= JOINED
    assert encoded["phrases"] == len(encoded["best_phrases"])
    assert main(["train", str(tmp_path / "encoded"), "-o", str(tmp_path / "m"), "--dim", "4"]) == 0
    assert f"{encoded['phrases']} phrases; the best: " in capsys.readouterr().out
    report = ws.load(tmp_path / "m").report
    assert report["best_phrases"] == encoded["best_phrases"]
    assert ws.load(tmp_path / "m").split("new york") == ["new_york"]


def test_a_model_that_is_trained_on_keeps_its_phrases(tmp_path, text, model):
    """New text is joined by the old phrases, even if it comes as lists of words, and has its own frequent pairs."""
    more = ["in new york", "in new york", "red wine", "red wine"] * 20
    for corpus in ([line.split() for line in more], iter(more)):
        continued = model.train(corpus, progress=False)
        assert continued.vocabulary.words[: len(model)] == model.vocabulary.words
        assert {*continued.vocabulary.words[len(model) :]} == {"in", "red", "wine"}
        assert continued.split("red wine in new york") == ["red", "wine", "in", "new_york"]
    longer = ws.train(text, output=tmp_path / "model", resume=True, epochs=4, progress=False)
    assert longer.report["tokens"] == 2 * model.report["tokens"]
    again = ws.train(text, output=tmp_path / "again", phrases=1, progress=False, **{**SHORT, "epochs": 4})
    assert longer.split("new york") == again.split("new york") == ["new_york"]


def test_an_interrupted_run_goes_on_with_its_phrases(tmp_path, text):
    interrupted(text, tmp_path / "run", 300, phrases=1)
    resumed = ws.train(text, output=tmp_path / "run", resume=True, progress=False)
    assert same_vectors(resumed, ws.train(text, phrases=1, progress=False, **SHORT))


def test_other_phrases_are_refused(tmp_path, text, model):
    for kind in ("items", "sessions", "walks"):
        with pytest.raises(InputError, match="not of items"):
            ws.train(text, kind=kind, phrases=1)
    with pytest.raises(InputError, match="resume: phrases was sha256:"):
        ws.train(text, output=tmp_path / "model", resume=True, phrases=1, connectors=["a"], epochs=9, progress=False)
    ws.encode(text, tmp_path / "encoded", phrases=1, min_count=1)
    ws.train(tmp_path / "encoded", phrases=1, progress=False, dim=4, epochs=1)
    with pytest.raises(InputError, match="was encoded with phrases 1, not 2"):
        ws.train(tmp_path / "encoded", phrases=2, progress=False)


def test_a_damaged_file_of_phrases_is_refused(tmp_path, text, model):
    path = tmp_path / "model" / "phrases.json"
    path.write_text(path.read_text().replace("york", "work"))
    with pytest.raises(InputError, match=r"phrases\.json: does not match its checksum"):
        ws.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(InputError, match=r"phrases\.json"):
        ws.load(tmp_path / "model")


def test_texts_of_a_function_and_of_lists(tmp_path):
    lists = ws.encode([line.split() for line in LINES], tmp_path / "a", phrases=1)
    assert lists.tokenization["tokens"] == "split"
    upper = ws.encode(iter(LINES), tmp_path / "b", phrases=1, tokens=lambda text: text.upper().split())
    assert upper.tokenization["tokens"] == "(a function)"
    assert decoded(EncodedCorpus.open(tmp_path / "b"))[0] == ["SHE_LEFT", "NEW_YORK"]
