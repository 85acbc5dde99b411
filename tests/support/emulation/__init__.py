"""CuPy and its GPU, emulated with NumPy and the C++ compiler: see standin.py and shim.h."""

import pytest

from support.emulation import compiler
from wordsparse.errors import InputError
from wordsparse.kernels.cuda import CudaKernels
from wordsparse.machine import devices


def cuda_kernels(*, emulated):
    """Return the CUDA kernels, emulated or on a GPU. Skip the test if the compiler or the GPU is missing."""
    if emulated:
        if compiler.COMPILER is None:
            pytest.skip(compiler.MISSING)
        from support.emulation.standin import cupy

        return CudaKernels(cupy)
    try:
        devices.find_gpu()
    except InputError as reason:
        pytest.skip(f"no GPU: {reason}")
    return CudaKernels()
