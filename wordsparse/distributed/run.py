"""A run over several ranks: that of :mod:`wordsparse.training`, agreed upon by all of them.

The text and the output are on a file system that all ranks see; nothing else is. Rank 0 holds the lock of the run
directory, encodes the text and writes: checkpoints and the model have the format of a run in one process, so a run goes
on with another number of ranks, or with one process. The rows come to rank 0 a block at a time and go to the disk.

All ranks raise an error that all of them can meet. One that strikes a single rank ends the job at once: the newest
checkpoint is the one to go on from. A rank that dies is noticed by the launcher, which ends the others.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from os import PathLike
from typing import Any

import numpy as np

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.corpus.options import EncodeOptions
from wordsparse.corpus.reading import Source
from wordsparse.distributed import gpus
from wordsparse.distributed.embedding import ShardedEmbedding
from wordsparse.distributed.encoding import encode as encode_together
from wordsparse.distributed.launch import ranks as launched_ranks
from wordsparse.distributed.output import ShardedOutput
from wordsparse.distributed.ranks import (
    ONE,
    Ranks,
    agreed,
    check_same,
    ending_all,
    gather_json,
    on_first,
    together,
)
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import arrays, storage
from wordsparse.kernels import at_work, diagnosis
from wordsparse.machine import devices, threads
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.options import taking
from wordsparse.training import memory, texts
from wordsparse.training.checkpoints import STATE, Checkpoint, Checkpointer
from wordsparse.training.interruption import Interrupted, stop_requests
from wordsparse.training.loop import Run, started
from wordsparse.training.minibatches import Minibatches
from wordsparse.training.model import Model
from wordsparse.training.options import TrainOptions
from wordsparse.training.output_run import OutputRun, disk_bytes, newest_checkpoint
from wordsparse.training.progress import Progress
from wordsparse.training.resume import check_more_epochs, is_same_text, with_epochs
from wordsparse.training.run_directory import CORPUS, MODEL, ROWS, SOURCE, RunDirectory
from wordsparse.training.runs import described_call, reports, requested, start_vectors
from wordsparse.training.runs import train as train_alone
from wordsparse.words.embedding import WordEmbedding
from wordsparse.words.examples import Examples
from wordsparse.words.model_directory import INPUT, OUTPUT

logger = logging.getLogger(__name__)


@taking(TrainOptions)
def train(corpus: Source | EncodedCorpus, asked: TrainOptions) -> Model:
    """As :func:`wordsparse.train`, by all ranks that a launcher started; each of them calls it, with an output.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        The same on all ranks.
    {options}
    """
    ranks = launched_ranks()
    if ranks.size == 1:
        return train_alone(corpus, **vars(asked))

    def request() -> Any:
        chosen, text, run = requested(corpus, asked)
        if run.output is None:
            raise InputError(f"{ranks.size} processes were started: they train one model, for an output: name it")
        gpus.choose(chosen.device, ranks)
        return replace(chosen, form=0.0), text, run, start_vectors(run.init), chosen.form > 0

    chosen, text, run, start, subwords = together(ranks, request)
    with reports(run.progress if ranks.rank == 0 else False) as (encoding, training):
        call = described_call(text, run)
        model = RanksRun(text, chosen, run, start, call, ranks).train(encoding=encoding, progress=training)
    if subwords:
        logger.info("n-grams are not fitted over several ranks: run `wordsparse subwords` on the model")
    return model


@taking(EncodeOptions)
def encode(source: Source, output: str | PathLike[str], asked: EncodeOptions) -> EncodedCorpus:
    """As :func:`wordsparse.encode`, by all ranks that a launcher started; each of them calls it.

    Parameters
    ----------
    source, output
        The same on all ranks.
    {options}
    """
    ranks = launched_ranks()
    given: dict[str, Any] = {**asked.given(), "known": asked.known, "threads": asked.threads}
    given["progress"] = asked.progress if ranks.rank == 0 else None
    with ending_all(ranks, lambda: "nothing was written"):
        return encode_together(ranks, source, output, **given)


class ShardedRun(Run):
    """This rank's part of a run: its share of every minibatch, and its own rows."""

    embedding: ShardedEmbedding

    def __init__(self, ranks: Ranks, *given: Any, checkpoints: bool = False) -> None:
        self.ranks = ranks
        self._steps = self._sent = self._last = self._largest = 0
        super().__init__(*given, checkpoints=False)  # the rows of ranks are written as they are

    def _place(self) -> tuple[devices.Choice, int]:
        place = gpus.choose(self.options.device, self.ranks)
        return place, threads.resolve_threads(self.options.threads, self.ranks.beside)

    def _minibatches(self, corpus: EncodedCorpus, vocabulary: Vocabulary, **given: Any) -> Minibatches:
        return Minibatches(corpus, vocabulary, self.options, part=(self.ranks.rank, self.ranks.size), **given)

    def _need(self, checkpoints: bool, ranks: int = 1) -> memory.Need:
        return super()._need(checkpoints, self.ranks.size)

    def _check_memory(self) -> None:
        together(self.ranks, lambda: self.need.check(self.ranks.beside))

    def _start(self) -> WordEmbedding:
        recipe, sizes = self.options.used_recipe(), (len(self.vocabulary), self.options.dim + 1)
        measure = recipe.base_measure(self.vocabulary.counts)
        output = ShardedOutput(self.ranks, *sizes, recipe.loss, base_measure=measure, kernels=self._kernels()).core
        return ShardedEmbedding(started(output, recipe), recipe.steps, self.options.seed)

    @at_work(starting=True)
    def restore(self, embedding: Mapping[str, Any], run_state: Mapping[str, Any]) -> None:
        super().restore(self.embedding.own(embedding), run_state)

    def _step(self, examples: Examples) -> tuple[float, float]:
        before = self.ranks.sent
        found = super()._step(self.embedding.joined(examples))
        self._last = self.ranks.sent - before
        self._steps, self._sent = self._steps + 1, self._sent + self._last
        self._largest = max(self._largest, self._last)
        return found

    def _loss(self, examples: Examples) -> tuple[float, float]:
        return super()._loss(self.embedding.joined(examples))

    def _progress(self, loss: float, heldout: float | None = None) -> Progress:
        return replace(super()._progress(loss, heldout), sent_bytes=self._last)

    def _more_facts(self) -> dict[str, Any]:
        here = {
            "sent_bytes": self.ranks.sent,
            "mean_step_bytes": self._sent / max(self._steps, 1),
            "largest_step_bytes": self._largest,
            "rank_peak_memory_bytes": peak_memory_bytes(),
        }
        of_all = gather_json(self.ranks, here)
        return {"ranks": self.ranks.size} | {name: [of_rank[name] for of_rank in of_all] for name in here}


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
            where = f"interrupted after {run.state.tokens:,} of {run.total_tokens:,} tokens"
            raise agreed(self._ranks, Interrupted(f"{where}: {self.kept()}"))
        self.finish()
        self._due = time.monotonic() + self._every

    def save(self, run: Run) -> str:
        # Called where one rank fails: the others are not there to write with.
        return self.kept()

    def _write_together(self, run: Run) -> None:
        assert isinstance(run, ShardedRun)
        with run.embedding.gathered(self._directory.place(ROWS)) as state:
            if self._ranks.rank == 0 and isinstance(state, dict):
                self._write(state, run.state.as_dict())
            elif self._ranks.rank == 0:
                self._failure = str(state)
            self.count = gather_json(self._ranks, self.count)[0]


@dataclass(frozen=True)
class RanksRun(OutputRun):
    """A run with an output that several ranks share; every rank calls its :meth:`train`."""

    ranks: Ranks = ONE

    def train(
        self,
        *,
        encoding: Callable[[int], None] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Model:
        """As :meth:`OutputRun.train`; the model's rows are read from the output.

        Raises
        ------
        InputError
            On all ranks, also if they were not started alike, or the request is one for a single process.
        """
        directory = RunDirectory(self.output)
        with ending_all(self.ranks, directory.kept):
            return self._train(directory, encoding, progress)

    def _train(
        self,
        directory: RunDirectory,
        encoding: Callable[[int], None] | None,
        progress: Callable[[Progress], None] | None,
    ) -> Model:
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
            corpus = self._encoded(directory, known, encoding)
            options = self._asked(checkpoint)
            request = self._request(options.for_text(corpus), corpus, base_digest)
            check_same(ranks, {"text": corpus.sha256, "init": request["init"]})
            if checkpoint is not None:
                together(ranks, lambda: self._check_request(checkpoint, request, corpus))
            together(ranks, lambda: _check_rows(corpus, ranks))
            if base is not None and not self._goes_on(base, corpus):
                return self._finished(base)
            run = self._new_run(base, corpus, options)
            assert run is not None
            if ranks.rank != 0:
                run.continues = None  # only the first one has the whole model
            if checkpoint is not None:
                together(ranks, lambda: _restore_rows(checkpoint, run))
                done, total = f"{run.state.tokens:,}", f"{run.total_tokens:,}"
                logger.info("resuming after %s of %s tokens (%s)", done, total, checkpoint.path)
            count = 0 if checkpoint is None else checkpoint.count
            keeper = RanksCheckpointer(ranks, directory, request, self.run.checkpoint_every, stop, count)
            on_first(ranks, lambda: directory.reserve(2 * disk_bytes(run)))  # rows, on their way too
            return self._finish(run, keeper, directory, stop, progress)

    def _device(self) -> devices.Choice:
        return gpus.choose(self.options.device, self.ranks)

    def _run(self, *given: Any, **more: Any) -> Run:
        return ShardedRun(self.ranks, *given, **more)

    def _encoded(
        self, directory: RunDirectory, known: Vocabulary | None, progress: Callable[[int], None] | None
    ) -> EncodedCorpus:
        """As :func:`wordsparse.training.texts.encoded_once`, by all ranks."""
        ranks, text = self.ranks, self.text
        path, source = directory.path / CORPUS, directory.path / SOURCE
        if (ready := together(ranks, text.encoded)) is not None:
            return ready
        about = gather_json(ranks, together(ranks, lambda: texts.identity(text, known)))[0]
        found = together(ranks, lambda: texts.held(path, source, about))
        if all(gather_json(ranks, found is not None)):
            assert found is not None
            return found
        on_first(ranks, lambda: texts.clear(path, source))
        words = [] if known is None else known.words
        corpus = encode_together(ranks, text.corpus, path, **text.request(words, progress))
        on_first(ranks, lambda: texts.write_source(source, about))
        return corpus

    def _goes_on(self, model: Model, corpus: EncodedCorpus) -> bool:
        """Whether there are epochs left to train; InputError also if the text is a new one."""

        def check() -> bool:
            if not is_same_text(model.trained().text, corpus):
                raise InputError(
                    "resume: the text is another one: a model goes on with a new text in one process; run it alone"
                )
            return check_more_epochs(model, with_epochs(self.options, model, corpus))

        return together(self.ranks, check)

    def _facts(self) -> dict[str, Any]:
        """What must be the same on all ranks for the same numbers."""
        versions = {"version": metadata.version("wordsparse"), "numpy": metadata.version("numpy")}
        facts = {**versions, **diagnosis.rounding(), **gpus.facts(self.options.device)}
        asked = {**self.options.as_dict(), **self.text.as_dict(), "init": self.init is not None}
        of_run = {"resume": self.run.resume, "checkpoint_every": self.run.checkpoint_every}
        return facts | asked | of_run | {"output": str(self.output)}

    def _written(self, run: Run, keeper: Checkpointer, directory: RunDirectory) -> Model:
        directory.release_reserve()
        assert isinstance(run, ShardedRun)
        with run.embedding.gathered(directory.place(ROWS)) as state:
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
        return Model(model.vocabulary, E, W, model.options, model.report, call=self.call)


def _restore_rows(checkpoint: Checkpoint, run: Run) -> None:
    """As :meth:`Checkpoint.restore`; of the arrays with a row for each word, the rows of other ranks are not read."""
    with storage.naming(checkpoint.path):
        run.restore(arrays.mapped(checkpoint.path / STATE, checkpoint.table), checkpoint.run_state)


def _check_rows(corpus: EncodedCorpus, ranks: Ranks) -> None:
    words = len(corpus.vocabulary)
    if words < ranks.size:
        raise InputError(f"{ranks.size} ranks for a vocabulary of {words:,} words: every rank needs a row; start fewer")
