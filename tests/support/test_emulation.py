"""The emulated device refuses races, reads beyond arrays and arguments of a wrong type."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from support.emulation import compiler
from support.emulation.compiler import LaunchError, compile_kernels

pytestmark = [pytest.mark.nightly, pytest.mark.skipif(compiler.COMPILER is None, reason=compiler.MISSING)]

BAD_KERNELS: dict[str, tuple[str, str]] = {
    "beyond the end": ("out[threadIdx.x + 1] = 1;", "illegal memory access"),
    "before the beginning": ("out[int(threadIdx.x) - 1] = 1;", "beside an array"),
    "a race": ("out[0] = threadIdx.x;", "order of threads"),
    "a read before the beginning": ("out[threadIdx.x] = out[int(threadIdx.x) - 1];", "illegal memory access"),
    "nobody wrote": ("__shared__ double s[64]; if (threadIdx.x == 7) out[3] = s[0]; s[0] = threadIdx.x;", "order of"),
    "divergent shuffle": ("if (threadIdx.x < 9) out[0] = __shfl_sync(0xffffffffu, 1.0, 0);", "not every thread"),
    "divergent barrier": ("for (unsigned i = 0; i < threadIdx.x; ++i) __syncthreads(); "
                          "out[0] = __shfl_sync(0xffffffffu, 1, 0);", "not every thread"),
    "part of a mask": ("out[threadIdx.x] = __shfl_sync(0xffffu, 1.0, 0);", "arithmetic overflowed"),
    "overflow": ("int big = 2147483647 - 60; out[0] = big + int(threadIdx.x) > 5;", "arithmetic overflowed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_KERNELS)
def test_the_emulator_refuses(name: str) -> None:
    body, message = BAD_KERNELS[name]
    code = "__global__ void bad(double* out) { " + body + " }"
    with pytest.raises(LaunchError, match=message):
        compile_kernels(code, ("bad",))["bad"]((1,), (64,), (np.zeros(64),))


ARGUMENTS: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {
    "too few": (lambda: (np.zeros(3),), "1 arguments for 2"),
    "another dtype": (lambda: (np.zeros(3, np.float32), np.int64(3)), "argument 0 is float32"),
    "another size of a number": (lambda: (np.zeros(3), np.int32(3)), "argument 1 is int32"),
    "a number of Python's": (lambda: (np.zeros(3), 3), "argument 1 is int"),
    "gaps": (lambda: (np.zeros(6)[::2], np.int64(3)), "not contiguous"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_emulator_checks_arguments(name: str) -> None:
    make, message = ARGUMENTS[name]
    kernel = compile_kernels("__global__ void fill(double* x, long long n) { x[n - 1] = 1; }", ("fill",))["fill"]
    with pytest.raises(LaunchError, match=message):
        kernel((1,), (32,), make())
    with pytest.raises(LaunchError, match="refuses a grid"):
        kernel((1, 70_000), (32,), (np.zeros(3), np.int64(3)))
