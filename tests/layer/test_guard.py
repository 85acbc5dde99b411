"""An object serves one call at a time: tests with threads, signal handlers and copies."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support import problems

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels
from wordsparse.layer.guard import Guard
from wordsparse.layer.output import FactoredOutput

D, d = 40, 6


def test_steps_of_two_threads_take_turns():
    """If steps of two threads overlapped, Q would be wrong by up to 76 %."""
    layer = FactoredOutput(D, d, "taylor", dtype=np.float64, threads=1)

    def steps():
        random = np.random.default_rng(0)
        for _ in range(150):
            layer.step(random.standard_normal((8, d)), problems.targets(random, 8, D, 3), 1e-3)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: steps(), range(2)))
    assert max(problems.broken_invariants(layer).values()) < 1e-10


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_object_that_another_thread_used_during_a_fork_is_refused():
    """Without special care, the child would wait forever for a lock that is held by a thread of the parent."""
    busy, other = Guard(), Guard()
    held = busy.held("step")

    def use():
        with other.held("step"):
            pass
        with pytest.raises(InputError, match="forked while another thread used the object"):
            busy.held("step").__enter__()

    with ThreadPoolExecutor(1) as another:
        another.submit(held.__enter__).result()
        child = multiprocessing.get_context("fork").Process(target=use)
        child.start()
        child.join(60)
        assert child.exitcode == 0
        another.submit(held.__exit__, None, None, None).result()
    with busy.held("step"):
        pass


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_of_a_used_layer_go_on_alike(copied):
    """A copy must align its scratch space to cache lines again; otherwise its next step would crash the process."""
    random = np.random.default_rng(0)
    layer = FactoredOutput(400, 90, "bounded-ns", np.arange(1, 401), kernels=CpuKernels(2))
    H, Y = random.standard_normal((300, 90)).astype(np.float32) / 10, problems.targets(random, 300, 400, 7)
    layer.step(H, Y, 1e-3)
    other, before = copied(layer), problems.state(layer)
    assert problems.state(other) == before
    other.step(H, Y, 1e-3)
    assert problems.state(layer) == before
    layer.step(H, Y, 1e-3)
    assert problems.state(other) == problems.state(layer)
