"""Forked processes compute the same results as their parent, and share no scratch memory and no locks with the
parent."""

import multiprocessing

import numpy as np
import pytest

from wordsparse.files import storage
from wordsparse.kernels.cpu import CpuKernels

FORK = multiprocessing.get_context("fork")
N_OUTPUTS = 20_000
KERNELS, TOGETHER = CpuKernels(1), FORK.Barrier(4)


def products(seed):
    random = np.random.default_rng(seed)
    a, m = random.standard_normal((256, 129), np.float32), random.standard_normal((129, N_OUTPUTS))
    return [KERNELS.matmul(a, m).sum(1), KERNELS.gram(m.T.copy())]


def products_of_a_child(seed):
    TOGETHER.wait()  # wait until each of the four children has a seed
    return products(seed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python warns of forks in processes with threads
def test_forked_processes_compute_what_the_parent_does():
    # Previously, the array pool's blocks were shared memory: products in four children had errors of 70 to 90.
    products(9)  # leaves a block that the children could share
    with FORK.Pool(4) as pool:
        of_children = pool.map_async(products_of_a_child, range(4), chunksize=1).get(60)
    for seed, parts in enumerate(of_children):
        for part, expected in zip(parts, products(seed), strict=True):
            np.testing.assert_array_equal(part, expected)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_does_not_keep_its_parents_locks(tmp_path):
    stop = FORK.Event()
    with storage.staging(tmp_path / "out", alone=True):
        child = FORK.Process(target=stop.wait)
        child.start()
    with storage.staging(tmp_path / "out", alone=True):
        pass
    stop.set()
    child.join()
