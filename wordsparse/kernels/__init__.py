"""The kernels: functions that compute the expensive parts of a training step, on the CPU or a GPU.

:class:`Kernels` implements everything plainly in NumPy. :class:`CpuKernels` overrides methods with compiled, threaded
code, and ``CudaKernels`` overrides them with GPU kernels. The same tests run on all three classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from wordsparse.optional import installed, not_compiled

if not installed("wordsparse.kernels._build"):
    raise not_compiled()

# isort: split
from wordsparse.kernels.base import Kernels
from wordsparse.kernels.cpu import CpuKernels
from wordsparse.kernels.structures import Csr, Windows, mapped
from wordsparse.machine import devices
from wordsparse.machine.threads import single_threaded_blas

__all__ = ["CpuKernels", "Csr", "Kernels", "Windows", "at_work", "kernels_on", "mapped"]


def kernels_on(device: str, threads: int | None = None, *, bfloat16: bool = False) -> Kernels:
    """Return the kernels for ``cpu``, ``cuda`` or ``auto``. ``threads`` and ``bfloat16`` are options of
    :class:`CpuKernels`. If the device cannot be used, an InputError says why."""
    if devices.choose(device).device == "cpu":
        return CpuKernels(threads, bfloat16=bfloat16)
    from wordsparse.kernels.cuda import CudaKernels  # imported here, because only a GPU needs it

    return CudaKernels()


@contextmanager
def at_work(*, starting: bool = False) -> Iterator[None]:
    """Enter the context in which kernels must run: BLAS uses one thread, and GPU errors become clear messages.

    If a GPU has too little memory, InputError is raised with ``starting``, and TrainingError without ``starting``.
    """
    # NumPy's warnings are off, because overflow is detected in the results and reported there.
    quiet = np.errstate(over="ignore", invalid="ignore")
    with single_threaded_blas(), devices.translated_errors(starting=starting), quiet:
        yield
