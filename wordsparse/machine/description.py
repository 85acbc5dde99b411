"""The machine and the version that gave a number: a time without them says little."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from wordsparse.machine.threads import available_cpus

PACKAGES = ("wordsparse", "numpy", "scipy", "gensim")
# Environment variables that decide how threads and BLAS work.
STEERING = ("GOMP_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "WORDSPARSE_")
# OpenBLAS chooses its kernels by these two where they are set: a comparison leaves the choice to OpenBLAS.
BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
SOURCES = Path(__file__).resolve().parents[2]


def describe(threads: int, sgemm_size: int = 2048) -> dict[str, Any]:
    """The machine, as JSON: processor, CPUs, load, BLAS, versions, and sgemm GFLOP/s on ``threads`` threads."""
    with blas_threads(threads):
        rate = sgemm_gflops(sgemm_size)
    return {
        "processor": processor(),
        "cpus": available_cpus(),
        "threads": threads,
        "load_average": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": _versions(),
        "commit": commit(),
        "blas": [f"{pool['name']} {pool['version']} ({pool['architecture']})" for pool in blas_pools()],
        "environment": environment(),
        "sgemm_gflops": rate,
    }


def commit() -> str | None:
    """The commit of the checkout that this package lies in, "-dirty" where files differ; None for an installed one."""
    if not (SOURCES / ".git").exists():
        return None
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        found = subprocess.run(describe, cwd=SOURCES, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or a checkout of another user
        return None
    return found.stdout.strip()


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables that decide how threads and BLAS work, where they are set."""
    return {name: value for name, value in sorted(environ.items()) if name.startswith(STEERING)}


def blas_pools() -> list[dict[str, Any]]:
    """Each BLAS library of this process: name, version, the architecture of its kernels, threads, file."""
    return [
        {
            "name": pool["internal_api"],
            "version": pool["version"],
            "architecture": pool.get("architecture") or "architecture unknown",
            "threads": pool["num_threads"],
            "file": pool["filepath"],
        }
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]


def processor() -> str:
    """The processor's name, as its vendor gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


@contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Gives BLAS ``threads`` threads: for the sides of a comparison that leave their threads to BLAS."""
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        yield


def sgemm_gflops(size: int) -> float:
    """Best of five float32 products of square matrices, in 10⁹ operations a second, on BLAS's present threads."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    out = np.empty_like(a)
    seconds = []
    for _ in range(6):  # the first one warms up
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:]) / 1e9


def memory_bytes(field: str) -> int:
    """``VmRSS`` (resident now) or ``VmHWM`` (its peak) of this process; Linux only.

    Not getrusage: its peak is inherited from the process that started this one.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far."""
    try:
        return memory_bytes("VmHWM")
    except (OSError, LookupError):  # no Linux
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
