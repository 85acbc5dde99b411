"""Who may use how many threads."""

import builtins
import io
import os
import subprocess
import sys
from typing import Any

import pytest
import threadpoolctl

from wordsparse.errors import InputError
from wordsparse.machine import threads


def files(monkeypatch: pytest.MonkeyPatch, contents: dict[str, str]) -> None:
    """Only these files of the cgroup exist."""

    def fake(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).startswith("/sys/fs/cgroup"):
            if path not in contents:
                raise FileNotFoundError(path)
            return io.StringIO(contents[path])
        return real(path, *args, **kwargs)

    real = builtins.open
    monkeypatch.setattr(builtins, "open", fake)


V2 = "/sys/fs/cgroup/cpu.max"
V1_QUOTA, V1_PERIOD = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"


@pytest.mark.parametrize(
    ("contents", "cpus"),
    [
        ({}, 8),
        ({V2: "max 100000\n"}, 8),
        ({V2: "200000 100000\n"}, 2),
        ({V2: "150000 100000\n"}, 2),
        ({V2: "1000 100000\n"}, 1),
        ({V2: "6400000 100000\n"}, 8),
        ({V2: "nonsense\n"}, 8),
        ({V1_QUOTA: "-1\n", V1_PERIOD: "100000\n"}, 8),
        ({V1_QUOTA: "250000\n", V1_PERIOD: "100000\n"}, 3),
        ({V1_QUOTA: "250000\n"}, 8),
    ],
    ids=str,
)
def test_available_cpus_obeys_the_quota(monkeypatch: pytest.MonkeyPatch, contents: dict[str, str], cpus: int) -> None:
    files(monkeypatch, contents)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert threads.available_cpus() == cpus
    assert threads.resolve_threads(None) == cpus
    # What the user asks for is obeyed to the letter.
    assert threads.resolve_threads(13) == 13


def test_available_cpus_without_an_affinity_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    files(monkeypatch, {})
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert threads.available_cpus() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.available_cpus() == 1


@pytest.mark.parametrize("wrong", [0, -3])
def test_fewer_than_one_thread_is_refused(wrong: int) -> None:
    with pytest.raises(InputError, match=f"threads must be at least 1, not {wrong}"):
        threads.resolve_threads(wrong)


@pytest.mark.parametrize("wrong", [2.5, "2"])
def test_threads_are_a_whole_number(wrong: Any) -> None:
    with pytest.raises(InputError, match="threads must be a whole number"):
        threads.resolve_threads(wrong)


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


def test_single_threaded_blas_sets_and_restores() -> None:
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


def test_the_kernels_own_blas_is_held_whatever_is_imported_first() -> None:
    """A BLAS that is loaded after the pools were looked up would run its own threads beside OpenMP's."""
    script = (
        "import wordsparse.machine.threads as threads, threadpoolctl\n"
        "import scipy.linalg\n"
        "with threadpoolctl.threadpool_limits(2, user_api='blas'), threads.single_threaded_blas():\n"
        "    pools = [p for p in threadpoolctl.threadpool_info() if p['user_api'] == 'blas']\n"
        "    assert pools and all(p['num_threads'] == 1 for p in pools), pools\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_openmp_workers_sleep_while_they_wait() -> None:
    assert "OMP_WAIT_POLICY" in os.environ
