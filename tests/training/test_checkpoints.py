"""If a checkpoint cannot be written, the run continues and the previous checkpoint is kept."""

import pytest
from support.runs import interrupted, kept_checkpoint, no_space, train
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import WordsparseError
from wordsparse.training import checkpoints


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on(text, output, monkeypatch, caplog):
    interrupted(text, output, 500)
    kept = kept_checkpoint(output)
    monkeypatch.setattr(checkpoints.arrays, "write", no_space)
    with pytest.raises(WordsparseError, match=f"No space left on device.*{kept.name} is kept"):
        train(text, output, resume=True, checkpoint_every=1e-9)  # writing the model also fails
    assert caplog.text.count("or choose another output)); training continues") > 3
    monkeypatch.undo()
    assert same_vectors(train(text, output, resume=True), ws.train(text, **SHORT))
