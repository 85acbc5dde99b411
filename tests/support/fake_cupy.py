"""A fake CuPy that answers as CuPy would on a given machine, and its errors."""

from types import SimpleNamespace
from typing import Any

import numpy as np


class CUDARuntimeError(RuntimeError):
    """An error like CuPy's, with the same module name."""


class OutOfMemoryError(MemoryError):
    """An error like CuPy's."""


for _error in (CUDARuntimeError, OutOfMemoryError):
    _error.__module__ = "cupy_backends.cuda.api.runtime"


def fake_cupy(**changes: Any) -> Any:
    """Make a CuPy that reports an H100. ``changes`` replace what its functions return or raise."""
    answers = {
        "driver": 13000,
        "runtime": 12090,
        "count": 1,
        "capability": (9, 0),
        "version": "14.2.0",
        "works": True,
    } | changes

    def answer(name: str) -> Any:
        value = answers[name]
        if isinstance(value, Exception):
            raise value
        return value

    def properties(device: int) -> dict[str, Any]:
        major, minor = answer("capability")
        return {"name": b"NVIDIA H100", "totalGlobalMem": 80 * 2**30, "major": major, "minor": minor}

    current = [0]
    runtime = SimpleNamespace(
        driverGetVersion=lambda: answer("driver"),
        runtimeGetVersion=lambda: answer("runtime"),
        getDeviceCount=lambda: answer("count"),
        getDevice=lambda: current[0],
        setDevice=lambda number: current.__setitem__(0, number),
        getDeviceProperties=properties,
    )

    class Matrix:
        def __matmul__(self, other: Any) -> Any:
            answer("works")
            return self

        def get(self) -> Any:
            return np.eye(2)

    return SimpleNamespace(
        __version__=answers["version"],
        cuda=SimpleNamespace(runtime=runtime),
        eye=lambda n: Matrix(),
        linalg=SimpleNamespace(inv=lambda matrix: matrix),
    )
