"""The reports of a run. The progress after each minibatch is displayed and written to a log."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

from wordsparse.display import Display, duration
from wordsparse.errors import InputError
from wordsparse.files.storage import writing

# A run of more than LONG seconds is announced after its first FORECAST_AFTER seconds.
LONG, FORECAST_AFTER = 60.0, 1.5


@dataclass(frozen=True)
class Progress:
    """The progress of a run: the corpus tokens done so far and in total, and the mean loss per pair in this epoch so
    far.

    ``heldout_loss`` is the mean loss per pair on held-out text. ``heldout_loss`` is None except in the last report of
    an epoch.
    """

    tokens: int
    total_tokens: int
    epoch: int
    loss: float
    heldout_loss: float | None = None


ProgressOption: TypeAlias = bool | Literal["auto"] | Callable[[Progress], None]


def rate(tokens: float, seconds: float) -> float:
    """Return the number of tokens per second, or 0 if the clock is so coarse that no time has passed."""
    return tokens / seconds if seconds > 0 else 0.0


@contextmanager
def reports(
    progress: ProgressOption | None, log: str | PathLike[str] | None = None
) -> Iterator[tuple[Callable[[int, float | None], None], Callable[[Progress], None]]]:
    """Yield two callbacks. The callback for encoding takes the number of tokens and the fraction of the text read so
    far. The callback for training takes a Progress. If ``progress`` is None, it is "auto"."""
    progress = "auto" if progress is None else progress
    if not callable(progress) and progress not in (True, False, "auto"):
        raise InputError(f"progress must be 'auto', True, False or a callable, not {progress!r}")
    with Display(bool(progress) and not callable(progress)) as display, _log(log) as write:

        def encoding(tokens: int, share: float | None) -> None:
            display.update("encode", "tokens", tokens, share=share)

        forecast = _Forecast(display)

        def training(step: Progress) -> None:
            write(step)
            if callable(progress):
                progress(step)
            else:
                forecast.see(step)
                _show(display, step)

        yield encoding, training


class _Forecast:
    """Says once, after the first seconds of a run, how long the run takes if this is more than a minute."""

    def __init__(self, display: Display) -> None:
        self._display, self._begun, self._is_done = display, (0.0, 0), False

    def see(self, step: Progress) -> None:
        """Take the progress of the run into account."""
        now, (then, tokens) = time.monotonic(), self._begun
        if not then:
            self._begun = now, step.tokens
        elif not self._is_done and now - then >= FORECAST_AFTER:
            self._is_done = True
            left = (step.total_tokens - step.tokens) / max(rate(step.tokens - tokens, now - then), 1e-9)
            if left > LONG:
                # The first minibatches are small, so the rate usually rises.
                cures = "fewer dimensions (dim), fewer epochs or more threads shorten it"
                self._display.say(f"training takes about {duration(left)} or less: {cures}")


def _show(display: Display, step: Progress) -> None:
    """Show the progress. If there is a held-out loss, print the losses of the epoch on a separate line."""
    epoch, loss = step.epoch + 1, f"loss {step.loss:.4f}"
    display.update("train", "tokens", step.tokens, step.total_tokens, f"epoch {epoch}, {loss}")
    if step.heldout_loss is not None:
        display.say(f"epoch {epoch}: {loss}, held-out {step.heldout_loss:.4f}")


@contextmanager
def _log(path: str | PathLike[str] | None) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that appends progress to a file, as one JSON object per line. An object has ``time`` (UTC, ISO
    8601) and the members of Progress, with ``epoch`` counted from 1. The function writes one line per second, one for
    each held-out loss, and one at the end of the run. Raise InputError if the file cannot be opened."""
    if path is None:
        yield lambda step: None
        return
    try:
        file = open(path, "ab", buffering=0)  # noqa: SIM115
    except OSError as error:
        raise InputError(f"log: {path}: cannot be written: {error.strerror or error}") from error
    due, waiting = 0.0, b""

    def write(step: Progress) -> None:
        nonlocal due, waiting
        now = datetime.now(UTC)
        content = {"time": now.isoformat(timespec="milliseconds"), **asdict(step), "epoch": step.epoch + 1}
        waiting = json.dumps(content).encode() + b"\n"
        if now.timestamp() >= due or step.heldout_loss is not None:
            due = now.timestamp() + 1
            append()

    def append() -> None:
        nonlocal waiting
        with writing(Path(path)):
            file.write(waiting)
        waiting = b""

    with file:
        try:
            yield write
        finally:
            append()
