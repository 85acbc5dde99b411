"""The directory of a run beside its output: what outlives the process, and who may write.

For the output MODEL it is MODEL.training, there from the start of a run until MODEL stands:

    lock              held (flock) by the process that trains; the kernel lets go of it when that dies
    corpus/           the text, encoded, where it was not so already
    source.json       which text that was and how it was read; written once corpus/ is whole
    checkpoint-N/     the whole state of the run: see checkpoints.py; the newest, and the one before while it is written
    reserve           disk space for the model, given back before the model or a run's last checkpoint is written
    model/            the finished model, whole, on its way to MODEL
    previous/         the model that stood at MODEL while the new one takes its place

Anything else in it (``.NAME.xxxxxxxx.partial``) was being written when a process died, and is removed by the next one
that holds the lock. A finished model is a plain model directory and knows nothing of this one.
"""

import contextlib
import errno
import glob
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from wordsparse.errors import InputError
from wordsparse.files import storage

SUFFIX = ".training"
LOCK, CORPUS, SOURCE, MODEL, PREVIOUS = "lock", "corpus", "source.json", "model", "previous"
RESERVE = "reserve"
CHECKPOINT = "checkpoint-"


class RunDirectory:
    """The run directory of an output, made and locked; at the end of the block it goes, unless a run can go on from it.

    Parameters
    ----------
    output : path
        Where the model shall stand.

    Raises
    ------
    InputError
        If another process trains for the same output, or the directory cannot be made.
    """

    def __init__(self, output: Path) -> None:
        self.output = Path(os.path.realpath(output))
        self.path = self.output.with_name(storage.short_name(self.output.name) + SUFFIX)
        self._named = output
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._take_lock()
            self._tidy()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be used: {error.strerror or error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release_reserve()
        # A previous model is in it only where the output could not be put back.
        if not (self.checkpoints() or self.holds_model() or (self.path / PREVIOUS).is_dir()):
            storage.remove_directory(self.path)  # first out of the way: from then on another process may make a new one
        os.close(self._lock)

    def place(self, name: str) -> Path:
        """Where to write ``name`` in it; the directory is made again where someone has removed it."""
        with contextlib.suppress(OSError):  # the write that follows names the error
            self.path.mkdir(exist_ok=True)
        return self.path / name

    def checkpoints(self) -> list[Path]:
        """The checkpoints, newest first."""
        return sorted(self.path.glob(f"{CHECKPOINT}*"), reverse=True)

    def drop_checkpoints(self) -> None:
        """Remove every checkpoint: the run that they belong to has ended."""
        for checkpoint in self.checkpoints():
            storage.remove_directory(checkpoint)

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes of the disk now, for the end of the run: a disk that fills meanwhile costs nothing.

        Raises
        ------
        InputError
            If there are not so many.
        """
        if not hasattr(os, "posix_fallocate"):  # macOS has none
            return
        descriptor = os.open(self.place(RESERVE), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot promise
                return
            self.release_reserve()
            raise InputError(f"{self._named}: the model takes {size:,} bytes: {error.strerror or error}") from error
        finally:
            os.close(descriptor)

    def release_reserve(self) -> None:
        """Give back what :meth:`reserve` took."""
        with contextlib.suppress(OSError):
            (self.path / RESERVE).unlink()

    def holds_model(self) -> bool:
        """Whether the finished model is in it, whole; the next run for the output puts it in its place."""
        return (self.path / MODEL).is_dir()

    def install(self) -> None:
        """Put ``model/`` at the output. A model that stands there is kept until then, and put back if this fails."""
        new, previous = self.path / MODEL, self.path / PREVIOUS
        replaced = self.output.exists() and any(self.output.iterdir())
        if replaced:
            storage.remove_directory(previous)
            os.rename(self.output, previous)
        try:
            os.rename(new, self.output)
        except OSError:
            if replaced:
                os.rename(previous, self.output)
            raise
        storage.sync(self.output.parent)
        self.drop_checkpoints()
        storage.remove_directory(previous)

    def _take_lock(self) -> None:
        while True:
            self.path.mkdir(exist_ok=True)
            try:
                descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            except FileNotFoundError:
                continue  # its last owner has just removed the directory
            if not storage.try_lock(descriptor):
                os.close(descriptor)
                raise InputError(
                    f"{self._named}: another process is training for this output: wait for it, or name another output"
                )
            if storage.is_at(descriptor, self.path / LOCK):
                self._lock = descriptor
                return
            os.close(descriptor)

    def _tidy(self) -> None:
        """Remove what a process that died has left half-written, and finish what it had all but finished."""
        gone = f".{glob.escape(storage.short_name(self.path.name))}.*.partial"
        for leftover in [*self.path.glob(".*.partial"), *self.path.parent.glob(gone)]:
            shutil.rmtree(leftover, ignore_errors=True)
        self.release_reserve()
        if self.holds_model():
            self.install()
        if (self.path / PREVIOUS).is_dir() and not self.output.exists():
            os.rename(self.path / PREVIOUS, self.output)
        storage.remove_directory(self.path / PREVIOUS)
