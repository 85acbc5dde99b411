"""Checkpoints: directories that hold the whole state of a run and are written during training.

``checkpoint-N/`` (N counts up) holds ``checkpoint.json`` (the request of the run, the state of the run, and the table
of the arrays) and ``state.bin`` (the arrays). The complete directory is synced to disk and renamed to its final name.
The previous checkpoint is removed only after the renaming. Training waits meanwhile. If a checkpoint cannot be written,
for example because the disk is full, a warning says so, the previous checkpoint is kept, and training continues.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import arrays, regular, storage
from wordsparse.kernels import at_work
from wordsparse.tokens import records
from wordsparse.training.loop import Run
from wordsparse.training.run_directory import CHECKPOINT, RunDirectory

FORMAT, VERSION = "wordsparse-checkpoint", 3
MANIFEST, STATE = "checkpoint.json", "state.bin"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk: the ``request`` and ``run_state`` of the run, and the ``table`` of the arrays in the
    checkpoint."""

    path: Path
    request: dict[str, Any]
    run_state: dict[str, Any]
    table: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> "Checkpoint":
        """Read the manifest and verify the arrays. Raise InputError if a file is missing or damaged."""
        manifest = storage.read_manifest(path / MANIFEST, FORMAT, VERSION)
        with storage.trusting(path / MANIFEST):
            request, run_state, table = (manifest[name] for name in ("request", "run_state", "state"))
            request["text"], sha256 = records.restored(path, request["text"]), table["sha256"]
        if regular.sha256_of(path / STATE) != sha256:
            raise InputError(f"{path / STATE}: does not match its checksum: it was altered or damaged; delete {path}")
        return cls(path, request, run_state, table)

    def restore(self, run: Run) -> None:
        """Restore the state of ``run``. The run must have the same options as the checkpoint. Raise InputError if the
        checkpoint is damaged."""
        with storage.naming(self.path):
            run.restore(arrays.read(self.path / STATE, self.table, into=run.embedding.state()), self.run_state)


def write(directory: RunDirectory, request: Mapping[str, Any], run: Run) -> str:
    """Write a checkpoint and remove the previous checkpoint. If writing failed, return the reason; otherwise return "".
    ``request`` is a dict for JSON that holds the options of the run and the identity of its text."""
    before = directory.checkpoints()
    target = directory.place(f"{CHECKPOINT}{1 + directory.count():09d}")
    try:
        with at_work():  # copying the state from a GPU may fail
            state = run.embedding.state()
        with storage.new_directory(target) as folder, storage.writing(target):
            request = {**request, "text": records.written(folder, request["text"])}
            manifest = {"format": FORMAT, "version": VERSION, "request": request}
            content = {"run_state": asdict(run.state), "state": arrays.write(folder / STATE, state)}
            storage.write_manifest(folder / MANIFEST, {**manifest, **content})
    except (WordsparseError, MemoryError, OSError) as error:
        return str(error) or "no memory"
    for older in before:
        storage.remove_directory(older)
    return ""
