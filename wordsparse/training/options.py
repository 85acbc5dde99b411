"""The options of :func:`wordsparse.train`, which concern the steps, the text, and the run itself."""

import os
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeAlias

from wordsparse.corpus.options import TextOptions
from wordsparse.errors import InputError
from wordsparse.options import Checked, option
from wordsparse.training.progress import ProgressOption
from wordsparse.validation import non_negative
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model
from wordsparse.words.model_directory import read_vectors
from wordsparse.words.options import Options

Start: TypeAlias = str | PathLike[str] | WordVectors | Model


@dataclass(frozen=True, kw_only=True)
class RunOptions(Checked):
    """Options of a run: where it starts, where it writes its model and checkpoints, and what it shows."""

    init: Start | None = option(
        None,
        "Vectors of the same dim to start from: a model, or a file that `evaluate` reads, such as word2vec's or "
        "fastText's .vec.",
        metavar="VECTORS",
    )
    output: str | PathLike[str] | None = option(
        None,
        "Model directory to write. Checkpoints next to this directory allow the run to be resumed.",
        cli=None,
    )
    checkpoint_every: float = option(
        600.0,
        "Seconds between checkpoints, which are in OUTPUT.training until the model is written; with 0, only an "
        "interrupted run writes a checkpoint. Training waits while a checkpoint is written.",
        metavar="SECONDS",
        check=non_negative,
    )
    resume: bool = option(
        False,
        "Resume an interrupted run for this output (the final model has the same bytes as without interruption), or "
        "continue to train a finished model: for more epochs on its text, or on a new text. Options for the text and "
        "the steps that you leave out are taken from the run or the model.",
    )
    overwrite: bool = option(
        False,
        "Replace the model at the output, and discard an unfinished run for it. The old model stays in place until the "
        "new model is complete.",
    )
    log: str | PathLike[str] | None = option(
        None,
        "Append the progress of the run to FILE as JSON lines: at most one per second, and one for each held-out loss.",
        metavar="FILE",
    )
    progress: ProgressOption = option(
        "auto",
        '"auto" and True show a line that updates itself in a terminal or notebook, and occasional lines in '
        "a log; False shows nothing. A callable is called with a Progress after every minibatch. If the callable "
        "raises an exception, the run ends, and a run with an output leaves a checkpoint.",
        cli=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.output is None:
            raise InputError(
                "resume needs an output: give the output of the interrupted run, which has checkpoints next to it"
            )
        if self.resume and self.overwrite:
            raise InputError("resume continues the model that overwrite replaces: leave out one of them")

    def vectors(self) -> WordVectors | None:
        """Return the vectors to start from, or None if ``init`` is not given. Raise InputError if the vectors cannot be
        read."""
        if isinstance(self.init, Model):
            return self.init.wv
        return self.init if self.init is None or isinstance(self.init, WordVectors) else read_vectors(self.init)

    def call(self) -> dict[str, Any]:
        """Return the options that a model records, as JSON. The options for display and output are not recorded."""
        silent = (
            "output",
            "resume",
            "overwrite",
            "progress",
            "log",
            *(["checkpoint_every"] if self.output is None else []),
        )
        call = {name: value for name, value in vars(self).items() if value is not None and name not in silent}
        if self.init is not None:
            # Vectors in memory cannot be recorded. The placeholder names no file, so repeating the run with the
            # placeholder is refused.
            call["init"] = os.fspath(self.init) if isinstance(self.init, str | PathLike) else "(vectors in memory)"
        return call


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions, TextOptions, Options):
    """All options for training on text, for signatures, help and types. The base classes hold and check the values."""
