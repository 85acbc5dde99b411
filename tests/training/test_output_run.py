"""A run that is interrupted at any step and resumed gives the same bytes; resuming a different request is refused."""

import shutil

import numpy as np
import pytest
from support.runs import interrupted, run_directory, train
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": "skipgram"},
        {"loss": "squared"},
        {"heldout": 0.2},
        {"direction": "after"},
        {"model": "skipgram", "direction": "after"},
    ],
)
def test_a_run_resumed_at_any_step_ends_in_the_same_bytes(text, output, options):
    whole = ws.train(text, **SHORT, **options)
    train(text, output, tokens=None, **options)
    assert same_vectors(ws.load(output), whole)
    total = whole.report["tokens"]
    for tokens in (1, 1700, total // 2, total // 2 + 1, total - 1):
        shutil.rmtree(output)
        interrupted(text, output, tokens, **options)
        resumed = train(text, output, resume=True, **options)
        assert same_vectors(resumed, whole)
        assert same_vectors(ws.load(output), whole)
        for name in ("tokens", "loss", "heldout_loss"):
            assert resumed.report.get(name) == whole.report.get(name)
        assert resumed.report["checkpoints"] == 1
        assert not run_directory(output).exists()


def test_periodic_checkpoints_do_not_change_the_result_and_the_newest_is_kept(text, output):
    seen = []

    def look(progress):
        seen.append(sorted(path.name for path in run_directory(output).glob("checkpoint-*")))

    model = ws.train(text, **SHORT, output=output, checkpoint_every=np.float32(1e-9), progress=look)
    assert model.report["checkpoints"] > 2
    assert max(map(len, seen)) <= 2
    assert same_vectors(model, ws.train(text, **SHORT))


def test_text_that_is_in_no_file_is_compared_by_its_content(tmp_path, output):
    words = [["a", "b", "c", "d"]] * 200
    interrupted(words, output, 300)
    with pytest.raises(InputError, match="the text is another one"):
        train([*words, ["a", "b"]], output, resume=True)
    assert same_vectors(train(words, output, resume=True), ws.train(words, **SHORT))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 7}, "dim was 6, not 7"),
        ({"window": 2, "seed": 9}, "seed was 1, not 9, window was 5, not 2"),
        ({"min_count": 140}, "min_count was 1, not 140"),
        ({"resume": False}, r"an unfinished run for this output is in .*model\.training: continue it with --resume"),
    ],
)
def test_resuming_with_other_options_is_refused(text, output, options, message):
    interrupted(text, output, 500)
    with pytest.raises(InputError, match=message):
        train(text, output, **{"resume": True, **options})
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_a_model_is_overwritten_when_the_new_one_is_complete(text, output):
    old, new = train(text, output), ws.train(text, **{**SHORT, "seed": 2})
    with pytest.raises(InputError, match=r"replace it with --overwrite \(overwrite=True\)"):
        train(text, output, seed=2)
    interrupted(text, output, 1700, seed=2, overwrite=True)
    assert same_vectors(ws.load(output), old)
    assert same_vectors(train(text, output, resume=True), new)
    assert "parent" not in ws.load(output).report
    interrupted(text, output, 500, seed=3, overwrite=True)
    assert same_vectors(train(text, output, seed=1, overwrite=True), old)
    assert same_vectors(ws.load(output), old)
    assert not run_directory(output).exists()


def test_an_unfinished_run_is_overwritten(text, output):
    interrupted(text, output, 500, seed=2)
    assert same_vectors(train(text, output, overwrite=True), ws.train(text, **SHORT))


def test_only_a_model_is_overwritten(text, output):
    with pytest.raises(InputError, match="leave out one of them"):
        train(text, output, resume=True, overwrite=True)
    output.mkdir()
    for name, content, message in (
        ("notes.txt", "mine", "exists already"),
        ("model.json", "{}", "is not a wordsparse-model file"),
    ):
        (output / name).write_text(content)
        with pytest.raises(InputError, match=message):
            train(text, output, overwrite=True)
        assert (output / name).read_text() == content
    shutil.rmtree(output)
    train(text, output)
    (output / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt, which is no part of the model"):
        train(text, output, overwrite=True)
    assert (output / "notes.txt").read_text() == "mine"
