"""The run directory next to an output, with files that outlive a process and a lock that admits only one writer.

For the output MODEL, the directory MODEL.training exists from the start of a run until MODEL is written:

    lock              locked (flock) by the training process; the kernel unlocks it when the process dies
    checkpoint-N/     the complete state of the run (see checkpoints.py); the previous checkpoint is kept until the
                      newest is complete
    previous/         the old MODEL, while the new MODEL replaces it

Names like ``.NAME.xxxxxxxx.partial`` belong to files of a running process, such as the encoded text, or of a process
that has died. The next process that holds the lock removes the files of dead processes. Other files in the directory
are never removed. A finished model is a plain model directory that does not refer to this directory.
"""

import contextlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from wordsparse.errors import InputError
from wordsparse.files import storage, system
from wordsparse.words.model_directory import is_model

SUFFIX = ".training"
LOCK, PREVIOUS = "lock", "previous"
CHECKPOINT = "checkpoint-"


class RunDirectory:
    """The run directory of an output. A ``with`` block creates and locks the directory, and removes it at the end
    unless the run can be resumed. InputError is raised if another process trains for the same output, or if the
    directory cannot be created. ``is_new`` says whether no earlier run has left the directory."""

    def __init__(self, output: Path) -> None:
        storage.check_parent(output)
        self.output = Path(os.path.realpath(output))
        self.path = self.output.with_name(self.output.name + SUFFIX)
        self.named = output
        self.is_new = not self.path.exists()
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
        # A previous model is still in this directory only if it could not be moved back to the output.
        if not (self.checkpoints() or is_model(self.path / PREVIOUS)):
            (self.path / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the directory holds other files, or another process has just started
                self.path.rmdir()
        system.unlock(self._lock)

    def place(self, name: str) -> Path:
        """Return the path in this directory at which to write ``name``. If someone has removed the directory, create it
        again."""
        with contextlib.suppress(OSError):  # if this fails, the caller's write reports the error
            self.path.mkdir(exist_ok=True)
        return self.path / name

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints, newest first."""
        return sorted(self.path.glob(CHECKPOINT + 9 * "[0-9]"), reverse=True)

    def count(self) -> int:
        """Return the number of checkpoints that the run has written. The name of the newest checkpoint contains this
        number."""
        return next((int(path.name.removeprefix(CHECKPOINT)) for path in self.checkpoints()), 0)

    def drop_checkpoints(self) -> None:
        """Remove all checkpoints, because the run that wrote them has ended."""
        for checkpoint in self.checkpoints():
            storage.remove_directory(checkpoint)

    def kept(self) -> str:
        """Return a sentence for the user about the checkpoint to resume from."""
        checkpoints = self.checkpoints()
        how = "resume from it with --resume (resume=True)"
        return f"{checkpoints[0]} is kept; {how}" if checkpoints else "there is no checkpoint"

    def install(self, model: Path) -> None:
        """Move ``model`` to the output in place of the old model. After an OSError, the old model is at the output.

        If the process is killed between the two moves, the old model stays in this directory, and the next run moves it
        back.
        """
        storage.put(model, self.output, self.place(PREVIOUS))
        self.drop_checkpoints()

    def _take_lock(self) -> None:
        while True:
            self.path.mkdir(exist_ok=True)
            try:
                descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            except FileNotFoundError:
                continue  # the process that held the lock has just removed the directory
            if not system.try_lock(descriptor):
                os.close(descriptor)
                raise InputError(
                    f"{self.named}: another process is training for this output: wait for it, or name another output; "
                    "to train by several processes, run mpiexec -n N python -m wordsparse.distributed"
                )
            if system.is_at(descriptor, self.path / LOCK):
                self._lock = descriptor
                return
            system.unlock(descriptor)

    def _tidy(self) -> None:
        """Remove the incomplete files of a process that died. If the process died while replacing a model, move the old
        model back."""
        for leftover in [*self.path.glob(".*.partial"), *storage.leftovers(self.path)]:
            shutil.rmtree(leftover, ignore_errors=True)
        # If a process died after it had moved its model to the output, this run may have nothing left to write.
        storage.remove_leftovers(self.output)
        if is_model(self.path / PREVIOUS) and not self.output.exists():
            os.rename(self.path / PREVIOUS, self.output)
        if is_model(self.path / PREVIOUS):
            storage.remove_directory(self.path / PREVIOUS)
