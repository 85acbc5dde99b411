"""The one owner of threads, and the one place that reads the environment about them.

Two pools that spin against each other (BLAS and OpenMP) can cost a factor of ten on a busy machine. So: the compiled
kernels split work over OpenMP threads and call a single-threaded BLAS inside; :func:`single_threaded_blas` holds the
BLAS pools of the process at one thread while they run. OpenMP workers sleep, not spin, while they wait.

A forked process has none of its parent's threads, and a parallel region of OpenMP would wait for them for ever. So a
process that was forked after its parent had used the kernels works on one thread, and says so.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import scipy.linalg.cython_blas  # noqa: F401 - loads SciPy's BLAS, the one the kernels call, before it is looked up
import threadpoolctl

from wordsparse import validation
from wordsparse.errors import InputError

logger = logging.getLogger(__name__)

MAX_THREADS = 1024
"""Each has a stack and work space of its own; no machine that runs one process so wide is known to gain by more."""

Item = TypeVar("Item")
Result = TypeVar("Result")

# Read by the OpenMP run-time when it is loaded, so it stands before the kernels are imported. A worker that spins at
# a barrier takes a core from every other process of the machine, and from this one; the user's own choice wins.
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
        If ``threads`` is below 1 or above MAX_THREADS.
    """
    if threads is None:
        return usable_threads(min(available_cpus(), MAX_THREADS))
    wanted = validation.positive_int("threads", threads)
    if wanted > MAX_THREADS:
        raise InputError(
            f"threads must be at most {MAX_THREADS:,}, not {wanted:,}: this machine has {os.cpu_count()} CPUs"
        )
    return usable_threads(wanted)


def usable_threads(wanted: int) -> int:
    """``wanted``, or 1 in a process that cannot have more: see the head of this file."""
    return 1 if _BLAS.is_orphan else wanted


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold every BLAS pool of this process at one thread; what was set before is set again at the end.

    Holds are counted: inside another one, in this or another Python thread, it costs nothing.
    """
    _BLAS.hold()
    try:
        yield
    finally:
        _BLAS.release()


def in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``function(item)`` of every item, in the order of the items, on ``threads`` threads, the caller's among them.

    The caller's thread takes the items, and calls the function itself while the others have enough to do. An error,
    also one of taking an item, is raised in its place in the order. At most 4 ``threads`` results wait to be taken.
    """
    helpers = threads - 1
    executor = ThreadPoolExecutor(max(1, helpers), "wordsparse")  # starts a thread only for what it is given
    pending: deque[Future[Result]] = deque()
    iterator, failure = iter(items), None
    try:
        while failure is None:
            try:
                item = next(iterator)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if sum(not future.done() for future in pending) < 2 * helpers:
                pending.append(executor.submit(function, item))
            else:
                pending.append(_called(function, item))
            while pending and (pending[0].done() or len(pending) >= 4 * threads):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    finally:
        executor.shutdown(cancel_futures=True)


def _called(function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """The call, made now in this thread, as if an executor had made it."""
    future: Future[Result] = Future()
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)
    return future


class _Holds(threading.local):
    """The holds of one Python thread."""

    count = 0


class _BlasLimit:
    """The BLAS pools at one thread while any Python thread holds them.

    Attributes
    ----------
    is_orphan : bool
        Whether this process was forked after its parent had held them, which all users of threads do.
    """

    def __init__(self) -> None:
        # A signal handler may hold them while its own thread is in the middle of this: the lock is reentrant, and
        # every line leaves a state that such a nested pair of calls gives back as it was.
        self._lock = threading.RLock()
        self._holds = 0
        self._of_thread = _Holds()
        self._limit: Any = None
        self._controller = threadpoolctl.ThreadpoolController()  # looks the libraries up: milliseconds, so once
        self._was_used = self._has_warned = self._is_stale = self.is_orphan = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def hold(self) -> None:
        """Count one more hold of this thread."""
        with self._lock:
            self._was_used = True
            self._holds += 1
            self._of_thread.count += 1
            if self._is_stale:
                self._is_stale = False
                self._restore()
            if self._limit is None:
                limit = self._controller.limit(limits=1, user_api="blas")
                self._limit = self._limit or limit  # the first one knows what was set before
        if self.is_orphan and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "this process was forked from one that had used wordsparse: it works on one thread; start processes by "
                "'spawn' or 'forkserver' to use more"
            )

    def release(self) -> None:
        """Count one less; the last one sets what was set before."""
        with self._lock:
            self._holds -= 1
            self._of_thread.count -= 1
            if self._holds == 0:
                self._restore()

    def _restore(self) -> None:
        if self._limit is not None:
            limit, self._limit = self._limit, None
            limit.restore_original_limits()

    def _after_fork(self) -> None:
        """Of the parent's threads, the one that forked lives on: with its own holds, and a lock that no other has."""
        self._lock = threading.RLock()
        self._holds = self._of_thread.count
        self._is_stale = True  # OpenBLAS starts anew in a forked process, on as many threads as it likes
        self.is_orphan = self.is_orphan or self._was_used


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


_BLAS = _BlasLimit()
