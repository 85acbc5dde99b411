"""A run with an output over several ranks: that of :mod:`wordsparse.training.output_run`, agreed upon by all of them.

The text and the output are on a file system that all ranks see; nothing else is. Rank 0 holds the lock of the run
directory, encodes the text and writes: checkpoints and the model have the format of a run in one process, so a run goes
on with another number of ranks, or with one process. The rows come to rank 0 a block at a time and go to the disk.

All ranks raise an error that all of them can meet. One that strikes a single rank ends the job at once: the newest
checkpoint is the one to go on from.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus
from wordsparse.display import write
from wordsparse.distributed import gpus
from wordsparse.distributed.agreement import check_same, ending_all
from wordsparse.distributed.ranks import Ranks, gather_json, on_first, together
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import storage
from wordsparse.kernels import diagnosis
from wordsparse.training import memory
from wordsparse.training.checkpoints import Checkpointer
from wordsparse.training.gathering import gathered
from wordsparse.training.interruption import Interrupted, stop_requests
from wordsparse.training.loop import Run
from wordsparse.training.output_run import OutputRun, disk_bytes, newest_checkpoint
from wordsparse.training.progress import Progress
from wordsparse.training.resume import check_rank_goes_on
from wordsparse.training.run_directory import CORPUS, MODEL, ROWS, SOURCE, RunDirectory
from wordsparse.training.texts import encoded_once
from wordsparse.training.trained import TrainedModel
from wordsparse.words.model_directory import INPUT, OUTPUT

Array = NDArray[Any]

logger = logging.getLogger(__name__)


class RanksCheckpointer(Checkpointer):
    """Writes the checkpoints of all ranks as one, while all of them wait."""

    def __init__(self, ranks: Ranks, *given: Any) -> None:
        super().__init__(*given)
        self._ranks = ranks

    def after_step(self, run: Run) -> None:
        due = bool(self._every) and time.monotonic() >= self._due and self._ranks.rank == 0
        stop, due_now = self._ranks.sum(np.array([self._stop.received > 0, due], np.int64))
        if not stop and not due_now:
            return
        self._write_together(run)
        if stop:
            failure, self._failure = self._failure, None
            kept = self.kept() if failure is None else f"no checkpoint could be written ({failure}); {self.kept()}"
            where = f"interrupted after {run.state.tokens:,} of {run.total_tokens:,} tokens"
            error = Interrupted(f"{where}: {kept}")
            self._ranks.agreed = error
            raise error
        self.finish()
        self._due = time.monotonic() + self._every

    def save(self, run: Run) -> str:
        # Called where one rank fails: the others are not there to write with.
        return self.kept()

    def _write_together(self, run: Run) -> None:
        with gathered(run.embedding, self._ranks, self._directory.place(ROWS)) as state:
            if self._ranks.rank == 0 and isinstance(state, dict):
                self._write(state, run.state.as_dict())
            elif self._ranks.rank == 0:
                self._failure = str(state)
            self.count = gather_json(self._ranks, self.count)[0]


@dataclass(frozen=True)
class RanksRun(OutputRun):
    """A run that several ranks share; every rank calls its :meth:`train`."""

    def train(
        self,
        *,
        encoding: Callable[[int], None] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> TrainedModel:
        """As :meth:`OutputRun.train`; the model's rows are read from the output.

        Raises
        ------
        InputError
            On all ranks, also if they were not started alike, or the request is one for a single process.
        """
        directory = RunDirectory(self.output)
        with ending_all(self.ranks, lambda line: write(f"wordsparse: {line}"), lambda: _kept(directory)):
            return self._train(directory, encoding, progress)

    def _train(
        self,
        directory: RunDirectory,
        encoding: Callable[[int], None] | None,
        progress: Callable[[Progress], None] | None,
    ) -> TrainedModel:
        ranks = self.ranks
        check_same(ranks, self._facts())
        together(ranks, self._check)
        if self.options.device == "cuda":
            gpus.check_apart(ranks)
        with stop_requests() as stop, ExitStack() as stack:
            on_first(ranks, lambda: stack.enter_context(directory))
            base, base_digest = together(ranks, lambda: self._base(directory))
            on_first(ranks, lambda: newest_checkpoint(directory, base_digest))  # removes those of runs that ended
            checkpoint = together(ranks, lambda: newest_checkpoint(directory, base_digest))
            known = None if base is None else base.vocabulary
            there = directory.path / CORPUS, directory.path / SOURCE
            corpus = encoded_once(self.text, *there, known, encoding, ranks)
            request = self._request(corpus, base_digest)
            check_same(ranks, {"text": corpus.sha256, "init": request["init"]})
            if checkpoint is not None:
                together(ranks, lambda: self._check_request(checkpoint, request, corpus))
            together(ranks, lambda: _check_rows(corpus, ranks))
            if base is not None and not self._goes_on(base, corpus):
                return self._finished(base)
            run = self._new_run(base, corpus)
            assert run is not None
            del base
            if checkpoint is not None:
                together(ranks, lambda: checkpoint.restore_part(run))
                done, total = f"{run.state.tokens:,}", f"{run.total_tokens:,}"
                logger.info("resuming after %s of %s tokens (%s)", done, total, checkpoint.path)
            count = 0 if checkpoint is None else checkpoint.count
            keeper = RanksCheckpointer(ranks, directory, request, self.checkpoint_every, stop, count)
            on_first(ranks, lambda: directory.reserve(2 * disk_bytes(run)))  # rows, on their way too
            ranks.watch(True)
            try:
                return self._finish(run, keeper, directory, stop, progress)
            finally:
                ranks.watch(False)

    def _goes_on(self, model: TrainedModel, corpus: EncodedCorpus) -> bool:
        return together(self.ranks, lambda: check_rank_goes_on(model, corpus, self.options))

    def _facts(self) -> dict[str, Any]:
        """What must be the same on all ranks for the same numbers."""
        versions = {"version": metadata.version("wordsparse"), "numpy": metadata.version("numpy")}
        facts = {**versions, **diagnosis.rounding(), **gpus.facts(self.options.device)}
        asked = {**self.options.as_dict(), **self.text.as_dict(), "resume": self.resume, "init": self.init is not None}
        return facts | asked | {"output": str(self.output), "checkpoint_every": self.checkpoint_every}

    def _check(self) -> None:
        validation.non_negative("checkpoint_every", self.checkpoint_every)
        storage.check_parent(self.output)
        memory.check_dim(self.options.dim)
        for name, asked, instead in (
            ("subwords", self.options.subwords, "run `wordsparse subwords` on the model afterwards"),
            ("bootstrap", self.bootstrap > 0, "train the resamples in one process"),
        ):
            if asked:
                raise InputError(f"{name}: not over several ranks: {instead}")

    def _written(self, run: Run, keeper: Checkpointer, directory: RunDirectory) -> TrainedModel:
        directory.release_reserve()
        with gathered(run.embedding, self.ranks, directory.place(ROWS)) as state:
            whole = state if state and isinstance(state, dict) else None
            model = run.model(keeper.count, self.call, whole)

            def install() -> None:
                if isinstance(state, str):
                    raise WordsparseError(state)
                model.save(directory.place(MODEL))
                with storage.writing(self.output):
                    directory.install()

            on_first(self.ranks, install)
        E, W = (np.load(self.output / name, mmap_mode="r") for name in (INPUT, OUTPUT))
        return TrainedModel(model.vocabulary, E, W, model.options, model.report, call=self.call)


def _check_rows(corpus: EncodedCorpus, ranks: Ranks) -> None:
    words = len(corpus.vocabulary)
    if words < ranks.size:
        raise InputError(f"{ranks.size} ranks for a vocabulary of {words:,} words: every rank needs a row; start fewer")


def _kept(directory: RunDirectory) -> str:
    """A sentence about the checkpoint that there is."""
    checkpoints = directory.checkpoints()
    return f"{checkpoints[0]} is kept; resume from it with --resume" if checkpoints else "there is no checkpoint"
