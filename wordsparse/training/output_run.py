"""A run with an output: locked, checkpointed and resumable.

The run directory (see run_directory.py) holds everything that is needed to resume the run until the model is at the
output. ``resume`` continues from there, or from a finished model (see resume.py); without either, a new run starts, so
a script may always pass ``resume``. A resumed run gives the same bytes as an uninterrupted one, because a checkpoint
holds the complete state, and the examples depend only on the seed and on positions in the text.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.files import regular, storage
from wordsparse.machine import devices
from wordsparse.options import free
from wordsparse.training import checkpoints, memory
from wordsparse.training.checkpoints import Checkpoint
from wordsparse.training.interruption import Interrupted, StopRequest, stop_requests
from wordsparse.training.loop import Run
from wordsparse.training.options import RunOptions
from wordsparse.training.progress import Progress
from wordsparse.training.resume import continued, differences, is_same_text, with_defaults
from wordsparse.training.run_directory import RunDirectory
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import model_directory as models
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load
from wordsparse.words.options import Options
from wordsparse.words.source import Source, with_epochs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputRun:
    """A run that writes a model directory at the output of ``run``, whose vectors start from ``init``; ``call`` is the
    model's."""

    text: TrainingText
    options: Options
    run: RunOptions
    init: WordVectors | None
    call: Mapping[str, object]

    @cached_property
    def output(self) -> Path:
        assert self.run.output is not None
        return Path(self.run.output)

    @contextmanager
    def begun(self, encoding: Callable[[int], None]) -> "Iterator[Begun | Model]":
        """The run at its start, or where a checkpoint left it, in its locked directory; a finished model if no epochs
        are left to train. ``encoding`` is called with the number of tokens read."""
        storage.check_parent(self.output)
        memory.check(1, self.options.dim)  # before the text is read
        with stop_requests() as stop, RunDirectory(self.output) as directory, ExitStack() as stack:
            base, base_digest = self._base(directory)
            checkpoint = newest_checkpoint(directory, base_digest)
            known = () if base is None else base.vocabulary.words
            source = stack.enter_context(encoded(self.text, known, encoding, directory.path / "corpus"))
            options = self._asked(checkpoint)
            request = self._request(with_epochs(options, source), source, base_digest)
            if checkpoint is not None:
                self._check_request(checkpoint, request, source)
            run = self._new_run(base, source, options, checkpoint)
            if run is None:
                assert base is not None
                logger.info("%s is finished: no epochs are left to train", self.output)
                yield base
                return
            if run.device.device != "cpu":
                logger.info("training on %s", run.device.reason)
            if checkpoint is not None:
                checkpoint.restore(run)
                done, total = f"{run.state.tokens:,}", f"{run.total_tokens:,}"
                logger.info("resuming after %s of %s tokens (%s)", done, total, checkpoint.path)
            count = 0 if checkpoint is None else checkpoint.count
            yield Begun(run, source, self, request, directory, stop, base_digest, count)

    def _base(self, directory: RunDirectory) -> tuple[Model | None, str | None]:
        """The model that the run starts from and its digest; (None, None) unless the run is resumed from a model.
        InputError if the output has a model or an unfinished run, and ``resume`` is False."""
        if not self.run.resume:
            if models.is_model(self.output):
                raise InputError(
                    f"{self.output}: exists already, and is a model: --resume trains it on; or name another directory"
                )
            storage.check_new_directory(self.output)
            if directory.checkpoints():
                raise InputError(
                    f"{self.output}: an unfinished run for it is in {directory.path}: continue it with --resume, or "
                    "delete that directory to start a new run"
                )
            return None, None
        if not self.output.exists() or (self.output.is_dir() and not any(self.output.iterdir())):
            return None, None
        # Its rows stay on the disk: at the end, the new model's are compared with them.
        return load(self.output, mapped=True), regular.sha256_of(self.output / models.MANIFEST)

    def _asked(self, checkpoint: Checkpoint | None) -> Options:
        """The options, with the epochs of a run that is resumed where none are given."""
        if checkpoint is None or self.options.epochs:
            return self.options
        return replace(self.options, epochs=checkpoint.request["options"].get("epochs"))

    def _request(self, options: Options, source: Source, base_digest: str | None) -> dict[str, Any]:
        """What a checkpoint says of its run."""
        # The device that "auto" chose: another device would round differently.
        device = devices.choose(self.options.device).device
        request = {"options": {**options.as_dict(), "device": device}, "text": source.identity()}
        request["call"] = self.text.as_dict()
        return {**request, "base": base_digest}

    def _check_request(self, checkpoint: Checkpoint, request: dict[str, Any], source: Source) -> None:
        """Raise InputError if the run of the checkpoint had another request."""
        before = checkpoint.request
        changed = differences(with_defaults(before["options"]), request["options"], but=free(Options) - {"device"})
        if not changed and not is_same_text(before["text"], source):
            changed = "the text is another one"
        if changed:
            raise InputError(
                f"resume: {changed}: an unfinished run is resumed with its original options; finish it first, or "
                f"delete {checkpoint.path.parent} to start a new run"
            )

    def _new_run(
        self, base: Model | None, source: Source, options: Options, checkpoint: Checkpoint | None
    ) -> Run | None:
        """The run at its start; None if a finished model has no epochs left."""
        if self.init is not None and (base or checkpoint):
            before = f"the model in {self.output}" if checkpoint is None else f"{checkpoint.path}"
            logger.warning("init has no effect: the run goes on from %s", before)
        if base is None:
            run = Run(source, options)
            if self.init is not None and checkpoint is None:
                run.start_from(self.init)
            return run
        return continued(base, source, options)


@dataclass
class Begun:
    """A run that has begun: what is left is to train, with its checkpoints, and to write the model. ``count`` of these
    are written; ``parent`` is the digest of the model before."""

    run: Run
    source: Source
    job: OutputRun
    request: Mapping[str, Any]
    directory: RunDirectory
    stop: StopRequest
    parent: str | None
    count: int

    def finish(self, progress: Callable[[Progress], None]) -> Model:
        """Train and write the model. An error or a signal leaves a checkpoint if possible, which its message names."""
        run, stop, every = self.run, self.stop, self.job.run.checkpoint_every
        begun, due = run.state.tokens, time.monotonic() + every
        try:
            stop.awaited = True
            for step in run.steps():
                progress(step)
                if stop.received:
                    where = f"{run.state.tokens:,} of {run.total_tokens:,} tokens"
                    raise Interrupted(f"interrupted after {where}: {self._saved()}")
                if every and time.monotonic() >= due:
                    if failure := self._write():
                        logger.warning("no checkpoint could be written (%s); training continues", failure)
                    due = time.monotonic() + every
            model = self._written()
            stop.awaited = False
        except Interrupted:
            raise
        except BaseException as error:
            # A second signal requests no checkpoint, a run that fails would fail again, and before the first minibatch
            # there is no progress to store.
            fails = isinstance(error, TrainingError) or not run.is_whole
            savable = not fails and run.state.tokens > begun and stop.received < 2
            kept = self._saved() if savable else self.directory.kept()
            if isinstance(error, WordsparseError):
                raise type(error)(f"{error}; {kept}") from error
            if isinstance(error, MemoryError):
                raise TrainingError(f"out of memory; {kept}") from error
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(f"interrupted; {kept}") from error
            error.add_note(f"wordsparse: {kept}")
            raise
        finally:
            stop.awaited = False
        if stop.received:
            raise Interrupted(f"interrupted; the model was complete and is in {self.job.output}")
        return model

    def _saved(self) -> str:
        """End the run with a checkpoint. Returns a sentence for the user about what to resume from, and why it is not a
        newer checkpoint."""
        failure = self._write()
        kept = self.directory.kept()
        return f"no checkpoint could be written ({failure}); {kept}" if failure else kept

    def _write(self) -> str:
        """Write a checkpoint; returns why that failed, or nothing."""
        failure = checkpoints.write(self.directory, self.request, self.run, self.count + 1)
        self.count += not failure
        return failure

    def _written(self) -> Model:
        model = self.run.model(self.count, self.job.call, self.parent)
        with storage.writing(self.job.output), storage.staging(self.directory.output) as folder:
            model.save(folder / "model")
            self.directory.install(folder / "model")
        return model


def newest_checkpoint(directory: RunDirectory, base: str | None) -> Checkpoint | None:
    """The newest checkpoint of the run that started from ``base``.

    One with another base model belongs to a run that has ended, and is removed. InputError if it is damaged, or if the
    model that it started from is missing.
    """
    for path in directory.checkpoints()[:1]:
        checkpoint = Checkpoint.open(path)
        if checkpoint.request.get("base") == base:
            return checkpoint
        if base is None:
            raise InputError(
                f"{path}: the model that this run started from is gone: put it back, or delete {path.parent}"
            )
    directory.drop_checkpoints()
    return None
