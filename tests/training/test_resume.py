"""Training a finished model further: for more epochs, or on a new text."""

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
from support.runs import interrupt, interrupted, once_after, run_directory, train
from support.texts import SHORT, same_vectors, write_text

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.training import output_run
from wordsparse.training.interruption import Interrupted
from wordsparse.training.request import request
from wordsparse.training.resume import on_new_text
from wordsparse.words.options import Options


def test_repeating_a_finished_run_changes_nothing(text, output, caplog):
    first = train(text, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    again = train(text, output, resume=True)
    assert caplog.messages == [f"{output} is finished: no epochs are left to train"]
    assert same_vectors(first, again)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert not run_directory(output).exists()


@pytest.mark.parametrize(
    ("more", "stops"), [({"epochs": 4}, (3601, 5000, 6500)), ({}, (1, 1000, 2000))], ids=["more epochs", "a new text"]
)
def test_further_training_interrupted_and_resumed_ends_in_the_same_bytes(text, output, tmp_path, more, stops):
    first, new = train(text, output), text if more else write_text(tmp_path / "other.txt", seed=1, words=20)
    shutil.copytree(output, tmp_path / "copy")
    whole = train(new, tmp_path / "copy", resume=True, **more)
    for tokens in stops:
        interrupted(new, output, tokens, resume=True, **more)
        assert same_vectors(ws.load(output), first)  # the old model stays until the new model is complete
    if not more:
        with pytest.raises(InputError, match="the text is another one"):
            train(text, output, resume=True)
    assert same_vectors(train(new, output, resume=True, **more), whole)


def test_a_new_text_adds_words_and_forgets_none(text, output, tmp_path):
    first = train(text, output)
    other = write_text(tmp_path / "other.txt", seed=1, words=20, sentences=100)
    with other.open("a") as file:
        file.write("w3 once w4\n")
    second = train(other, output, resume=True, min_count=2, epochs=1)
    assert sorted(second.vocabulary.words) == sorted(f"w{i}" for i in range(20))
    # Old words keep their row numbers, which other programs may have stored, although the frequencies change.
    assert second.vocabulary.words[: len(first)] == first.vocabulary.words
    assert second.wv.most_frequent(20).tolist() != [*range(20)]
    counts = dict(zip(second.vocabulary.words, second.vocabulary.counts.tolist(), strict=True))
    assert sum(counts.values()) == 1800 + 602
    assert np.isfinite(second.vectors).all()
    assert second.report["tokens"] == 603
    assert len(second.report["loss"]) == 1
    # Training starts from the learnt weights, so its first loss is below the first loss of the old run.
    assert second.report["loss"][0] < first.report["loss"][0]
    assert not run_directory(output).exists()
    # Repeating the request trains no more; a request for more epochs continues to train on the new text.
    assert same_vectors(train(other, output, resume=True, min_count=2, epochs=1), second)
    third = train(other, output, resume=True, min_count=2, epochs=2)
    assert third.report["loss"][0] == second.report["loss"][0]


def test_training_on_a_new_text_starts_from_the_old_weights(tmp_path, output, text):
    model = train(text, output)
    before = ws.load(output)
    other = write_text(tmp_path / "other.txt", seed=1, words=20, sentences=100)
    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    with request(other, {"min_count": 1}).source() as corpus:
        run = on_new_text(model, corpus, Options(**given))
    rows = before.vocabulary.rows_in(run.vocabulary)
    output_layer = run.embedding.output
    pi = np.sqrt(before.vocabulary.counts) / np.sqrt(before.vocabulary.counts).sum()
    np.testing.assert_allclose(output_layer.rows(rows), before.output_rows / np.sqrt(pi)[:, None], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run.embedding.E[rows], before.input_rows)
    new = np.setdiff1d(np.arange(20), rows)
    assert not run.embedding.mass[new].any()
    # Q and w̄ agree with the weights and the base measure of the new counts.
    W = output_layer.weights().astype(np.float64)
    p2 = output_layer.p**2
    np.testing.assert_allclose(output_layer.factors.Q, (W * p2[:, None]).T @ W, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(output_layer.factors.w_bar, p2 @ W, rtol=1e-4, atol=1e-6)


def test_a_checkpoint_whose_model_is_gone_is_refused(text, output, tmp_path):
    train(text, output)
    interrupted(text, output, 4000, epochs=4, resume=True)
    shutil.move(output, tmp_path / "away")
    with pytest.raises(InputError, match="the model that this run started from is gone"):
        train(text, output, epochs=4, resume=True)
    shutil.move(tmp_path / "away", output)
    train(text, output, epochs=4, resume=True)


def test_a_checkpoint_of_an_older_version_needs_its_model(tmp_path, monkeypatch):
    old = SimpleNamespace(request={"base": "digest"}, path=tmp_path)  # without "replaces"
    monkeypatch.setattr(output_run.Checkpoint, "open", lambda path: old)
    directory = SimpleNamespace(checkpoints=lambda: [tmp_path])
    assert output_run.newest_checkpoint(directory, "digest") is old
    with pytest.raises(InputError, match="the model that this run started from is gone"):
        output_run.newest_checkpoint(directory, None)


def test_the_leftover_directories_of_a_finished_run_are_removed(text, output, tmp_path):
    # Imitate a process that was killed between the last rename and the removal of its directories.
    interrupted(text, output, 500)
    shutil.copytree(run_directory(output), tmp_path / "left")
    first = train(text, output, resume=True)
    shutil.copytree(tmp_path / "left", run_directory(output))
    staged = output.with_name(f".{output.name}.0123abcd.partial")
    staged.mkdir()
    assert same_vectors(train(text, output, resume=True), first)
    assert not run_directory(output).exists()
    assert not staged.exists()


def test_a_continued_model_keeps_its_coordinates(tmp_path):
    """Words keep their coordinates, so that an index of the old vectors still serves new queries."""
    options = {**SHORT, "dim": 12, "epochs": 4, "batch_tokens": 2000}
    old, new = (_topics(tmp_path / f"{seed}.txt", seed) for seed in (0, 1))
    model = ws.train(old, output=tmp_path / "model", **options)
    documents = [line.split() for line in old.read_text().splitlines()[:40]]
    for more in ({"epochs": 5}, {"corpus": new, "epochs": 4}):
        corpus = more.pop("corpus", old)
        longer = model.train(corpus, min_count=1, **more)
        rows = model.vocabulary.rows_in(longer.vocabulary)
        assert _cosines(longer.vectors[rows], model.vectors).mean() > 0.9
        assert _cosines(longer.without_ngrams().vectors[rows], model.without_ngrams().vectors).mean() > 0.9
        assert _cosines(*(m.encode(documents) for m in (longer, model))).mean() > 0.9
        assert _cosines(*(m["a0b5c0"][None] for m in (longer, model)))[0] > 0.9  # composed from n-grams
        sentences = [["a1b1", "blorp", "a1b2", "a1b3"]] * 5
        assert _cosines(*(m.infer("blorp", sentences)[None] for m in (longer, model)))[0] > 0.8
        stored = ws.train(corpus, output=tmp_path / "model", resume=True, **{**options, **more})
        assert np.array_equal(stored.vectors, longer.vectors)
        assert longer.train(corpus, **more) is longer
        assert np.array_equal(ws.load(tmp_path / "model").vectors, longer.vectors)
        model = longer


def _topics(path, seed):
    """Write sentences of eight words, each sentence on one of six topics."""
    random = np.random.default_rng(seed)
    topics = random.integers(0, 6, 3000)
    path.write_text("".join(" ".join(f"a{t}b{i}" for i in random.integers(0, 9, 8)) + "\n" for t in topics))
    return path


def test_a_report_says_what_made_the_model(text, output):
    first = train(text, output)
    assert first.report["wordsparse"] == version("wordsparse")
    assert datetime.fromisoformat(first.report["date"]) <= datetime.now(UTC)
    assert "parent" not in first.report
    before = hashlib.sha256((output / "model.json").read_bytes()).hexdigest()
    longer = train(text, output, epochs=3, resume=True)
    assert (longer.report["parent"], longer.report["tokens"]) == (before, 3 * 1800)
    assert longer.report["loss"][:2] == first.report["loss"]
    assert longer.report["loss"][2] < first.report["loss"][0]
    assert json.loads((output / "model.json").read_text())["report"]["parent"] == before


def _cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


OWN = {"dim": 5, "model": "skipgram", "window": 2, "form": 0.0, "seed": 4, "tokens": "simple"}
OWN |= {"min_count": 1, "epochs": 2, "batch_tokens": 100}


@pytest.fixture
def prose(tmp_path):
    """Write two files of JSON lines, each with a column of text."""
    files = tmp_path / "text.jsonl", tmp_path / "more.jsonl"
    for file, lines in zip(files, ("The cat, the dog.\nA cat; a dog!", "The cat, a bird."), strict=True):
        file.write_text("".join(json.dumps({"body": line}) + "\n" for line in lines.split("\n") * 40))
    return files


def test_missing_options_are_taken_from_the_run_or_the_model(prose, tmp_path):
    """An option that the user left out must not cause a refusal, even if its default differs from the run's value."""
    text, more = prose
    whole = ws.train(text, output=tmp_path / "whole", column="body", **OWN)
    output = tmp_path / "model"
    with pytest.raises(Interrupted):
        ws.train(text, output=output, column="body", progress=once_after(200, interrupt), **OWN)
    assert same_vectors(ws.train(text, output=output, resume=True), whole)
    longer = ws.train(text, output=output, resume=True, epochs=3)
    wider = ws.train(more, output=output, resume=True, epochs=1)
    for model in (longer, wider):
        assert (model.options | {"epochs": 2, "device": "auto"}) == whole.options
    assert {"bird", "cat"} < set(wider.vocabulary.words)
    assert "cat," not in wider.vocabulary
    for wrong, said in [({"dim": 6}, "dim was 5, not 6"), ({"tokens": "split"}, "tokens was simple, not split")]:
        with pytest.raises(InputError, match=said):
            ws.train(text, output=output, resume=True, **wrong)


@pytest.mark.parametrize("texts", [["the bird, a cat"] * 9, [["bird", "cat"]] * 9, [{"body": "a bird, a cat"}] * 9])
@pytest.mark.parametrize("one_shot", [True, False])
def test_a_text_in_memory_is_read_as_the_models(prose, texts, one_shot):
    model = ws.train(prose[0], column="body", **OWN)
    more = model.train(iter(texts) if one_shot or isinstance(texts[0], str) else texts)
    assert sorted(set(more.vocabulary.words) - set(model.vocabulary.words)) == ["bird"]
    assert more.vocabulary.counts[more.vocabulary["bird"]] == 9


def test_a_model_without_a_new_option_is_trained_further_with_the_default(text):
    model = ws.train(text, **SHORT)
    older = replace(model, options={name: model.options[name] for name in model.options if name != "direction"})
    longer = older.train(text, epochs=5)
    assert longer.options["direction"] == "both"
    assert same_vectors(longer, model.train(text, epochs=5))
