"""A run that is ended by a signal or an exception leaves a checkpoint or a model, and a message names it."""

import os
import signal

import pytest
from support.runs import KEPT, check_resumed, no_space, once_after, run_directory, train
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import TrainingError, WordsparseError
from wordsparse.files import arrays
from wordsparse.training.interruption import SIGNALS, Interrupted
from wordsparse.words.embedding import WordEmbedding


@pytest.mark.parametrize("kind", [ZeroDivisionError, OSError, SystemExit, GeneratorExit])
def test_a_progress_callback_that_raises_leaves_a_checkpoint(text, output, kind):
    """An exception in the user's callback must not lose the work of the run."""

    def fail():
        raise kind("of the callback")

    with pytest.raises(kind, match="of the callback") as raised:
        train(text, output, progress=once_after(500, fail))
    assert [KEPT in note for note in raised.value.__notes__] == [True]
    check_resumed(text, output)


def test_an_exception_inside_a_step_leaves_the_checkpoint_before(text, output, monkeypatch):
    """A run cannot be resumed from the middle of a step."""
    follow, steps = WordEmbedding.follow, []

    def failing(*arguments):
        follow(*arguments)
        steps.append(arguments)
        if len(steps) == 20:
            raise MemoryError

    with pytest.raises(Interrupted):
        train(text, output, 500)
    monkeypatch.setattr(WordEmbedding, "follow", failing)
    with pytest.raises(TrainingError, match=f"out of memory; .*{KEPT}"):
        train(text, output, resume=True)
    monkeypatch.undo()
    check_resumed(text, output)


@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_that_ends_a_process_leaves_a_checkpoint(text, output, number):
    """The signals include SIGHUP, which a closed terminal sends."""
    with pytest.raises(Interrupted, match=KEPT):
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), number)))
    check_resumed(text, output)


def test_a_second_signal_stops_the_run_without_a_checkpoint(text, output):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="interrupted; there is no checkpoint"):
        train(text, output, progress=once_after(500, twice))
    assert not run_directory(output).exists()


def test_a_signal_that_the_parent_ignores_stays_ignored(text, output):
    """``nohup wordsparse train`` must continue when its terminal closes."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        train(text, output, progress=once_after(500, lambda: os.kill(os.getpid(), signal.SIGHUP)))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert same_vectors(ws.load(output), ws.train(text, **SHORT))


def test_a_signal_while_the_model_is_written_waits_for_it(text, output, monkeypatch):
    """If the signal ended the process while it was writing the model, the whole run would be lost."""
    save = ws.Model.save

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(ws.Model, "save", interrupted)
    with pytest.raises(Interrupted, match=r"interrupted; the model was complete and is in .*model"):
        train(text, output)
    assert same_vectors(ws.load(output), ws.train(text, **SHORT))


def test_a_trained_model_that_cannot_be_written_is_kept_to_be_written_later(text, output, monkeypatch):
    """The model is kept as a checkpoint, even if the run had written no checkpoint before."""
    write = arrays.write

    def failing(path, state):
        return no_space() if path.name == "training.bin" else write(path, state)

    monkeypatch.setattr(arrays, "write", failing)
    with pytest.raises(WordsparseError, match=f"model: writing failed: No space left on device .free .*; .*{KEPT}"):
        train(text, output)
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(WordEmbedding, "follow", lambda *_: pytest.fail("trained again"))
        model = train(text, output, resume=True)
    assert same_vectors(model, ws.train(text, **SHORT))
    assert same_vectors(ws.load(output), model)
    assert not run_directory(output).exists()
