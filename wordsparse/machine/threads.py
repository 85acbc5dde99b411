"""The number of threads: the only module that sets it and that reads environment variables about it.

Two thread pools that spin at the same time (BLAS and OpenMP) can slow a busy machine down tenfold. Therefore the
compiled kernels split work over OpenMP threads, which call a single-threaded BLAS; :func:`single_threaded_blas` limits
the BLAS pools of the process to one thread while the kernels run. An OpenMP worker that waits sleeps, after some 50 µs.

A forked process does not inherit its parent's threads, and a parallel region of OpenMP would wait for them forever.
Therefore a process that was forked after its parent had used the kernels runs on one thread, with a warning.
"""

import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that the kernels call before threadpoolctl searches for it
import threadpoolctl

from wordsparse import validation
from wordsparse.errors import InputError

logger = logging.getLogger(__name__)

MAX_THREADS = 1024
"""Each thread allocates a stack and a workspace; no machine is known where one process gains from more threads."""

MIN_STACK = 2**17
"""Bytes of a worker's stack."""

QUOTAS = (
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)
"""Where a quota and its period stand, in microseconds: in version 2 of cgroups, and in 1."""

Item = TypeVar("Item")
Result = TypeVar("Result")

# Read by the OpenMP run-time when it is loaded, so they are set before the kernels are imported; the user's own choice
# wins. A worker that spins at a barrier takes a core from every other process of the machine, and from this one. But a
# step has dozens of parallel regions of a fraction of a millisecond, and to wake a core takes up to half of that on a
# virtual machine: a worker looks 1,000 times (GCC's run-time), which takes less CPU time than sleeping and waking.
# A worker's loops overflow a stack of 64 KB; OpenMP counts kilobytes where no unit is named.
_stack = re.fullmatch(r"\s*(\d+)\s*([bBkK]?)\s*", os.environ.get("OMP_STACKSIZE", ""))
if _stack and int(_stack[1]) * (1 if _stack[2] in ("b", "B") else 1024) < MIN_STACK:
    logger.warning("OMP_STACKSIZE=%s is too small for the kernels: 1M is used", _stack[0])
    os.environ["OMP_STACKSIZE"] = "1M"
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def available_cpus() -> int:
    """The number of CPUs available to this process: its affinity mask, limited by the cgroup's quota (rounded up)."""
    cpus = affinity() or os.cpu_count() or 1
    quota = cgroup_quota()
    return max(1, min(cpus, quota)) if quota else max(1, cpus)


def affinity() -> int | None:
    """The number of CPUs in this process's affinity mask; None on systems without affinity masks."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return None


def resolve_threads(threads: int | None) -> int:
    """The number of threads to use: ``threads``, or as many as there are CPUs.

    InputError if ``threads`` is below 1 or above MAX_THREADS.
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
    """``wanted``, or 1 in a process that was forked after use (see the module's docstring)."""
    return 1 if _BLAS.is_forked_after_use else wanted


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit every BLAS pool of this process to one thread; the previous limits are restored at the end.

    The calls are counted, so a nested or concurrent call costs nothing.
    """
    _BLAS.hold()
    try:
        yield
    finally:
        _BLAS.release()


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, *, ahead: int | None = None
) -> Generator[Result, None, None]:
    """Map ``function`` over ``items`` on ``threads`` threads, including the caller's; results keep the items' order.

    The caller's thread iterates over the items; it calls the function itself while the other threads are busy. An
    error of the function or of the iteration is raised at its position in the order. At most 4 ``threads`` results
    are buffered. With ``ahead`` the other threads alone call the function, and while the caller uses a result, this
    many further ones are made.
    """
    helpers = threads - 1
    executor = ThreadPoolExecutor(max(1, helpers), "wordsparse")  # starts threads on demand
    pending: deque[Future[Result]] = deque()
    iterator, failure = iter(items), None
    most = 4 * threads if ahead is None else ahead + 1
    try:
        while failure is None:
            try:
                item = next(iterator)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if ahead is not None or sum(not future.done() for future in pending) < 2 * helpers:
                pending.append(executor.submit(function, item))
            else:
                pending.append(_called(function, item))
            while pending and (len(pending) >= most or (ahead is None and pending[0].done())):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    finally:
        executor.shutdown(cancel_futures=True)


def _called(function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """The finished future of a call in this thread."""
    future: Future[Result] = Future()
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)
    return future


class _Holds(threading.local):
    """The number of holds of one Python thread."""

    count = 0


class _BlasLimit:
    """Limits the BLAS pools to one thread while at least one Python thread holds the limit.

    Attributes
    ----------
    is_forked_after_use : bool
        Whether this process was forked after its parent had held the limit, as every use of the kernels does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds = 0
        self._of_thread = _Holds()
        self._limit: Any = None
        self._controller = threadpoolctl.ThreadpoolController()  # searches for the libraries, which takes milliseconds
        self._was_used = self._has_warned = self._is_stale = self.is_forked_after_use = False
        os.register_at_fork(after_in_child=self._after_fork)

    def hold(self) -> None:
        """Add one hold of this thread; the first hold sets the limit."""
        with self._lock:
            self._was_used = True
            self._holds += 1
            self._of_thread.count += 1
            if self._is_stale:
                self._is_stale = False
                self._restore()
            if self._limit is None:
                self._limit = self._controller.limit(limits=1, user_api="blas")
        if self.is_forked_after_use and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "this process was forked from one that had used wordsparse: it uses one thread; start processes by "
                "'spawn' or 'forkserver' to use more"
            )

    def release(self) -> None:
        """Remove one hold of this thread; the last release restores the original limits."""
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
        """Keep the holds of the forking thread, the only thread that exists in the child, and make a new lock."""
        self._lock = threading.Lock()
        self._holds = self._of_thread.count
        self._is_stale = True  # a forked OpenBLAS starts a new pool with its default size
        self.is_forked_after_use = self.is_forked_after_use or self._was_used


def cgroup_quota() -> int | None:
    """The CPU quota of the cgroup (version 2, else 1) in CPUs, rounded up; None without a quota."""
    for names in QUOTAS:
        numbers: list[int] = []
        try:
            for name in names:
                with open(name) as file:
                    numbers += map(int, file.read().split())
            quota, period = numbers
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
        return -(-quota // period) if quota > 0 else None
    return None


_BLAS = _BlasLimit()
