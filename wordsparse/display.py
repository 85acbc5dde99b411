"""Displays the progress of long-running work on standard error, one line at a time.

On a terminal and in a notebook, each phase has a line that is overwritten and finally removed; a notebook stores no
more than this line. Other streams, such as log files, get an occasional line, without control codes.
"""

import contextlib
import os
import shutil
import sys
import time
from typing import Any, Self

from wordsparse.files.escaping import escaped

# The seconds from line to line: on a terminal (lines are overwritten), and in a log file. LOG_FIRST are the seconds
# before the first line of a phase in a log file.
BETWEEN, LOG_BETWEEN, LOG_FIRST = 0.5, 30.0, 1.5

_drawn = 0  # number of characters in the line to overwrite next
_output: Any = None  # the handle of the notebook's output that holds the line, while there is one


class Display:
    """A progress display for work that has several phases, one after another. If ``shown`` is False, nothing is
    displayed."""

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown and _open()
        self._name = ""
        self._over, self._first, self._first_share, self._start, self._next = False, 0, 0.0, 0.0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        global _output
        self.close()
        _output = None

    def update(
        self, name: str, unit: str, done: int, total: int | None = None, note: str = "", share: float | None = None
    ) -> None:
        """Show that ``done`` of ``total`` units of the phase ``name`` are complete. If the total is unknown, ``share``
        is the fraction that is complete.

        A different name starts a new phase.
        """
        if not self._shown:
            return
        now = time.monotonic()
        if name != self._name:
            self.close()
            self._name, self._over, self._start = name, _is_written_over(), now
            self._first, self._first_share = done, share or 0.0
            self._next = now + (BETWEEN if self._over else LOG_FIRST)
        if now < self._next:
            return
        self._next = now + self._between()
        rate = (done - self._first) / max(now - self._start, 1e-9)
        left = (total - done) / rate if total and rate > 0 else None
        if share is not None and share > self._first_share:
            left = (1 - share) * (now - self._start) / (share - self._first_share)
        line = f"{name}: {', '.join(_parts(unit, done, total, share, note, rate, left))}"
        _draw(line) if self._over else write(f"wordsparse: {line}")

    def say(self, line: str) -> None:
        """Write a line above the progress line."""
        if self._shown:
            write(line)

    def close(self) -> None:
        """End the current phase, and remove the progress line."""
        self._name = ""
        _draw("")

    def _between(self) -> float:
        return BETWEEN if self._over else LOG_BETWEEN


def write(line: str) -> None:
    """Remove the progress line and write a line to standard error. If writing fails, the error is ignored."""
    _draw("")
    _print(f"{escaped(line)}\n")


def _draw(line: str) -> None:
    """Overwrite the previous progress line with ``line``. If ``line`` is empty, only remove the previous line."""
    global _drawn
    line = escaped(line) if _notebook() else escaped(line)[: shutil.get_terminal_size().columns - 1]
    if (line or _drawn) and _notebook():
        _draw_in_notebook(line)
    elif line or _drawn:
        _print(f"\r{line:{_drawn}}" + "\r" * (not line))
    _drawn = len(line)


def _draw_in_notebook(line: str) -> None:
    """Show the line as one output of the cell, which later lines replace: each write to a stream would be stored."""
    global _output
    if _output is None:
        _output = sys.modules["IPython"].display.DisplayHandle()
        _output.display({"text/plain": line}, raw=True)
    else:
        _output.update({"text/plain": line}, raw=True)


def _print(text: str) -> None:
    if _open():
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _parts(
    unit: str, done: int, total: int | None, share: float | None, note: str, rate: float, left: float | None
) -> list[str]:
    parts = [f"{100 * done // total} % of {_number(total)} {unit}" if total else f"{_number(done)} {unit}"]
    parts = parts if share is None else [f"{share:.0%} of the text", *parts]
    parts += [note] if note else []
    parts += [f"{_number(round(rate))} {unit}/s"] if rate >= 1 else []
    return parts if left is None else [*parts, f"{duration(left)} left"]


def _number(count: int) -> str:
    """Return a number in millions if it is large, so that the line fits 80 columns."""
    return f"{count / 1e6:,.1f}M" if count >= 10**6 else f"{count:,}"


def _open() -> bool:
    return sys.stderr is not None and not sys.stderr.closed


def _is_written_over() -> bool:
    """Return whether standard error is a terminal or this process is the kernel of a notebook."""
    return (sys.stderr.isatty() and os.environ.get("TERM") != "dumb") or _notebook()


def _notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config


def duration(seconds: float) -> str:
    """Return a duration as text, in seconds, minutes or hours."""
    minutes, hours = round(seconds / 60), round(seconds / 3600, 1)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{hours:g} h"
