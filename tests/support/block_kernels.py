"""The compiled kernels, forced to take the code paths of large matrices for matrices of any size."""

from wordsparse.kernels import CpuKernels


class InBlocks(CpuKernels):
    """Kernels that use blocks of columns, rounded panels and writes past the caches, as for large matrices."""

    def _in_blocks(self, csr, matrix):
        return csr.entries > 0 and csr.rows > 0 and matrix.size > 0

    def _past_caches(self, size):
        return True

    def _past_own_cache(self, size):
        return True
