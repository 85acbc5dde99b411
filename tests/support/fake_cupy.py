"""A fake CuPy that answers as CuPy would on a machine with an H100, or raises CuPy's errors."""

from types import SimpleNamespace

import numpy as np


class CUDARuntimeError(RuntimeError):
    """An error like CuPy's, with the same module name."""


class OutOfMemoryError(MemoryError):
    """An error like CuPy's."""


for _error in (CUDARuntimeError, OutOfMemoryError):
    _error.__module__ = "cupy_backends.cuda.api.runtime"


def fake_cupy(**failures):
    """Make a CuPy that reports an H100. ``failures`` maps functions, ``properties`` or ``product`` to the errors that
    these functions raise."""

    def works(name):
        if name in failures:
            raise failures[name]

    def properties(device):
        works("properties")
        return {"name": b"NVIDIA H100", "totalGlobalMem": 80 * 2**30, "major": 9, "minor": 0}

    class Matrix:
        def __matmul__(self, other):
            works("product")
            return self

        def get(self):
            return np.eye(2)

    runtime = SimpleNamespace(
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 12090,
        getDeviceCount=lambda: 1,
        getDevice=lambda: 0,
        setDevice=lambda number: None,
        getDeviceProperties=properties,
    )
    linalg = SimpleNamespace(inv=lambda matrix: matrix)
    return SimpleNamespace(
        __version__="14.2.0", cuda=SimpleNamespace(runtime=runtime), eye=lambda n: Matrix(), linalg=linalg
    )
