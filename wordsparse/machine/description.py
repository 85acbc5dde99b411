"""Facts about the machine and the installed version, for storing with every measurement."""

import os
import platform
import resource
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

# The prefixes of environment variables that configure threads, BLAS, and products on a GPU.
ENVIRONMENT_PREFIXES = ("CUPY_TF32", "GOMP_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "WORDSPARSE_")
# Environment variables that override OpenBLAS's own choice of kernels. Comparisons unset them.
BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
SOURCES = Path(__file__).resolve().parents[2]


def commit() -> str | None:
    """Return the commit of the checkout that contains this package, with "-dirty" appended if files differ from the
    commit. Return None if the package is not in a checkout."""
    if not (SOURCES / ".git").exists():
        return None
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(describe, cwd=SOURCES, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):  # Git is missing, or the checkout belongs to another user
        return None
    return result.stdout.strip()


def environment() -> dict[str, str]:
    """Return the environment variables that begin with one of ENVIRONMENT_PREFIXES, and their values."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(ENVIRONMENT_PREFIXES)}


def blas_pools() -> list[dict[str, Any]]:
    """Return the name, version, kernel architecture, number of threads and file of each BLAS library in this
    process."""
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
    """Return the model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def sgemm_gflops(size: int) -> float:
    """Return the speed of float32 products of square matrices in GFLOP/s, on the threads of BLAS. The speed is the best
    of five measurements."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    out = np.empty_like(a)
    seconds = []
    for _ in range(6):  # the first call only warms up
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:]) / 1e9


def memory_bytes(field: str) -> int:
    """Return ``VmRSS`` (resident memory) or ``VmHWM`` (its peak) of this process in bytes; Linux only.

    getrusage is not used, because its peak includes the peak of the parent process.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")


def peak_memory_bytes() -> int:
    """Return the peak resident memory of this process in bytes."""
    try:
        return memory_bytes("VmHWM")
    except (OSError, LookupError):  # not Linux
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def version_of(package: str) -> str | None:
    """Return the version of a package, or None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
