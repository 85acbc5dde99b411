"""Runs for an output: interrupted and resumed at any step, trained on, refused where they cannot be."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.texts import SHORT, same_vectors, write_text

import wordsparse as ws
from wordsparse.corpus import shard
from wordsparse.errors import InputError, ReadError, TrainingError, WordsparseError
from wordsparse.files import storage
from wordsparse.training import checkpoints
from wordsparse.training.interruption import Interrupted
from wordsparse.training.loop import Run
from wordsparse.training.output_run import OutputRun
from wordsparse.training.progress import Progress
from wordsparse.training.resume import on_new_text
from wordsparse.training.run_directory import RunDirectory
from wordsparse.training.texts import TrainingText
from wordsparse.words.options import Options


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "model"


def run_directory(output: Path) -> Path:
    return output.with_name("model.training")


def after(tokens: int, do: Callable[[], object]) -> Callable[[Progress], None]:
    """A progress callback that does something once so many tokens are passed over."""
    done: list[bool] = []

    def progress(progress: Progress) -> None:
        if progress.tokens >= tokens and not done:
            done.append(True)
            do()

    return progress


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def train(text: Any, output: Path, tokens: int | None = None, **options: Any) -> ws.Model:
    """Train for the output; interrupted after so many tokens."""
    given = {**SHORT, **options}
    return ws.train(text, output=output, progress=None if tokens is None else after(tokens, interrupt), **given)


def interrupted(text: Any, output: Path, tokens: int, **options: Any) -> None:
    with pytest.raises(Interrupted, match="is kept; resume from it with --resume"):
        train(text, output, tokens, **options)


@pytest.mark.parametrize("options", [{}, {"model": "skipgram"}, {"loss": "squared"}, {"heldout": 0.2}])
def test_a_run_resumed_at_any_step_ends_in_the_same_bytes(text: Path, output: Path, options: dict[str, Any]) -> None:
    whole = ws.train(text, **SHORT, **options)
    train(text, output, tokens=None, **options)
    assert same_vectors(ws.load(output), whole)
    total = whole.report["tokens"]
    for tokens in (1, 500, 1700, total // 2, total // 2 + 1, total - 1):
        shutil.rmtree(output)
        interrupted(text, output, tokens, **options)
        resumed = train(text, output, resume=True, **options)
        assert same_vectors(resumed, whole)
        assert same_vectors(ws.load(output), whole)
        for name in ("tokens", "loss", "heldout_loss"):
            assert resumed.report.get(name) == whole.report.get(name)
        assert resumed.report["checkpoints"] == 1
        assert not run_directory(output).exists()


def test_a_run_interrupted_after_every_minibatch_ends_in_the_same_bytes(text: Path, output: Path) -> None:
    whole = ws.train(text, **{**SHORT, "epochs": 1})
    interrupted(text, output, 1, epochs=1)
    for tokens in range(101, 1800, 90):
        interrupted(text, output, tokens, epochs=1, resume=True)
    assert same_vectors(train(text, output, epochs=1, resume=True, threads=2), whole)


def test_periodic_checkpoints_do_not_change_the_result_and_the_newest_is_kept(text: Path, output: Path) -> None:
    seen: list[list[str]] = []

    def look(progress: Progress) -> None:
        seen.append(sorted(path.name for path in run_directory(output).glob("checkpoint-*")))

    options = {**SHORT, "batch_tokens": 10}
    model = ws.train(text, **options, output=output, checkpoint_every=1e-9, progress=look)
    assert model.report["checkpoints"] > 2
    assert max(map(len, seen)) <= 2
    assert same_vectors(model, ws.train(text, **options))


def test_resume_with_nothing_to_resume_starts_anew(text: Path, output: Path) -> None:
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_text_is_encoded_once(text: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(text, output, 500)
    monkeypatch.setattr(TrainingText, "encode", lambda *_: pytest.fail("encoded again"))
    train(text, output, resume=True)


def test_a_damaged_encoded_text_is_encoded_again(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    shard = run_directory(output) / "corpus" / "shard-00000.i32"
    shard.write_bytes(shard.read_bytes()[:-4])
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_text_that_is_in_no_file_is_compared_by_its_content(tmp_path: Path, output: Path) -> None:
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
        ({"epochs": 3}, "epochs was 2, not 3"),
        ({"model": "skipgram"}, "model was cbow, not skipgram"),
        ({"min_count": 140}, "min_count was 1, not 140"),
    ],
)
def test_an_unfinished_run_asked_for_differently_is_refused(
    text: Path, output: Path, options: dict[str, Any], message: str
) -> None:
    interrupted(text, output, 500)
    with pytest.raises(InputError, match=message):
        train(text, output, resume=True, **options)
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_an_unfinished_run_is_not_started_over(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    with pytest.raises(
        InputError, match=r"an unfinished run for it is in .*model\.training: continue it with --resume"
    ):
        train(text, output)


def test_a_second_run_for_an_output_is_refused(text: Path, output: Path) -> None:
    with (
        RunDirectory(output),
        pytest.raises(InputError, match="model: another process is training for this output"),
    ):
        train(text, output)
    train(text, output)


def test_resume_needs_an_output(text: Path) -> None:
    with pytest.raises(InputError, match="resume needs an output"):
        ws.train(text, resume=True)


# ── damaged and missing parts ─────────────────────────────────────────────────────────────────────────────────────


def kept_checkpoint(output: Path) -> Path:
    (checkpoint,) = run_directory(output).glob("checkpoint-*")
    return checkpoint


def damages(data: bytes) -> list[bytes]:
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
    return [b"", data[:-1], data[:middle], data + b"\0", flipped, bytes(len(data))]


@pytest.mark.parametrize("name", ["checkpoint.json", "state.bin"])
def test_a_damaged_checkpoint_is_refused_by_name(text: Path, output: Path, name: str) -> None:
    interrupted(text, output, 500)
    path = kept_checkpoint(output) / name
    whole = path.read_bytes()
    for data in damages(whole):
        path.write_bytes(data)
        with pytest.raises(InputError, match=f"{name}.*no good checkpoint is left"):
            train(text, output, resume=True)
    path.unlink()
    with pytest.raises(InputError, match=f"{name}.*no good checkpoint is left"):
        train(text, output, resume=True)
    path.write_bytes(whole)
    train(text, output, resume=True)


def test_the_checkpoint_before_a_damaged_one_serves(text: Path, output: Path, caplog: pytest.LogCaptureFixture) -> None:
    interrupted(text, output, 500)
    shutil.copytree(kept_checkpoint(output), run_directory(output) / "checkpoint-000000009")
    (run_directory(output) / "checkpoint-000000009" / "state.bin").write_bytes(b"")
    caplog.clear()
    # The Python caller hears of it too, not the command line alone.
    model = train(text, output, resume=True)
    assert same_vectors(model, ws.train(text, **SHORT))
    (warning,) = (record.message for record in caplog.records if record.levelname == "WARNING")
    assert "checkpoint-000000009" in warning
    assert "checksum" in warning


def test_a_checkpoint_of_another_shape_is_refused(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    path = kept_checkpoint(output) / "checkpoint.json"
    manifest = storage.read_json(path)
    del manifest["sha256"]
    manifest["state"]["arrays"]["E"]["shape"] = [10**12, 10**12]
    storage.write_manifest(path, manifest)
    with pytest.raises(InputError, match=r"state\.bin: has .* bytes, not what its table says"):
        train(text, output, resume=True)


def test_leftovers_of_a_process_that_died_are_removed(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    leftover = run_directory(output) / ".checkpoint-000000002.abcdef01.partial"
    leftover.mkdir()
    (leftover / "state.bin").write_bytes(b"half")
    interrupted(text, output, 600, resume=True)
    assert not leftover.exists()


def test_a_model_on_its_way_is_put_in_its_place(text: Path, output: Path) -> None:
    # As after a kill between the two renames of an installation.
    first = train(text, output)
    directory = run_directory(output)
    directory.mkdir()
    os.rename(output, directory / "model")
    shutil.copytree(directory / "model", directory / "previous")
    assert same_vectors(train(text, output, resume=True), first)
    assert not directory.exists()
    # And between moving the old model away and anything else.
    directory.mkdir()
    os.rename(output, directory / "previous")
    assert same_vectors(train(text, output, resume=True), first)


# ── writing fails, training fails ─────────────────────────────────────────────────────────────────────────────────


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    interrupted(text, output, 500)
    kept = kept_checkpoint(output)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.arrays, "write", full)
    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    run = OutputRun(output, TrainingText(text, min_count=1), Options(**given), resume=True, checkpoint_every=1e-9)
    with pytest.raises(WordsparseError, match=f"No space left on device.*{kept.name} is kept"):
        run.train()  # the model cannot be written either
    assert caplog.text.count(f"No space left on device); training continues, and {kept}") > 3
    monkeypatch.undo()
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_a_state_that_is_not_finite_does_not_replace_a_good_one(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    kept = kept_checkpoint(output)

    def poison(run: Run) -> None:
        run.embedding.E[3, 2] = np.nan

    original = Run.train

    def poisoned(run: Run, report: Any, after_step: Callable[[Run], None]) -> None:
        def step(run: Run) -> None:
            poison(run)
            after_step(run)

        original(run, report, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "train", poisoned)
        with pytest.raises(TrainingError, match=f"batch_tokens.*{kept.name} is kept"):
            train(text, output, resume=True, checkpoint_every=1e-9)
    assert kept_checkpoint(output) == kept
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_a_run_that_diverges_keeps_the_last_checkpoint(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(text, output, 500)
    monkeypatch.setattr("wordsparse.training.loop.DIVERGED", -0.9)
    with pytest.raises(TrainingError, match=r"diverged.*batch_tokens.*checkpoint-000000001 is kept"):
        train(text, output, resume=True)
    assert kept_checkpoint(output).is_dir()


@pytest.mark.parametrize("damage", ["altered", "cut", "emptied"])
def test_a_text_that_changes_during_the_run_stops_it_with_a_checkpoint(
    text: Path, output: Path, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "BLOCK_VALUES", 64)
    ws.encode(text, tmp_path / "encoded", min_count=1)
    path = tmp_path / "encoded" / "shard-00000.i32"
    data = path.read_bytes()
    changed = {"altered": bytes([data[0] ^ 1]) + data[1:-4] + b"\xff\xff\xff\x7f", "cut": data[:5000], "emptied": b""}

    def change() -> None:
        path.write_bytes(changed[damage])

    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    with pytest.raises(ReadError, match=r"shard-00000\.i32: has changed.*checkpoint-000000001 is kept"):
        ws.train(path.parent, output=output, progress=after(500, change), **given)
    with pytest.raises(InputError, match=r"shard-00000\.i32"):
        ws.train(path.parent, output=output, resume=True, **given)
    path.write_bytes(data)
    assert same_vectors(ws.train(path.parent, output=output, resume=True, **given), ws.train(text, **SHORT))


def test_a_text_that_vanishes_during_the_run_is_read_on(
    text: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "BLOCK_VALUES", 64)
    ws.encode(text, tmp_path / "encoded", min_count=1)
    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    gone = after(500, lambda: shutil.rmtree(tmp_path / "encoded"))
    model = ws.train(tmp_path / "encoded", output=output, progress=gone, **given)
    assert same_vectors(model, ws.train(text, **SHORT))


def test_a_run_directory_that_someone_removes_is_made_again(text: Path, output: Path) -> None:
    gone = after(500, lambda: shutil.rmtree(run_directory(output)))
    assert same_vectors(ws.train(text, output=output, progress=gone, **SHORT), ws.train(text, **SHORT))
    assert not run_directory(output).exists()


def test_a_format_beside_an_encoded_text_is_refused(text: Path, output: Path, tmp_path: Path) -> None:
    ws.encode(text, tmp_path / "encoded", min_count=1)
    with pytest.raises(InputError, match="is already encoded: format applies to text only"):
        ws.train(tmp_path / "encoded", output=output, format="lines")
    assert not run_directory(output).exists()


# ── training on ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_run_is_left_as_it_is(text: Path, output: Path) -> None:
    first = train(text, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    again = train(text, output, resume=True)
    assert same_vectors(first, again)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert not run_directory(output).exists()


def test_more_epochs_on_a_finished_model_go_on_from_it(text: Path, output: Path) -> None:
    first = train(text, output)
    longer = train(text, output, epochs=5, resume=True)
    assert longer.report["loss"][:2] == first.report["loss"]
    assert len(longer.report["loss"]) == 5
    assert longer.report["tokens"] == 5 * 1800
    assert longer.report["loss"][4] < first.report["loss"][0]
    assert not same_vectors(first, longer)


def test_more_epochs_interrupted_and_resumed_end_in_the_same_bytes(text: Path, output: Path, tmp_path: Path) -> None:
    train(text, output)
    shutil.copytree(output, tmp_path / "copy")
    whole = train(text, tmp_path / "copy", epochs=4, resume=True)
    for tokens in (3601, 5000, 6500):
        interrupted(text, output, tokens, epochs=4, resume=True)
        assert len(ws.load(output).report["loss"]) == 2  # the old one stands until the new one is whole
    assert same_vectors(train(text, output, epochs=4, resume=True), whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 1}, "epochs was 2, not 1"),
        ({"epochs": 3, "window": 3}, "window was 5, not 3"),
        ({"epochs": 3, "min_count": 140}, "this is the text of the model, but min_count was 1, not 140"),
    ],
)
def test_other_options_on_the_same_text_are_refused(
    text: Path, output: Path, options: dict[str, Any], message: str
) -> None:
    train(text, output)
    with pytest.raises(InputError, match=message):
        train(text, output, resume=True, **options)


def test_a_new_text_adds_words_and_forgets_none(text: Path, output: Path, tmp_path: Path) -> None:
    first = train(text, output)
    other = write_text(tmp_path / "other.txt", seed=1, words=20, sentences=100)
    with other.open("a") as file:
        file.write("w3 once w4\n")
    second = train(other, output, resume=True, min_count=2, epochs=1)
    assert sorted(second.vocabulary.words) == sorted(f"w{i}" for i in range(20))
    counts = dict(zip(second.vocabulary.words, second.vocabulary.counts.tolist(), strict=True))
    assert sum(counts.values()) == 1800 + 602
    assert np.isfinite(second.vectors).all()
    assert second.report["tokens"] == 603
    assert len(second.report["loss"]) == 1
    # It starts from what was learnt: far below the loss of W = 0.
    assert second.report["loss"][0] < first.report["loss"][0]
    assert not run_directory(output).exists()
    # The same again is finished; more epochs on the new text are not.
    assert same_vectors(train(other, output, resume=True, min_count=2, epochs=1), second)
    third = train(other, output, resume=True, min_count=2, epochs=2)
    assert third.report["loss"][0] == second.report["loss"][0]


def test_what_was_learnt_is_there_before_the_first_step_on_a_new_text(tmp_path: Path, output: Path, text: Path) -> None:
    from wordsparse.training.texts import encoded

    model = train(text, output)
    before = ws.load(output)
    other = write_text(tmp_path / "other.txt", seed=1, words=20, sentences=100)
    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    with encoded(TrainingText(other, min_count=1)) as corpus:
        run = on_new_text(model, corpus, Options(**given))
    rows = before.vocabulary.rows_in(run.vocabulary)
    output_layer = run.embedding.output
    pi = np.sqrt(before.vocabulary.counts) / np.sqrt(before.vocabulary.counts).sum()
    np.testing.assert_allclose(output_layer.rows(rows), before.output_rows / np.sqrt(pi)[:, None], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run.embedding.E[rows], before.input_rows)
    new = np.setdiff1d(np.arange(20), rows)
    assert not output_layer.rows(new).any()
    assert not run.embedding.mass[new].any()
    # Q and w̄ are those of the weights in the new measure.
    W = output_layer.weights().astype(np.float64)
    p2 = output_layer.p**2
    np.testing.assert_allclose(output_layer.factors.Q, (W * p2[:, None]).T @ W, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(output_layer.factors.w_bar, p2 @ W, rtol=1e-4, atol=1e-6)


def test_a_new_text_interrupted_and_resumed_ends_in_the_same_bytes(text: Path, output: Path, tmp_path: Path) -> None:
    train(text, output)
    shutil.copytree(output, tmp_path / "copy")
    other = write_text(tmp_path / "other.txt", seed=1, words=20)
    whole = train(other, tmp_path / "copy", resume=True)
    for tokens in (1, 1000, 2000):
        interrupted(other, output, tokens, resume=True)
    with pytest.raises(InputError, match="the text is another one"):
        train(text, output, resume=True)
    assert same_vectors(train(other, output, resume=True), whole)


@pytest.mark.parametrize("options", [{"dim": 5}, {"model": "skipgram"}, {"loss": "squared"}])
def test_a_new_text_keeps_the_kind_of_model(text: Path, output: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    train(text, output)
    other = write_text(tmp_path / "other.txt", seed=1)
    with pytest.raises(InputError, match="keeps its kind, loss and dimension"):
        train(other, output, resume=True, **options)


def test_a_checkpoint_whose_model_is_gone_is_refused(text: Path, output: Path, tmp_path: Path) -> None:
    train(text, output)
    interrupted(text, output, 4000, epochs=4, resume=True)
    shutil.move(output, tmp_path / "away")
    with pytest.raises(InputError, match="the model that this run started from is gone"):
        train(text, output, epochs=4, resume=True)
    shutil.move(tmp_path / "away", output)
    train(text, output, epochs=4, resume=True)


def test_what_a_finished_run_left_behind_is_no_run(text: Path, output: Path, tmp_path: Path) -> None:
    # As after a kill between the last rename and the removal of the run directory.
    interrupted(text, output, 500)
    shutil.copytree(run_directory(output), tmp_path / "left")
    first = train(text, output, resume=True)
    shutil.copytree(tmp_path / "left", run_directory(output))
    assert same_vectors(train(text, output, resume=True), first)
    assert not run_directory(output).exists()


def test_vectors_alone_cannot_be_trained_on(text: Path, output: Path) -> None:
    model = ws.train(text, **SHORT)
    ws.Model(model.vocabulary, model.input_rows, model.output_rows, model.options, model.report).save(output)
    with pytest.raises(InputError, match="holds its vectors only"):
        train(text, output, epochs=3, resume=True)


def test_what_a_model_needs_to_be_trained_on_is_small(text: Path, output: Path) -> None:
    model = train(text, output)
    manifest = json.loads((output / "model.json").read_text())
    d = model.dim + 1
    assert (output / "training.bin").stat().st_size <= 8 * len(model.vocabulary) + 8 * (6 * d * d + 4 * d)
    assert manifest["version"] == 2


def test_another_tokenizer_is_refused_on_resuming(tmp_path):
    """A text with other tokens was taken for a new text, whose words were added to the model's."""
    text = tmp_path / "text.txt"
    text.write_text("The cat, the dog. A cat; a dog!\n" * 40)
    ws.train(text, output=tmp_path / "model", tokens="simple", **SHORT)
    for changed, said in [
        ({"tokens": "split"}, "tokens was simple, not split"),
        ({"tokens": "simple", "phrases": 1}, "phrases was 0, not 1"),
        ({}, "tokens was simple, not split"),
    ]:
        with pytest.raises(InputError, match=f"resume: .*{said}.*use the original options"):
            ws.train(text, output=tmp_path / "model", resume=True, **changed, **{**SHORT, "epochs": 3})
    more = ws.train(text, output=tmp_path / "model", resume=True, tokens="simple", **{**SHORT, "epochs": 3})
    assert len(more.report["loss"]) == 3
    corpus = ws.encode(text, tmp_path / "encoded", tokens="simple", min_count=1)
    for option, said in [({"tokens": "split"}, "tokens simple, not split"), ({"phrases": 1}, "phrases 0, not 1")]:
        with pytest.raises(InputError, match=f"was encoded with {said}"):
            ws.train(corpus, **option, dim=5)
    with pytest.raises(InputError, match="column applies to text only"):
        ws.train(corpus, column="text", dim=5)
