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
import scipy.sparse as sp

import wordsparse as ws
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


def _steps() -> Job:
    layer = ws.FactoredOutput(N_OUTPUTS, 128, loss="squared", threads=1)

    def step(random: np.random.Generator) -> Any:
        H = random.standard_normal((256, 128), np.float32)
        Y = sp.random_array((256, N_OUTPUTS), density=1e-2, format="csr", rng=random)
        return layer.step(H, Y, 1e-4)

    step(np.random.default_rng(0))

    def job(seed: int) -> Any:
        random = np.random.default_rng(seed)
        return [part for _ in range(3) for part in step(random)] + [layer.top(np.ones((2, 128), np.float32), 5)[0]]

    return job


def _words() -> Job:
    tokens = [[f"w{i}" for i in row] for row in np.random.default_rng(0).integers(0, 3000, (3000, 12))]
    model = ws.train(tokens, dim=100, epochs=1, min_count=1, threads=1)
    model.wv.similar("w1")

    def job(seed: int) -> Any:
        words = [f"w{i}" for i in np.random.default_rng(seed).integers(0, 3000, 40)]
        near = [[score for _, score in model.wv.similar(word, 50)] for word in words]
        return [near, model.encode([words])[0], model.infer("new", [[*words[:5], "new", *words[5:]]])[0]]

    return job


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads
@pytest.mark.parametrize("name", ["products", "steps", "words"])
def test_forked_processes_compute_what_the_parent_does(name: str) -> None:
    # Blocks of the pool of arrays were mapped as shared memory: four children got products that were off by 70 to 90.
    job = {"products": _products, "steps": _steps, "words": _words}[name]()
    seeds, barrier = range(4), FORK.Barrier(4)
    together = _forked(job, seeds, barrier.wait)
    # A layer goes on from the state that it had at the fork: each seed again, in a child that is alone.
    for seed, found in zip(seeds, together, strict=True):
        for part, expected in zip(found, _forked(job, [seed], int)[0], strict=True):
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
    with storage.sole_writer(tmp_path / "out"):
        child = FORK.Process(target=stop.wait)
        child.start()
    with storage.sole_writer(tmp_path / "out"):
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
