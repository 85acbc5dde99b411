"""Who does the heavy parts of a step. Kernels know arrays and nothing above them.

:class:`NumpyKernels` is complete and plain; :class:`CpuKernels` computes the same with compiled, threaded code. Both
offer the same methods, and the same tests run over both.
"""

from wordsparse.kernels.cpu import CpuKernels
from wordsparse.kernels.numpy import Csr, Kernels, NumpyKernels, Windows

__all__ = ["CpuKernels", "Csr", "Kernels", "NumpyKernels", "Windows"]
