"""The options of :func:`wordsparse.train`: those of the steps, of the text, and of the run itself."""

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
    """Where a run leaves its model, how it survives its process, where it starts, and what it shows."""

    init: Start | None = option(
        None,
        "Vectors to start from, of the same dim: a model, or a file that `evaluate` reads, such as word2vec's or "
        "fastText's .vec.",
        metavar="VECTORS",
    )
    output: str | PathLike[str] | None = option(
        None,
        "Model directory to write; with it the run writes checkpoints beside it and survives its process.",
        cli=None,
    )
    checkpoint_every: float = option(
        600.0,
        "Seconds between checkpoints, which are in OUTPUT.training until the model is written; with 0, only an "
        "interrupted run writes one. Training waits while a checkpoint is written.",
        metavar="SECONDS",
        check=non_negative,
    )
    resume: bool = option(
        False,
        "Resume an interrupted run for this output (the final model has the same bytes as without interruption), or "
        "continue to train a finished model: for more epochs on its text, or on a new text. If the output has neither, "
        "start a new run. Options that are not given are those of the run or the model.",
    )
    log: str | PathLike[str] | None = option(
        None,
        "Append the progress of the run to FILE, a JSON object on each line, at most one a second and one an epoch.",
        metavar="FILE",
    )
    progress: ProgressOption = option(
        "auto",
        '"auto" and True show a line that is written over in a terminal or a notebook, and a line now and then in '
        "a log; False shows nothing. A callable is called with a Progress after every minibatch; an exception of it "
        "ends the run, and a run with an output leaves a checkpoint then.",
        cli=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.output is None:
            raise InputError("resume needs an output: the checkpoints of the interrupted run are beside it")

    def vectors(self) -> WordVectors | None:
        """The vectors to start from, None without ``init``; InputError if its file cannot be read."""
        if isinstance(self.init, Model):
            return self.init.wv
        return self.init if self.init is None or isinstance(self.init, WordVectors) else read_vectors(self.init)

    def call(self) -> dict[str, Any]:
        """The options that a model records, as JSON holds them; what the run shows and where it leaves it are none."""
        silent = ("output", "resume", "progress", "log", *(["checkpoint_every"] if self.output is None else []))
        call = {name: value for name, value in vars(self).items() if value is not None and name not in silent}
        if self.init is not None:
            # A run that is repeated without them would be another one: as the name of a file, this is refused.
            call["init"] = os.fspath(self.init) if isinstance(self.init, str | PathLike) else "(vectors in memory)"
        return call


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions, TextOptions, Options):
    """All options of a training on text, for signatures, help and types; the parts themselves hold and check values."""
