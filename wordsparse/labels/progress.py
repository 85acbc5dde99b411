"""The progress of a fit, as its caller is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wordsparse.errors import InputError


@dataclass(frozen=True)
class FitProgress:
    """How far a fit has come: ``done`` of ``total`` units of a phase, None where the total is not known beforehand.

    ``loss`` is the mean loss of a row in the last minibatch, where minibatches train.
    """

    phase: str
    done: int
    total: int | None = None
    loss: float | None = None


class Report(Protocol):
    """Tells of a phase's progress."""

    def __call__(self, phase: str, done: int, total: int | None = None, loss: float | None = None) -> None: ...


def reporter(progress: Callable[[FitProgress], None] | None) -> Report:
    """What a fit calls: it passes :class:`FitProgress` on, or nothing for None.

    Raises
    ------
    InputError
        If ``progress`` is no function.
    """
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function of a FitProgress, or None, not {type(progress).__name__}")

    def report(phase: str, done: int, total: int | None = None, loss: float | None = None) -> None:
        if progress is not None:
            progress(FitProgress(phase, done, total, loss))

    return report
