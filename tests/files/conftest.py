"""A model, an encoded corpus and a checkpoint, made once for all tests of files."""

import os
import shutil
from pathlib import Path

import pytest
from support.texts import SHORT, write_text

import wordsparse as ws
from wordsparse.training.interruption import Interrupted


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with ``text.txt`` and a ``model``, a ``checkpoint`` and a ``corpus`` (two shards) made from it."""
    folder = tmp_path_factory.mktemp("whole")
    text = write_text(folder / "text.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordsparse.corpus.draft.SHARD_TOKENS", 1000)
        ws.encode(text, folder / "corpus", min_count=1)
    ws.train(text, output=folder / "model", **SHORT)

    def stop(progress: object) -> None:
        os.kill(os.getpid(), 15)

    with pytest.raises(Interrupted):
        ws.train(text, output=folder / "run", progress=stop, **SHORT)
    (checkpoint,) = (folder / "run.training").glob("checkpoint-*")
    shutil.move(checkpoint, folder / "checkpoint")
    return folder
