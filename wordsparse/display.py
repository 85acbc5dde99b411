"""The progress of long work, on standard error.

A terminal and a notebook get one bar at a time, which is made when its phase starts and removed when the phase ends.
Any other stream, a log file for one, gets a plain line now and then, without control codes.
"""

import contextlib
import os
import sys
import threading
import time
from typing import Any, Self

from wordsparse.files.escaping import escaped

# Seconds before the first line of a log, and between lines: a share of the time so far, within these limits.
FIRST_LINE, MAX_BETWEEN, SHARE = 10.0, 300.0, 0.2
# Seconds: a shorter phase gets no bar.
DELAY = 0.5
# Seconds between two states of a bar: a notebook keeps all of them where no browser shows it.
BETWEEN = 0.5
# Of this process's threads. The bars' own lock is shared by processes: a semaphore that a killed process leaves behind.
_LOCK = threading.RLock()


def _renew_lock() -> None:
    """In a forked process, where another thread may have held it."""
    global _LOCK
    _LOCK = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


class Display:
    """Shows the phases of some work, one after the other.

    Parameters
    ----------
    shown : bool
        False shows nothing.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown and _open()
        self._phase: _Bar | _Lines | None = None
        self._name = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def update(self, name: str, unit: str, done: int, total: int | None = None, note: str = "") -> None:
        """``done`` of ``total`` units of the phase ``name`` are done; another name than before starts a new phase."""
        if not self._shown:
            return
        if self._phase is None or name != self._name:
            self.close()
            self._name = name
            self._phase = (_Bar if _takes_bars() else _Lines)(name, unit, done, total)
        self._phase.update(done, note)

    def say(self, line: str) -> None:
        """Write a line, above the bar if there is one."""
        if self._shown:
            write(line)

    def close(self) -> None:
        """End the current phase, and remove its bar."""
        if self._phase is not None:
            self._phase.close()
            self._phase = None


class _Bar:
    """A bar on a terminal, or in a notebook."""

    def __init__(self, name: str, unit: str, done: int, total: int | None) -> None:
        look = {"unit": f" {unit}", "unit_scale": unit == "tokens"}
        when = {"delay": DELAY, "mininterval": BETWEEN, "leave": False}
        self._bar = _bar_class()(desc=name, initial=done, total=total, **when, **look)

    def update(self, done: int, note: str) -> None:
        self._bar.set_postfix_str(escaped(note), refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.delay = 0  # a line that was written above it may have drawn a bar whose time had not come
        self._bar.close()


class _Lines:
    """A line now and then."""

    def __init__(self, name: str, unit: str, done: int, total: int | None) -> None:
        self._name, self._unit, self._first, self._total = name, unit, done, total
        self._start = time.monotonic()
        self._next = self._start + FIRST_LINE

    def update(self, done: int, note: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        elapsed = now - self._start
        self._next = now + min(MAX_BETWEEN, max(FIRST_LINE, SHARE * elapsed))
        rate = (done - self._first) / elapsed
        parts = [f"{done:,} {self._unit}"]
        if self._total:
            parts = [f"{100 * done // self._total} % of {self._total:,} {self._unit}"]
        parts += [note] if note else []
        parts += [f"{rate:,.0f} {self._unit}/s"] if rate >= 1 else []
        parts += [f"{_time((self._total - done) / rate)} left"] if self._total and rate > 0 else []
        write(f"wordsparse: {self._name}: {', '.join(parts)}")

    def close(self) -> None:
        pass


def write(line: str) -> None:
    """Write a line on standard error, above the bars of this process; it is dropped where nobody can read it."""
    if _open():
        with contextlib.suppress(OSError, ValueError):
            _bar_class().write(escaped(line), file=sys.stderr)
            sys.stderr.flush()


def _bar_class() -> Any:
    from tqdm import tqdm  # imported on demand: most commands show no progress

    return type("Bar", (tqdm,), {"_lock": _LOCK})


def _open() -> bool:
    return sys.stderr is not None and not sys.stderr.closed


def _takes_bars() -> bool:
    return (sys.stderr.isatty() and os.environ.get("TERM") != "dumb") or _in_notebook()


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


def _time(seconds: float) -> str:
    """A duration in words of at most two units."""
    minutes, hours = round(seconds / 60), round(seconds / 3600, 1)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{hours:g} h"
