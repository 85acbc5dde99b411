"""If a checkpoint cannot be written, the run continues and the previous checkpoint is kept."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.runs import interrupted, kept_checkpoint, no_space, train
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import TrainingError, WordsparseError
from wordsparse.training import checkpoints
from wordsparse.training.loop import Run
from wordsparse.training.progress import Progress


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on(
    text: Path, output: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    interrupted(text, output, 500)
    kept = kept_checkpoint(output)
    monkeypatch.setattr(checkpoints.arrays, "write", no_space)
    with pytest.raises(WordsparseError, match=f"No space left on device.*{kept.name} is kept"):
        train(text, output, resume=True, checkpoint_every=1e-9)  # the model cannot be written either
    assert caplog.text.count("or choose another output)); training continues") > 3
    monkeypatch.undo()
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))


def test_a_state_that_is_not_finite_does_not_replace_a_good_one(text: Path, output: Path) -> None:
    interrupted(text, output, 500)
    kept = kept_checkpoint(output)

    original = Run.steps

    def poisoned(run: Run) -> Iterator[Progress]:
        for step in original(run):
            run.embedding.E[3, 2] = np.nan
            yield step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "steps", poisoned)
        with pytest.raises(TrainingError, match=f"batch_tokens.*{kept.name} is kept"):
            train(text, output, resume=True, checkpoint_every=1e-9)
    assert kept_checkpoint(output) == kept
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))
