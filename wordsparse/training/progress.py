"""The reports of a run: its progress after each minibatch, as it is shown, and its figures at the end."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from os import PathLike
from typing import Any, TextIO

from wordsparse.display import Display
from wordsparse.errors import InputError


@dataclass(frozen=True)
class Progress:
    """The progress of a run: corpus tokens done and in total, and the epoch's mean loss per pair so far.

    ``heldout_loss`` is the mean loss per pair on held-out text; it is None except in the last report of an epoch.
    """

    tokens: int
    total_tokens: int
    epoch: int
    loss: float
    heldout_loss: float | None = None


def rate(tokens: float, seconds: float) -> float:
    """Tokens a second; 0 where a coarse clock saw no time pass."""
    return tokens / seconds if seconds > 0 else 0.0


class RunDisplay:
    """Shows a run that encodes its text first: each of the two phases reports to a method."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def encoding(self, tokens: int) -> None:
        """Show the number of tokens read."""
        self._display.update("encode", "tokens", tokens)

    def training(self, progress: Progress) -> None:
        """Show the progress of training; the losses of an epoch with held-out text get a line of their own."""
        epoch, loss = progress.epoch + 1, f"loss {progress.loss:.4f}"
        self._display.update("train", "tokens", progress.tokens, progress.total_tokens, f"epoch {epoch}, {loss}")
        if progress.heldout_loss is not None:
            self._display.say(f"epoch {epoch}: {loss}, held-out {progress.heldout_loss:.4f}")


class RunLog:
    """Appends the progress of a run to a file, a JSON object on each line: ``time`` (UTC, ISO 8601) and the members of
    Progress, its ``epoch`` counted from 1. One a second, each that ends an epoch, and the last."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._due, self._waiting = file, 0.0, ""

    def training(self, progress: Progress) -> None:
        """Write the line if one is due."""
        now = datetime.now(UTC)
        content = {"time": now.isoformat(timespec="milliseconds"), **asdict(progress), "epoch": progress.epoch + 1}
        self._waiting = json.dumps(content) + "\n"
        if now.timestamp() >= self._due or progress.heldout_loss is not None:
            self._due = now.timestamp() + 1
            self.close()

    def close(self) -> None:
        """Write the last line, if it is not written yet."""
        self._file.write(self._waiting)
        self._file.flush()
        self._waiting = ""


@contextmanager
def run_log(path: str | PathLike[str]) -> Iterator[RunLog]:
    """The log of a run in a file; InputError if it cannot be opened."""
    try:
        file = open(path, "a", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"log: {path}: cannot be written: {error.strerror or error}") from error
    with file, closing(RunLog(file)) as log:
        yield log


@dataclass(frozen=True)
class Report:
    """The figures of a run. ``loss`` is the mean per pair of each epoch; times are of training only, without encoding.

    A run that was resumed counts from its start: tokens, seconds and checkpoints of every process add up.
    ``heldout_loss`` is the exact mean per pair of held-out text after each epoch, None where none is held out.
    ``date`` (UTC, ISO 8601) is that of its end, ``wordsparse`` the version, with the ``commit`` where it runs from a
    checkout, and ``parent`` the SHA-256 of the ``model.json`` of the model that an output had before.
    """

    tokens: int
    wall_seconds: float
    cpu_seconds: float
    tokens_per_second: float
    vocab_size: int
    dim: int
    threads: int
    batch_tokens: int
    device: str
    device_reason: str
    loss: list[float]
    peak_memory_bytes: int
    checkpoints: int = 0
    heldout_loss: list[float] | None = None
    date: str | None = None
    wordsparse: str | None = None
    commit: str | None = None
    parent: str | None = None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Report":
        """The inverse of :meth:`as_dict`, without figures that older versions had besides."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in content.items() if name in known})

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, without those that are None because they were not requested."""
        return {name: value for name, value in asdict(self).items() if value is not None}
