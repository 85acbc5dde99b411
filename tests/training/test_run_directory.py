"""The directory of a run: a process locks the directory, and the finished model is moved from there to the output."""

import os
from pathlib import Path

import pytest
from support.runs import interrupted, no_space, run_directory, train
from support.texts import same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, WordsparseError
from wordsparse.training.run_directory import RunDirectory


def test_a_second_run_for_an_output_is_refused(text, output):
    with (
        RunDirectory(output),
        pytest.raises(InputError, match="model: another process is training for this output"),
    ):
        train(text, output)
    train(text, output)


def test_leftovers_of_a_process_that_died_are_removed(text, output):
    interrupted(text, output, 500)
    leftover = run_directory(output) / ".checkpoint-000000002.abcdef01.partial"
    leftover.mkdir()
    (leftover / "state.bin").write_bytes(b"half")
    interrupted(text, output, 600, resume=True)
    assert not leftover.exists()


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(text, output):
    run_directory(output).mkdir()
    (run_directory(output) / "lock").touch()
    assert same_vectors(train(text, output, resume=True), train(text, output.with_name("other")))


@pytest.mark.parametrize("kind", ["model", "file", "link", "checkpoint"])
def test_a_directory_that_no_run_made_is_kept(text, output, kind, tmp_path):
    """Training NAME must not remove a directory called NAME.training that no run has made."""
    directory = run_directory(output)
    if kind == "model":
        train(text, directory)
    elif kind == "link":
        (tmp_path / "mine").mkdir()
        directory.symlink_to(tmp_path / "mine")
    else:
        place = directory / {"file": "corpus/notes", "checkpoint": "checkpoint-000000001 copy/a"}[kind]
        place.parent.mkdir(parents=True)
        place.write_text("mine")
    before = sorted(directory.rglob("*"))
    train(text, output)
    assert sorted(directory.rglob("*")) == before
    assert directory.exists()


def test_a_model_is_restored_after_a_kill_between_two_renames(text, output):
    # Without an atomic exchange, the model is installed with two renames. Imitate a kill between the two renames.
    first = train(text, output)
    directory = run_directory(output)
    directory.mkdir()
    os.rename(output, directory / "previous")
    assert same_vectors(train(text, output, resume=True), first)
    assert not directory.exists()


def test_a_model_that_a_new_one_cannot_replace_is_put_back(text, output, monkeypatch):
    first, rename = train(text, output), os.rename

    def failing(source, target):
        if Path(target) == output and Path(source).name == "model":
            no_space()
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("wordsparse.files.system.exchange", lambda *paths: False)  # some file systems lack the exchange
        patch.setattr(os, "rename", failing)
        with pytest.raises(WordsparseError, match="is kept; resume from it"):
            train(text, output, resume=True, epochs=3)
    assert same_vectors(ws.load(output), first)
    assert len(train(text, output, resume=True, epochs=3).report["loss"]) == 3
    assert not run_directory(output).exists()
