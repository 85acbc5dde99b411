"""The kernels of every backend, instruction set and number of threads."""

from typing import Any

import pytest
from support.block_kernels import InBlocks
from support.emulation import cuda_kernels
from support.emulation.host_adapter import HostAdapter

from wordsparse.kernels import CpuKernels, Kernels, isa


@pytest.fixture(
    params=[
        "numpy",
        *(f"blocks {name} 2" for name in isa.AVAILABLE),
        "blas any 2",
        *(f"own {name} {threads}" for name in isa.AVAILABLE for threads in (1, 2)),
        "cuda-emulated",
        pytest.param("cuda", marks=pytest.mark.gpu),
    ]
)
def kernels(request: pytest.FixtureRequest) -> Any:
    if request.param == "numpy":
        return Kernels()
    if request.param.startswith("cuda"):
        return HostAdapter(cuda_kernels(emulated=request.param == "cuda-emulated"))
    kind, name, threads = request.param.split()
    if kind == "blocks":
        return InBlocks(int(threads), isa=name)
    return CpuKernels(int(threads), isa=None if name == "any" else name, own_products=kind == "own")
