"""A rank that waits too long for the others ends."""

import math
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import NoReturn

import pytest

from wordsparse.distributed import watchdog
from wordsparse.distributed.watchdog import STATUS, Watchdog, limited

PROGRAM = """
import time
from wordsparse.distributed.watchdog import Watchdog
watchdog = Watchdog(0.1, lambda line: print(line, flush=True))
watchdog.watch(True)
with watchdog:
    time.sleep(60)
"""


def test_a_long_wait_ends_the_process() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == STATUS
    assert run.stdout.startswith("no answer of the other ranks for 0.1 s: a host may be cut off")


SILENT = """
import time
from wordsparse.distributed.watchdog import Watchdog
with Watchdog(0.1, lambda line: print(line, flush=True), lambda seconds: 3):
    time.sleep(60)
"""


def test_a_long_wait_ends_the_process_where_a_rank_is_silent() -> None:
    run = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == STATUS
    assert run.stdout.startswith("nothing heard of rank 3 for 0.1 s: it has stopped, or its host is cut off")


def said(gaps: list[float], monkeypatch: pytest.MonkeyPatch, *, watches: bool = True, wait: float = math.inf) -> bool:
    """Whether a rank of two seconds' patience, which waits for so long, ends before its watchdog has looked so often.

    On a clock of the test's own: how long a busy machine lets a process wait does not matter.
    """
    now, left = [0.0], iter(gaps)
    lines: list[str] = []

    def sleep(_: float) -> None:
        gap = next(left, None)
        now[0] += end() if gap is None else gap
        if now[0] >= wait:
            watching.__exit__()

    def end(*_: object) -> NoReturn:
        raise EOFError

    thread = SimpleNamespace(start=lambda: None)
    monkeypatch.setattr(watchdog, "threading", SimpleNamespace(Thread=lambda **_: thread))
    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(watchdog, "os", SimpleNamespace(_exit=end))
    monkeypatch.setattr(watchdog, "hydra", SimpleNamespace(wait_until_read=lambda: None))
    watching = Watchdog(2.0, lines.append)
    watching.watch(watches)
    with watching, pytest.raises(EOFError):
        watching._look()
    return bool(lines)


def test_the_time_in_which_a_process_was_suspended_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not said([0.5] * 4, monkeypatch)
    assert said([0.5] * 5, monkeypatch)
    assert not said([0.5, 3.0, 0.5, 0.5, 0.5], monkeypatch)  # suspended, it heard nothing
    assert said([0.5, 3.0, *[0.5] * 5], monkeypatch)


def test_short_waits_and_waits_that_are_not_watched_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not said([0.5] * 20, monkeypatch, wait=1.5)
    assert not said([0.5] * 20, monkeypatch, watches=False)


ORPHAN = """
import os, sys, time
from wordsparse.distributed.watchdog import end_with_parent
if os.fork():
    sys.stdin.readline()  # until the child watches
    os._exit(0)
end_with_parent(lambda line: print(line, flush=True), 0.05)
print("watching", flush=True)
time.sleep(60)
"""


def test_a_process_ends_with_the_one_that_started_it() -> None:
    """The pipe ends with the last process that holds it."""
    run = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert run.stdin is not None
    assert run.stdout is not None
    assert run.stdout.readline() == "watching\n"
    run.stdin.write("\n")
    run.stdin.close()
    said = run.stdout.read()
    run.stdout.close()
    assert run.wait(timeout=60) == 0
    assert said.startswith("the launcher has ended")


def test_a_start_is_limited_and_an_own_timer_goes_on() -> None:
    with limited(100):
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
        with limited(0):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
        with limited(7):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 7
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    program = "from wordsparse.distributed.watchdog import limited\nwith limited(0.1): import time; time.sleep(60)"
    run = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert run.returncode == -signal.SIGALRM
