"""Ridge regression on all features at once, with XᵀX approximated by a low-rank matrix plus a diagonal.

For sparse rows X (n, f), XᵀX ≈ V S² Vᵀ + diag(r). V (f, d) is an orthonormal basis. r holds, for each feature, the part
of the squared norm of its column of X that lies outside the span of V:

    M = V S² Vᵀ + Δ,   Δ = diag(γ r + λ)
    M⁻¹ = Δ⁻¹ − P K⁻¹ Pᵀ,   P = Δ⁻¹V (f, d),   K = S⁻² + VᵀP

so no f×f matrix is needed. V comes from a randomised range finder (Halko, Martinsson & Tropp, "Finding structure with
randomness", SIAM Review 2011). A random matrix is multiplied by XᵀX ``PASSES`` times. Each product is orthonormalised
through its Gram matrix, and the last product is rotated to the singular vectors. If V may have a column for each
feature, the singular vectors are computed without a random matrix, and XᵀX is exact.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Csr, Kernels
from wordsparse.types import Array

PASSES = 2
# The factor γ of r in Δ. The best γ grows with the number of rows, but this γ works well for any number of rows.
REST = 3.0
# The number of columns of the random matrix in excess of the columns of V.
EXTRA = 10
# The fraction of the largest eigenvalue below which eigenvalues are rounding errors.
ROUNDING = 1e-6


class SparseRows:
    """A matrix X (n, f) of sparse rows, with products by the compiled kernels. X is validated CSR."""

    def __init__(self, matrix: Any, kernels: Kernels) -> None:
        self.kernels = kernels
        self.shape: tuple[int, int] = matrix.shape
        self.csr = Csr.of(matrix)
        self.values = matrix.data.astype(np.float32, copy=False)

    @cached_property
    def transposed(self) -> Csr:
        """The structure of Xᵀ."""
        return self.kernels.transpose(self.csr)

    def times(self, matrix: Array) -> Array:
        """Return X times a matrix, (n, k)."""
        return self.kernels.combine(self.csr, self.values, matrix)

    def transposed_times(self, matrix: Array) -> Array:
        """Return Xᵀ times a matrix, (f, k)."""
        return self.kernels.combine(self.transposed, self.values, matrix)


def scaled_rows(matrix: Any, factors: Array) -> Any:
    """Return diag(factors) times a CSR matrix, in its dtype."""
    data = (matrix.data * np.repeat(factors, np.diff(matrix.indptr))).astype(matrix.dtype)
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


class Spectrum:
    """The spectrum of a matrix X: V (f, d), S² (d,) float64 in descending order, and r (f,). d is ``dim`` or the
    numerical rank of X, whichever is smaller."""

    def __init__(self, X: SparseRows, dim: int, seed: int) -> None:
        if dim >= X.shape[1]:
            block = np.eye(X.shape[1], dtype=np.float32)
        else:
            block = np.random.default_rng(seed).standard_normal((X.shape[1], min(dim + EXTRA, X.shape[1])), np.float32)
            for _ in range(PASSES):
                block = _orthonormal(X, X.transposed_times(X.times(block)))
        values, vectors = np.linalg.eigh(X.kernels.gram(X.times(block)))
        largest = np.flatnonzero(values > ROUNDING * max(values[-1], np.finfo(np.float64).tiny))[::-1][:dim]
        self.V, self.S2 = X.kernels.matmul(block, vectors[:, largest]), values[largest]
        inside = X.kernels.row_dots(X.kernels.matmul(self.V, np.diag(self.S2)), self.V)
        squares = np.bincount(X.csr.indices, X.values.astype(np.float64) ** 2, X.shape[1])
        self.rest = np.maximum(squares - inside, 0)


@dataclass(frozen=True)
class Inverse:
    """The inverse M⁻¹ = diag(scale) − P K⁻¹ Pᵀ, where ``scale`` (f,) is 1/Δ, P is (f, d) and K⁻¹ (d, d) float64."""

    scale: Array
    P: Array
    K_inverse: Array

    @classmethod
    def of(cls, spectrum: Spectrum, ridge: float, kernels: Kernels) -> "Inverse":
        """Compute the inverse for λ = ``ridge``."""
        scale = (1 / (REST * spectrum.rest + ridge)).astype(spectrum.V.dtype)
        P = kernels.scale_rows(spectrum.V, scale)
        K = kernels.gram(spectrum.V, P, symmetric=True) + np.diag(1 / spectrum.S2)
        return cls(scale, P, kernels.inverse(K))

    def times(self, matrix: Array, kernels: Kernels) -> Array:
        """Return M⁻¹ times a matrix, (f, k)."""
        along = self.K_inverse @ kernels.gram(self.P, matrix)
        return kernels.scale_rows(matrix, self.scale) - kernels.matmul(self.P, along)


def _orthonormal(X: SparseRows, block: Array) -> Array:
    """Return orthonormal columns with the span of ``block``. If the columns of ``block`` are linearly dependent, return
    fewer columns."""
    values, vectors = np.linalg.eigh(X.kernels.gram(block))
    is_independent = values > ROUNDING**2 * values[-1]
    return X.kernels.matmul(block, vectors[:, is_independent] / np.sqrt(values[is_independent]))
