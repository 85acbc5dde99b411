"""The one owner of threads, and the one place that reads the environment about them.

Two pools that spin against each other (BLAS and OpenMP) can cost a factor of ten on a busy machine. So: the compiled
kernels split work over OpenMP threads and call a single-threaded BLAS inside; :func:`single_threaded_blas` holds the
BLAS pools of the process at one thread while they run. OpenMP workers sleep, not spin, while they wait.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401 - loads SciPy's BLAS, the one the kernels call, before it is looked up
import threadpoolctl

from wordsparse import validation

# Read by the OpenMP run-time when it is loaded, so it stands before the kernels are imported. A worker that spins at
# a barrier takes a core from whoever else runs on the machine, ourselves included; the user's own choice wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def available_cpus() -> int:
    """How many CPUs this process may use: its affinity mask, cut by the cgroup's CPU quota (rounded up)."""
    cpus = affinity() or os.cpu_count() or 1
    quota = cgroup_quota()
    return max(1, min(cpus, quota)) if quota else max(1, cpus)


def affinity() -> int | None:
    """How many CPUs this process's affinity mask leaves; None where the system has no such mask."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return None


def resolve_threads(threads: int | None) -> int:
    """The number of threads to use: ``threads`` itself, or every CPU available to this process when None.

    Raises
    ------
    InputError
        If ``threads`` is below 1.
    """
    return available_cpus() if threads is None else validation.positive_int("threads", threads)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Holds every BLAS pool of this process at one thread; what was set before is set again at the end.

    Holds are counted: inside another one, in this or another Python thread, it costs nothing.
    """
    _HOLD.take()
    try:
        yield
    finally:
        _HOLD.release()


class _Hold:
    """The BLAS pools at one thread while anyone holds them."""

    def __init__(self) -> None:
        self._lock, self._holders = threading.Lock(), 0
        self._limit: Any = None
        self._controller = threadpoolctl.ThreadpoolController()  # looks the libraries up: milliseconds, so once

    def take(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._limit.restore_original_limits()


def cgroup_quota() -> int | None:
    """CPUs granted by the cgroup (version 2, else 1), rounded up; None without a limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        pass
    try:
        with open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") as file:
            micros = int(file.read())
        with open("/sys/fs/cgroup/cpu/cpu.cfs_period_us") as file:
            return -(-micros // int(file.read())) if micros > 0 else None
    except (OSError, ValueError):
        return None


_HOLD = _Hold()
