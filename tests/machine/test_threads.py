"""The number of threads that the kernels and BLAS use."""

import itertools
import os
import subprocess
import sys
import threading
import time

import pytest
import threadpoolctl

from wordsparse.machine import threads


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [
        (None, 8),
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("1000 100000\n", 1),
    ],
)
def test_available_cpus_obeys_the_quota(monkeypatch, tmp_path, quota, cpus):
    monkeypatch.setattr(threads, "QUOTA", str(tmp_path / "cpu.max"))
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert threads.available_cpus() == cpus
    assert threads.resolve_threads(None) == cpus
    # A number of threads given by the user is used unchanged.
    assert threads.resolve_threads(13) == 13


def blas_threads():
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


def test_single_threaded_blas_sets_and_restores():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert before
        with threads.single_threaded_blas():
            assert set(blas_threads()) == {1}
            with threads.single_threaded_blas():
                assert set(blas_threads()) == {1}
            assert set(blas_threads()) == {1}
        assert blas_threads() == before
        with pytest.raises(KeyError), threads.single_threaded_blas():
            raise KeyError
        assert blas_threads() == before


def test_every_blas_is_limited_whatever_is_imported_first():
    """A BLAS that is loaded after the look-up of thread pools would run its own threads in addition to OpenMP's."""
    script = (
        "import wordsparse.machine.threads as threads, threadpoolctl\n"
        "import scipy.linalg\n"
        "with threadpoolctl.threadpool_limits(2, user_api='blas'), threads.single_threaded_blas():\n"
        "    pools = [p for p in threadpoolctl.threadpool_info() if p['user_api'] == 'blas']\n"
        "    assert pools and all(p['num_threads'] == 1 for p in pools), pools\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


OPENMP = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # By default, OpenMP's workers spin briefly before they sleep.
        ({}, ["PASSIVE", "1000"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", None]),
        ({"GOMP_SPINCOUNT": "0"}, ["PASSIVE", "0"]),
    ],
    ids=str,
)
def test_openmp_threads_spin_briefly(asked, expected):
    program = f"import os, wordsparse.machine.threads; print([os.environ.get(name) for name in {OPENMP}])"
    others = {name: value for name, value in os.environ.items() if name not in OPENMP}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=others | asked, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(expected)


# ── forked processes ──────────────────────────────────────────────────────────────────────────────────────────────

FORKED = """
import multiprocessing, signal
import numpy as np, scipy.sparse as sp
import wordsparse as ws
from wordsparse.machine import threads

random = np.random.default_rng(0)
H = random.standard_normal((1000, 64)).astype(np.float32)
Y = sp.random_array((1000, 3000), density=0.002, format="csr", rng=random, dtype=np.float32)
text = [[f"w{i}" for i in random.integers(0, 12, 6)] for _ in range(100)]

def step(_):
    signal.alarm(60)  # a hang is a failure
    layer.step(H, Y, 1e-4)
    other = ws.FactoredOutput(3000, 64, threads=2)
    other.step(H, Y, 1e-4)
    return layer.weights().tobytes(), threads.resolve_threads(2)

def train(seed):
    signal.alarm(60)
    return ws.train(text, dim=8, min_count=1, epochs=1, seed=seed, threads=2).vectors.tobytes()

layer = ws.FactoredOutput(3000, 64, threads=2)
layer.step(H, Y, 1e-4)
here = [train(1), train(2)]
with multiprocessing.get_context("fork").Pool(1) as pool:
    stepped, used = pool.map(step, [0])[0]
    there = pool.map(train, [1, 2])
assert (used, threads.resolve_threads(2)) == (1, 2)
assert stepped == step(0)[0]
assert here == there
"""


def test_forked_after_use_a_process_works_on_one_thread():
    """With more threads, a forked process would hang: OpenMP waits for threads that exist only in the parent."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("wordsparse was used before this process was forked: the process uses one thread") == 1


@pytest.mark.parametrize(("helpers", "ahead"), [(1, 1), (2, 3), (3, 5)])
def test_results_are_made_ahead_by_the_other_threads(helpers, ahead):
    made = []

    def function(item):
        made.append((item, threading.get_ident()))
        return item

    results = threads.ordered_map(function, range(20), helpers + 1, ahead=ahead)
    assert next(results) == 0
    deadline = time.monotonic() + 10
    while len(made) <= ahead and time.monotonic() < deadline:  # wait for results after the first
        time.sleep(0.001)
    time.sleep(0.02)
    assert sorted(item for item, _ in made) == list(range(1 + ahead))
    assert list(results) == list(range(1, 20))
    used = {thread for _, thread in made}
    assert threading.get_ident() not in used
    assert len(used) <= helpers


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(("broken", "error", "before"), [(20, ValueError, 20), (99, LookupError, 50)])
def test_results_and_errors_keep_their_order(n, broken, error, before):
    """An error in an item or in the iterator is raised only after the results of all earlier items."""
    taken = 0

    def items():
        nonlocal taken
        for item in range(50):
            taken = item
            yield item
        raise LookupError

    def function(item):
        time.sleep(0.01 if item == 19 else 0)
        if item >= broken:
            raise ValueError
        return item

    results = threads.ordered_map(function, items(), n)
    assert next(results) == 0
    assert taken < 2 * n
    assert list(itertools.islice(results, before - 1)) == list(range(1, before))
    with pytest.raises(error):
        next(results)
