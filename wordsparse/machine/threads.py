"""The number of threads. Only this module sets the number of threads and reads the environment variables for threads.

If two thread pools (BLAS and OpenMP) spin at the same time, they can slow a busy machine down tenfold. Therefore the
compiled kernels split work over OpenMP threads only. While kernels run, :func:`single_threaded_blas` limits the BLAS
pools of the process to one thread. OpenMP workers that wait for work go to sleep after some 50 µs.

A forked process does not inherit the threads of its parent, and a parallel region of OpenMP in the forked process would
wait forever for these threads. Therefore a process that was forked after its parent had used the kernels runs on one
thread, with a warning.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import scipy.linalg.lapack  # noqa: F401 - loads the BLAS that inverses call before threadpoolctl searches for it
import threadpoolctl

from wordsparse import validation

logger = logging.getLogger(__name__)

MAX_THREADS = 1024
"""The maximum number of threads. Each thread allocates a stack and work space, and no process is known to gain from
more threads."""

QUOTA = "/sys/fs/cgroup/cpu.max"
"""The file that holds the CPU quota and the period of the quota, in microseconds (cgroups version 2)."""

Item = TypeVar("Item")
Result = TypeVar("Result")

# The OpenMP run-time reads these variables while being loaded, so they must be set before kernels are imported. The
# user's own settings take precedence. A worker that spins at a barrier keeps a core busy that other threads and
# processes could use. However, a step has dozens of parallel regions, each of which lasts a fraction of a millisecond,
# and on a virtual machine, waking a core takes up to half of the time of a region. So spinning 1,000 times before
# sleeping (in GCC's run-time) takes less CPU time than sleeping at once.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def available_cpus() -> int:
    """Return the number of CPUs that this process may use according to its affinity mask and the quota of its
    cgroup."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return max(1, min(cpus, quota)) if quota else max(1, cpus)


def resolve_threads(threads: int | None) -> int:
    """Return the number of threads to use: ``threads``, or by default one per CPU.

    Raise InputError if ``threads`` is below 1 or above MAX_THREADS.
    """
    if threads is None:
        return usable_threads(min(available_cpus(), MAX_THREADS))
    return usable_threads(validation.whole("threads", threads, 1, MAX_THREADS))


def usable_threads(wanted: int) -> int:
    """Return ``wanted``, or 1 in a process that was forked after its parent had used the kernels (see the module's
    docstring)."""
    return 1 if _BLAS.is_forked_after_use else wanted


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit every BLAS pool of this process to one thread, and restore the old limits after the block.

    Calls are counted, so nested or concurrent calls do not set the limit again.
    """
    _BLAS.hold()
    try:
        yield
    finally:
        _BLAS.release()


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    *,
    ahead: int | None = None,
    stop: Callable[[], object] = lambda: None,
) -> Generator[Result, None, None]:
    """Map ``function`` over ``items`` on ``threads`` threads. Results and errors come in the order of the items.

    The caller's thread iterates over the items. If ``threads`` is 1, the caller's thread also calls the function.
    Without ``ahead``, at most 2 × ``threads`` results are being computed or waiting to be used. With ``ahead``, the
    caller's thread is one of the ``threads``; while the caller uses a result, the other threads compute the next
    ``ahead`` results.

    At the end, and also after an error or an interruption, calls that still run are waited for. ``stop`` is called
    before, and may end these calls early.
    """
    if threads == 1:
        yield from map(function, items)
        return
    helpers, most = (threads, 2 * threads) if ahead is None else (threads - 1, ahead + 1)
    executor = ThreadPoolExecutor(helpers, "wordsparse")
    pending: deque[Future[Result]] = deque()
    try:
        for future in _calls(executor, function, items):
            pending.append(future)
            while pending and (len(pending) >= most or (ahead is None and pending[0].done())):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        stop()
        executor.shutdown(cancel_futures=True)


def _calls(
    executor: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Future[Result]]:
    """Submit a call of the function for each item, and yield its future. If the iteration fails, yield a last future
    that holds the error."""
    try:
        for item in items:
            yield executor.submit(function, item)
    except Exception as error:
        failed: Future[Result] = Future()
        failed.set_exception(error)
        yield failed


class _BlasLimit:
    """A limit of one thread on all BLAS pools, in force while at least one Python thread holds it.

    Every use of the kernels holds the limit. ``is_forked_after_use`` is True if this process was forked after its
    parent had used the kernels.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds = 0
        # Searching for the libraries takes milliseconds.
        self._pools = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        self._threads_before = list[tuple[Any, int]]()  # pools that had more than one thread, with their numbers
        self._was_used = self._has_warned = self._is_stale = self.is_forked_after_use = False
        os.register_at_fork(after_in_child=self._after_fork)

    def hold(self) -> None:
        """Start to hold the limit. The first holder sets the limit."""
        with self._lock:
            self._was_used = True
            self._holds += 1
            if self._is_stale:
                self._is_stale = False
                self._restore()
            if self._holds == 1:
                numbers = ((pool, pool.num_threads) for pool in self._pools)
                self._threads_before = [(pool, number) for pool, number in numbers if number != 1]
                for pool, _ in self._threads_before:
                    pool.set_num_threads(1)
        if self.is_forked_after_use and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "wordsparse was used before this process was forked: the process uses one thread; start processes with "
                "'spawn' or 'forkserver' to use more"
            )

    def release(self) -> None:
        """Stop holding the limit. The last holder restores the original limits."""
        with self._lock:
            self._holds = max(0, self._holds - 1)  # a process forked inside a block may release its parent's hold
            if self._holds == 0:
                self._restore()

    def _restore(self) -> None:
        before, self._threads_before = self._threads_before, []
        for pool, number in before:
            pool.set_num_threads(number)

    def _after_fork(self) -> None:
        """Reset the state in a forked process, because the threads that held the limit belong to the parent process."""
        self._lock = threading.Lock()
        self._holds = 0
        self._is_stale = True  # in a forked process, OpenBLAS starts a new pool of default size
        self.is_forked_after_use = self.is_forked_after_use or self._was_used


def cgroup_quota() -> int | None:
    """Return the quota of the cgroup in CPUs, rounded up, or None if there is no quota."""
    try:
        with open(QUOTA) as file:
            quota, period = map(int, file.read().split())
    except (OSError, ValueError):  # there is no quota file, or the quota is "max"
        return None
    return -(-quota // period)


_BLAS = _BlasLimit()
