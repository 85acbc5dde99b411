"""Sparse rows with their values, multiplied from either side by the compiled kernels."""

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels

Array = NDArray[Any]


class SparseRows:
    """A matrix X (n, f) of n sparse rows, and the kernels that multiply it.

    Parameters
    ----------
    matrix : SciPy CSR, validated
    kernels : Kernels
    dtype : float32 or float64
    """

    def __init__(self, matrix: Any, kernels: Kernels, dtype: Any = np.float32) -> None:
        self.kernels = kernels
        self.shape: tuple[int, int] = matrix.shape
        indices = matrix.indices.astype(np.int32, copy=False)
        self.csr = Csr(matrix.indptr.astype(np.int64, copy=False), indices, matrix.shape[1])
        self.values = matrix.data.astype(dtype, copy=False)

    @cached_property
    def transposed(self) -> Csr:
        """The structure of Xᵀ."""
        return self.kernels.transpose(self.csr)

    def scipy(self) -> Any:
        """The same as a SciPy CSR array."""
        return sp.csr_array((self.values, self.csr.indices, self.csr.indptr), shape=self.shape)

    def times(self, matrix: Array) -> Array:
        """X matrix, (n, k)."""
        return self.kernels.combine(self.csr, self.values, matrix)

    def transposed_times(self, matrix: Array) -> Array:
        """Xᵀ matrix, (f, k)."""
        return self.kernels.combine(self.transposed, self.values, matrix)

    def column_squares(self) -> Array:
        """Σ_i X_iw² of each column, (f,) float64."""
        squares = self.values.astype(np.float64) ** 2
        return np.bincount(self.csr.indices, squares, self.shape[1]).astype(np.float64, copy=False)
