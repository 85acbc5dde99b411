"""Forked processes compute what their parent does: they share no scratch memory, file position or lock with it."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.files import storage
from wordsparse.kernels.cpu import CpuKernels

FORK = multiprocessing.get_context("fork")
N_OUTPUTS = 20_000
Job = Callable[[int], Any]


def _products() -> Job:
    kernels = CpuKernels(1)
    kernels.matmul(np.ones((256, 129), np.float32), np.ones((129, N_OUTPUTS)))  # a block that the children could share

    def job(seed: int) -> Any:
        random = np.random.default_rng(seed)
        a, m = random.standard_normal((256, 129), np.float32), random.standard_normal((129, N_OUTPUTS))
        return [kernels.matmul(a, m).sum(1), kernels.gram(m.T.copy())]

    return job


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads
def test_forked_processes_compute_what_the_parent_does() -> None:
    # Blocks of the pool of arrays were mapped as shared memory: four children got products that were off by 70 to 90.
    job, seeds, barrier = _products(), range(4), FORK.Barrier(4)
    for seed, products in zip(seeds, _forked(job, seeds, barrier.wait), strict=True):
        for part, expected in zip(products, job(seed), strict=True):
            np.testing.assert_array_equal(part, expected)


def _forked(job: Job, seeds: Sequence[int], ready: Callable[[], object]) -> list[Any]:
    """What the job returns for each seed, in forked processes at the same time."""

    def child(seed: int, end: Any) -> None:
        ready()
        try:
            end.send(job(seed))
        except Exception as error:
            end.send(error)

    ends = [FORK.Pipe() for _ in seeds]
    children = [FORK.Process(target=child, args=(seed, end)) for seed, (_, end) in zip(seeds, ends, strict=True)]
    try:
        for process in children:
            process.start()
        found = []
        for mine, _ in ends:
            assert mine.poll(60), "a child hangs"
            found.append(mine.recv())
            if isinstance(found[-1], Exception):
                raise found[-1]
        return found
    finally:
        for process in children:
            process.kill()
            process.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_does_not_keep_its_parents_locks(tmp_path: Path) -> None:
    stop = FORK.Event()
    with storage.staging(tmp_path / "out", alone=True):
        child = FORK.Process(target=stop.wait)
        child.start()
    with storage.staging(tmp_path / "out", alone=True):
        pass
    stop.set()
    child.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_a_thread_checks_its_products_does_not_wait_for_ever() -> None:
    # The check used threaded BLAS, whose fork handler waits for its threads: five of five forks hung.
    program = (
        "import os, threading\n"
        "from wordsparse.kernels import CpuKernels, selfcheck\n"
        "ended = threading.Event()\n"
        "def check():\n"
        "    while not ended.is_set():\n"
        "        selfcheck.product_fault(CpuKernels(1, own_products=True))\n"
        "thread = threading.Thread(target=check)\n"
        "thread.start()\n"
        "for _ in range(100):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "ended.set()\n"
        "thread.join()\n"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=100, check=False).returncode == 0
