"""A fixture that yields kernels for every backend, instruction set and number of threads."""

import pytest
from support.block_kernels import InBlocks
from support.emulation import cuda_kernels
from support.emulation.host_adapter import HostAdapter

from wordsparse.kernels import CpuKernels, Kernels, isa


@pytest.fixture(
    params=[
        "numpy",
        *(f"blocks {name} 2" for name in isa.AVAILABLE),
        *(f"compiled {name} {threads}" for name in isa.AVAILABLE for threads in (1, 2)),
        "cuda-emulated",
        pytest.param("cuda", marks=pytest.mark.gpu),
    ]
)
def kernels(request):
    if request.param == "numpy":
        return Kernels()
    if request.param.startswith("cuda"):
        return HostAdapter(cuda_kernels(emulated=request.param == "cuda-emulated"))
    kind, name, threads = request.param.split()
    return (InBlocks if kind == "blocks" else CpuKernels)(int(threads), isa=name)
