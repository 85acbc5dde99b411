"""A run with an output: locked, checkpointed and resumable.

Until the model is written to the output, the run directory (see run_directory.py) holds everything that is needed to
resume the run. ``resume`` continues from this directory, or from a finished model (see resume.py). If a killed run has
left a directory without a checkpoint, ``resume`` starts this run again. A resumed run gives the bytes of an
uninterrupted run, because checkpoints hold the complete state and examples depend only on the seed and on positions in
the text.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.files import regular, storage
from wordsparse.options import free
from wordsparse.training import checkpoints
from wordsparse.training.checkpoints import Checkpoint
from wordsparse.training.interruption import Interrupted, StopRequest, stop_requests, take_steps
from wordsparse.training.loop import Run
from wordsparse.training.options import RunOptions
from wordsparse.training.progress import Progress
from wordsparse.training.request import Request
from wordsparse.training.resume import continued, differences, is_same_text
from wordsparse.training.run_directory import RunDirectory
from wordsparse.words import model_directory as models
from wordsparse.words.calibration import Features, with_features
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.source import Source

logger = logging.getLogger(__name__)


@contextmanager
def begin(plan: Request, encoding: Callable[[int, float | None], None]) -> "Iterator[OutputRun]":
    """Yield a run for an output, either new or restored from a checkpoint. The run directory is locked meanwhile.
    ``encoding`` is the progress callback of :func:`wordsparse.encode`."""
    assert plan.run.output is not None
    init, output = plan.run.vectors(), Path(plan.run.output)
    with stop_requests() as stop, RunDirectory(output) as directory, ExitStack() as stack:
        base = _model_before(directory, plan.run)
        digest = regular.sha256_of(output / models.MANIFEST) if models.is_model(output) else None
        checkpoint = None if plan.run.overwrite else newest_checkpoint(directory, digest)
        if checkpoint is not None and checkpoint.request["base"] is None:
            base = None  # the interrupted run overwrites the model at the output
        words = () if base is None else base.vocabulary.words
        source = stack.enter_context(plan.source(directory.path / "corpus", known=words, progress=encoding))
        # Record the device that "auto" chose, because another device would round differently.
        settings = {**plan.options.with_epochs(source.length).as_dict(), "device": plan.device.device}
        models_before = {"base": None if base is None else digest, "replaces": digest}
        request = {"options": settings, "text": source.identity(), "call": plan.call(), **models_before}
        if checkpoint is not None:
            _check_request(checkpoint, request, source)
        if init is not None and (base or checkpoint):
            before = f"the model in {output}" if checkpoint is None else f"{checkpoint.path}"
            logger.warning("init has no effect: the run goes on from %s", before)
            init = None
        if base is None:
            run: Run | None = Run(source, plan.options, init=init, device=plan.device, features=plan.features)
        else:
            run = continued(base, source, plan.options, plan.device, plan.features)
        if run is None:
            logger.warning("%s is finished: no epochs are left to train", output)
        else:
            if run.device.device != "cpu":
                logger.info("training on %s", run.device.reason)
            if checkpoint is not None:
                checkpoint.restore(run)
                done, total = f"{run.state.tokens:,}", f"{run.total_tokens:,}"
                logger.info("resuming after %s of %s tokens (%s)", done, total, checkpoint.path)
        if plan.run.overwrite:
            directory.drop_checkpoints()
        yield OutputRun(run, base, request, directory, stop, plan.features)


def _model_before(directory: RunDirectory, run: RunOptions) -> Model | None:
    """Return the model at the output, which the run will continue, or None. Raise InputError if there is a model or an
    unfinished run, unless the run resumes or overwrites it. Also raise InputError if there is nothing to resume."""
    output = directory.named
    if run.overwrite and models.is_model(output):
        models.check_only_a_model(output)
        return None
    if run.resume:
        if not output.exists() or (output.is_dir() and not any(output.iterdir())):
            if directory.is_new:
                raise InputError(
                    f"{output}: there is no model and no unfinished run to resume: correct the path, or leave out "
                    "--resume (resume=) to start a new run"
                )
            return None
        # The old model's vectors stay on disk until the end of the run, when the new vectors are rotated onto them.
        return models.load(output, mapped=True)
    if models.is_model(output):
        raise InputError(
            f"{output}: there is a model already: replace it with --overwrite (overwrite=True), train it further with "
            "--resume (resume=True), or name another output"
        )
    storage.check_new_directory(output)
    if directory.checkpoints() and not run.overwrite:
        raise InputError(
            f"{output}: an unfinished run for this output is in {directory.path}: continue it with --resume "
            "(resume=True), or start a new run with --overwrite (overwrite=True)"
        )
    return None


def _check_request(checkpoint: Checkpoint, request: Mapping[str, Any], source: Source) -> None:
    """Raise InputError if the run that wrote the checkpoint had other options or another text."""
    before = checkpoint.request
    changed = differences(before["options"], request["options"], but=free(Options) - {"device"})
    if not changed and not is_same_text(before["text"], source):
        changed = "the text is another one"
    if changed:
        raise InputError(
            f"resume: {changed}: an unfinished run is resumed with its original options; finish it first, or "
            f"delete {checkpoint.path.parent} to start a new run"
        )


@dataclass
class OutputRun:
    """A run for an output, which trains with checkpoints and writes the model. If no epochs are left to train, ``run``
    is None and the model is ``base``, to which new ``features`` are fitted. ``request`` goes into checkpoints."""

    run: Run | None
    base: Model | None
    request: Mapping[str, Any]
    directory: RunDirectory
    stop: StopRequest
    features: Features | None = None

    def finish(self, progress: Callable[[Progress], None], checkpoint_every: float) -> Model:
        """Train and write the model. After an error or a signal, write a checkpoint if possible; the error message
        names the checkpoint."""
        run, stop = self.run, self.stop
        if run is None:
            assert self.base is not None
            return self.base if self.features is None else self._installed(with_features(self.base, self.features))
        begun, due = run.state.tokens, time.monotonic() + checkpoint_every

        def after_step(step: Progress) -> None:
            nonlocal due
            progress(step)
            if checkpoint_every and not stop.received and time.monotonic() >= due and run.can_be_saved():
                if failure := checkpoints.write(self.directory, self.request, run):
                    logger.warning("no checkpoint could be written (%s); training continues", failure)
                due = time.monotonic() + checkpoint_every

        try:
            take_steps(run, stop, after_step, lambda: f": {self._saved(run)}")
            model = self._write_model(run)
        except Interrupted:
            raise
        except BaseException as error:
            # Write no checkpoint after a second signal, if the resumed run would fail again, or if this process has
            # finished no minibatch.
            fails = isinstance(error, TrainingError) or not run.can_be_saved()
            savable = not fails and run.state.tokens > begun and stop.received < 2
            note = self._saved(run) if savable else self.directory.kept()
            if isinstance(error, WordsparseError):
                raise type(error)(f"{error}; {note}") from error
            if isinstance(error, MemoryError):
                raise TrainingError(f"out of memory; {note}") from error
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(f"interrupted; {note}") from error
            error.add_note(f"wordsparse: {note}")
            raise
        finally:
            stop.awaited = False
        if stop.received:
            raise Interrupted(f"interrupted; the model was complete and is in {self.directory.named}")
        return model

    def _saved(self, run: Run) -> str:
        """Write a last checkpoint. Return a message that names the checkpoint to resume from. If the last checkpoint
        could not be written, the message also says why."""
        failure = checkpoints.write(self.directory, self.request, run)
        note = self.directory.kept()
        return f"no checkpoint could be written ({failure}); {note}" if failure else note

    def _write_model(self, run: Run) -> Model:
        return self._installed(run.model(self.directory.count(), self.request["call"], self.request["base"]))

    def _installed(self, model: Model) -> Model:
        with storage.writing(self.directory.named), storage.staging(self.directory.output) as folder:
            model.save(folder / "model")
            self.directory.install(folder / "model")
        return model


def newest_checkpoint(directory: RunDirectory, model: str | None) -> Checkpoint | None:
    """Return the newest checkpoint of the run that continues or replaces ``model``, the SHA-256 of the manifest at the
    output.

    A checkpoint with another model belongs to a run that has ended, and is removed. Raise InputError if the
    checkpoint is damaged, or if its run started from a model that is missing.
    """
    for path in directory.checkpoints()[:1]:
        checkpoint = Checkpoint.open(path)
        base = checkpoint.request["base"]
        # A checkpoint of an older version lacks "replaces".
        if model in (base, checkpoint.request.get("replaces", base)):
            return checkpoint
        if model is None:
            raise InputError(
                f"{path}: the model that this run started from is gone: restore the model, or delete {path.parent}"
            )
    directory.drop_checkpoints()
    return None
