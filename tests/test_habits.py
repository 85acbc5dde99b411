"""Calls and commands known from other tools work as people expect, or a message names the wordsparse equivalent."""

import logging

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main

TEXT = [["a", "cat", "sat"], ["the", "dog", "sat"]] * 30
SHORT = {"dim": 3, "epochs": 1, "min_count": 1, "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def model():
    return ws.train(TEXT, **SHORT)


def test_options_of_sentence_transformers_change_nothing(model):
    habits = {"batch_size": 8, "show_progress_bar": True, "normalize_embeddings": True}
    np.testing.assert_array_equal(model.encode(["a cat"], **habits), model.encode(["a cat"]))


@pytest.mark.parametrize(("typed", "status"), [("help", 0), ("help labels train", 0), ("", 2), ("labels", 2)])
def test_help_is_shown_as_it_is_written(typed, status, capsys):
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
def test_unlikely_requests_run_with_a_warning(command, warning, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("wordsparse"), "level", logging.INFO)
    (tmp_path / "text.txt").write_text("a cat and a dog sat there\n" * 50)
    (tmp_path / "few.txt").write_text("a b\n" * 12_000)
    (tmp_path / "text.vec").write_text("1 2\ncat 1 2\n")
    assert main(command.split()) == 0
    streams = capsys.readouterr()
    assert warning in streams.out + streams.err


def test_an_analogy_takes_gensims_lists(model):
    expected = model.wv.analogy("cat", "a", "dog", 2)
    assert model.wv.analogy(positive=["a", "dog"], negative="cat", n=2) == expected


def test_a_cell_that_saves_can_be_run_again(model, tmp_path):
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
