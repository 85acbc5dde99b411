"""A run that ends by a signal or an exception leaves a checkpoint or a model, and its message names it."""

import itertools
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.texts import SHORT, same_vectors, write_text

import wordsparse as ws
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.files import arrays
from wordsparse.training import output_run
from wordsparse.training.interruption import FIRST_SIGNAL, SIGNALS, Interrupted, stop_requests
from wordsparse.training.progress import Progress
from wordsparse.training.run_directory import RESERVE, RunDirectory
from wordsparse.words.embedding import WordEmbedding

KEPT = "checkpoint-000000001 is kept; resume from it with --resume"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "model"


def run_directory(output: Path) -> Path:
    return output.with_name("model.training")


def once_after(tokens: int, do: Callable[[], object]) -> Callable[[Progress], None]:
    """A progress callback that does something once, after so many tokens."""
    done: list[bool] = []

    def progress(progress: Progress) -> None:
        if progress.tokens >= tokens and not done:
            done.append(True)
            do()

    return progress


def raising(error: BaseException) -> Callable[[Progress], None]:
    def fail() -> None:
        raise error

    return once_after(500, fail)


def train(text: Path, output: Path, **options: Any) -> ws.Model:
    return ws.train(text, output=output, **{**SHORT, **options})


def check_resumed(text: Path, output: Path) -> None:
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))
    assert not run_directory(output).exists()


# ── exceptions ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [ZeroDivisionError, OSError, SystemExit, GeneratorExit])
def test_a_progress_callback_that_raises_leaves_a_checkpoint(
    text: Path, output: Path, kind: type[BaseException]
) -> None:
    """The run was thrown away, with all that it had trained."""
    with pytest.raises(kind, match="of the callback") as raised:
        train(text, output, progress=raising(kind("of the callback")))
    assert [KEPT in note for note in raised.value.__notes__] == [True]
    check_resumed(text, output)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (MemoryError(), TrainingError, f"out of memory; .*{KEPT}"),
        (KeyboardInterrupt(), Interrupted, f"interrupted; .*{KEPT}"),
        (WordsparseError("not now"), WordsparseError, f"not now; .*{KEPT}"),
    ],
)
def test_errors_that_a_command_shows_say_what_is_kept(
    text: Path, output: Path, error: BaseException, expected: type[BaseException], message: str
) -> None:
    with pytest.raises(expected, match=message):
        train(text, output, progress=raising(error))
    check_resumed(text, output)


def test_an_exception_inside_a_step_leaves_the_checkpoint_before(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a step is no state to go on from."""
    step, steps = WordEmbedding.step, []

    def failing(*arguments: Any) -> float:
        loss = step(*arguments)
        steps.append(loss)
        if len(steps) == 20:
            raise MemoryError
        return loss

    with pytest.raises(Interrupted):
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    monkeypatch.setattr(WordEmbedding, "step", failing)
    with pytest.raises(TrainingError, match=f"out of memory; .*{KEPT}"):
        train(text, output, resume=True)
    monkeypatch.undo()
    check_resumed(text, output)


# ── signals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_that_ends_a_process_leaves_a_checkpoint(text: Path, output: Path, number: int) -> None:
    """A terminal that was closed, SIGHUP, killed the run without one."""
    with pytest.raises(Interrupted, match=KEPT):
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), number)))
    check_resumed(text, output)


def test_the_first_signal_says_what_the_second_one_does(caplog: pytest.LogCaptureFixture) -> None:
    with stop_requests() as stop:
        stop.awaited = True
        os.kill(os.getpid(), signal.SIGINT)
        assert caplog.messages == [FIRST_SIGNAL]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert (stop.received, caplog.messages) == (2, [FIRST_SIGNAL])


def test_a_second_signal_stops_the_run_without_a_checkpoint(text: Path, output: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="interrupted; there is no checkpoint"):
        train(text, output, progress=once_after(500, twice))
    assert not run_directory(output).exists()


def test_a_signal_that_the_parent_ignores_stays_ignored(text: Path, output: Path) -> None:
    """``nohup wordsparse train`` outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), signal.SIGHUP)))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert same_vectors(ws.load(output), ws.train(text, **SHORT))


def test_a_signal_while_the_model_is_written_waits_for_it(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the process in the middle of the write, and nothing of the run was left."""
    save = ws.Model.save

    def interrupted(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(ws.Model, "save", interrupted)
    with pytest.raises(Interrupted, match=r"interrupted; the model was complete and is in .*model"):
        train(text, output)
    assert same_vectors(ws.load(output), ws.train(text, **SHORT))


# ── the end of a run ──────────────────────────────────────────────────────────────────────────────────────────────


def no_space(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_trained_model_that_cannot_be_written_is_kept_to_be_written_later(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was lost where the run had written no checkpoint before."""
    write = arrays.write

    def failing(path: Path, state: Any) -> Any:
        return no_space() if path.name == "training.bin" else write(path, state)

    monkeypatch.setattr(arrays, "write", failing)
    with pytest.raises(WordsparseError, match=f"No space left on device; .*{KEPT}"):
        train(text, output)
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(WordEmbedding, "step", lambda *_: pytest.fail("trained again"))
        model = train(text, output, resume=True)
    assert same_vectors(model, ws.train(text, **SHORT))
    assert same_vectors(ws.load(output), model)
    assert not run_directory(output).exists()


def test_a_model_that_cannot_be_put_at_its_place_is_kept(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunDirectory, "install", no_space)
    with pytest.raises(WordsparseError, match=r"model\.training; --resume moves it to the output"):
        train(text, output)
    monkeypatch.undo()
    check_resumed(text, output)


def test_a_model_that_a_new_one_cannot_replace_is_put_back(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, rename = train(text, output), os.rename

    def failing(source: Any, target: Any) -> None:
        if Path(source).name == "model":
            no_space() if Path(source).parent.name == "model.training" else rename(source, target)
        else:
            rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(WordsparseError, match="the finished model is in"):
        train(text, output, resume=True, epochs=3)
    monkeypatch.undo()
    assert same_vectors(ws.load(output), first)
    assert len(train(text, output, resume=True, epochs=3).report["loss"]) == 3
    assert not run_directory(output).exists()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot take disk space ahead")
def test_a_disk_that_is_too_small_for_the_model_is_found_before_the_training(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    monkeypatch.setattr(WordEmbedding, "step", lambda *_: pytest.fail("trained"))
    with pytest.raises(InputError, match=r"model: the model takes [\d,]+ bytes: No space left on device"):
        train(text, output)
    assert not run_directory(output).exists()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot take disk space ahead")
def test_the_space_taken_ahead_holds_the_model(text: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    look = once_after(500, lambda: taken.append((run_directory(output) / RESERVE).stat().st_size))
    train(text, output, progress=look)
    assert taken[0] >= sum(path.stat().st_size for path in output.iterdir())
    assert not run_directory(output).exists()


def test_a_file_system_that_cannot_promise_space_is_used_as_it_is(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    train(text, output)


def test_a_checkpoint_of_the_end_needs_no_text_any_more(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Interrupted after the last minibatch, the run ends in the same bytes."""
    with pytest.raises(Interrupted, match=KEPT):
        train(text, output, progress=once_after(3600, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    shutil.copytree(run_directory(output), tmp_path / "copy")
    check_resumed(text, output)
    assert output_run.CHECKPOINT_EVERY == 600


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_jumps_changes_nothing(text: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are due by a clock that only goes forward; the wall clock may say anything."""
    jumps = itertools.cycle([0.0, 4e9, -1e6, 1e9])
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: next(jumps))
        patch.setattr(time, "time_ns", lambda: int(1e9 * next(jumps)))
        never = train(text, output, checkpoint_every=1e6)
    assert never.report["checkpoints"] == 0
    assert 0 < never.report["wall_seconds"] < 600
    assert same_vectors(never, ws.train(text, **SHORT))


@pytest.mark.parametrize("seconds", [-(10**9), 10**9])
def test_a_text_of_another_time_is_read_again_and_is_the_same(text: Path, output: Path, seconds: int) -> None:
    with pytest.raises(Interrupted, match=KEPT):
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    now = text.stat().st_mtime
    os.utime(text, (now + seconds, now + seconds))
    check_resumed(text, output)


def test_a_text_that_was_changed_behind_its_time_is_another_one(text: Path, output: Path) -> None:
    """Size, time and inode were those of the text that was encoded; the change went unnoticed."""
    with pytest.raises(Interrupted, match=KEPT):
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    stood = text.stat()
    with text.open("r+") as file:
        file.write("w0 w0 w0")
    os.utime(text, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    with pytest.raises(InputError, match="the text is another one"):
        train(text, output, resume=True)
