"""The compiled kernels, forced to take the code paths of large matrices for matrices of any size."""

from support.arrays import Array
from wordsparse.kernels import CpuKernels, Csr


class InBlocks(CpuKernels):
    """Kernels that use blocks of columns, rounded panels and writes past the caches, as for large matrices."""

    def _in_blocks(self, csr: Csr, matrix: Array) -> bool:
        return csr.entries > 0 and csr.rows > 0 and matrix.size > 0

    def _past_caches(self, size: int) -> bool:
        return True

    def _past_own_cache(self, size: int) -> bool:
        return True
