"""The one owner of threads, and the one place that reads the environment about them.

Two pools that spin against each other (BLAS and OpenMP) can cost a factor of ten on a busy machine. So: the compiled
kernels split work over OpenMP threads and call a single-threaded BLAS inside; :func:`single_threaded_blas` holds the
BLAS pools of the process at one thread while they run. OpenMP workers sleep, not spin, while they wait.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import scipy.linalg.cython_blas  # noqa: F401 - loads SciPy's BLAS, the one the kernels call, before it is looked up
import threadpoolctl

from wordsparse.errors import InputError

# Read by the OpenMP run-time when it is loaded, so it stands before the kernels are imported. A worker that spins at
# a barrier takes a core from whoever else runs on the machine, ourselves included; the user's own choice wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def available_cpus() -> int:
    """How many CPUs this process may use: its affinity mask, cut by the cgroup's CPU quota (rounded up)."""
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:
        cpus = os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, min(cpus, quota)) if quota else max(1, cpus)


def resolve_threads(threads: int | None) -> int:
    """The number of threads to use: ``threads`` itself, or every CPU available to this process when None.

    Raises
    ------
    InputError
        If ``threads`` is below 1.
    """
    if threads is None:
        return available_cpus()
    if threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}")
    return threads


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Holds every BLAS pool of this process at one thread; what was set before is set again at the end."""
    with _CONTROLLER.limit(limits=1, user_api="blas"):
        yield


def _cgroup_quota() -> int | None:
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


# Looking the loaded libraries up costs milliseconds, so once.
_CONTROLLER = threadpoolctl.ThreadpoolController()
