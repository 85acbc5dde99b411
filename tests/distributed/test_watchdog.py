"""A rank that waits too long for the others ends."""

import signal
import subprocess
import sys
import time

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


SUSPENDED = """
import time
from wordsparse.distributed.watchdog import Watchdog
watchdog = Watchdog(2, lambda line: print(line, flush=True))
watchdog.watch(True)
with watchdog:
    print("waiting", flush=True)
    time.sleep(4)
"""


def test_the_time_in_which_a_process_was_suspended_does_not_count() -> None:
    with subprocess.Popen([sys.executable, "-c", SUSPENDED], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "waiting\n"
        run.send_signal(signal.SIGSTOP)
        time.sleep(3)
        run.send_signal(signal.SIGCONT)
        assert run.stdout.read() == ""
    assert run.returncode == 0


def test_short_waits_and_waits_that_are_not_watched_end_nothing() -> None:
    said: list[str] = []
    watchdog = Watchdog(0.2, said.append)
    with watchdog:
        time.sleep(0.5)
    watchdog.watch(True)
    for _ in range(5):
        with watchdog:
            time.sleep(0.01)
        time.sleep(0.1)
    watchdog.watch(False)
    assert said == []


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
