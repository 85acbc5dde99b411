"""Rows of features, fitted to the vectors of words that are means of such rows: a ridge problem for each column."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.kernels.cpu import CpuKernels
from wordsparse.kernels.structures import Csr
from wordsparse.types import Array

# Columns that are solved together: their rows are whole cache lines, and stay in the cache.
COLUMNS = 32


def ridge_rows(
    X: sp.csr_array,
    U: Array,
    weights: Array,
    mean: Array | None = None,
    threads: int | None = None,
    *,
    ridge: float,
    steps: int,
) -> NDArray[np.float32]:
    """argmin_G Σ_w weights_w |U_w − mean − X_w G|² + ridge |G|², (B, columns of U) float32.

    Conjugate gradients with Jacobi's preconditioner from G = 0, COLUMNS at a time, which need no other ones.
    """
    roots = np.sqrt(weights).astype(np.float32)
    values = np.asarray(X.data * np.repeat(roots, np.diff(X.indptr)), np.float32)
    down = Csr.of(X)
    up = CpuKernels(1).transpose(down)
    turned, up = values[up.order], Csr(up.indptr, up.indices, up.columns)
    squares = np.bincount(down.indices, values.astype(np.float64) ** 2, minlength=down.columns)
    diagonal = (squares + ridge).astype(np.float32)[:, None]
    G, kernels = np.empty((X.shape[1], U.shape[1]), np.float32), CpuKernels(threads)
    for start in range(0, U.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        given = U[:, columns] if mean is None else U[:, columns] - mean[columns]
        pulled = kernels.combine(up, turned, given * roots[:, None])
        G[:, columns] = _solved(kernels, down, values, up, turned, pulled, diagonal, ridge, steps)
    return G


def _solved(
    kernels: CpuKernels,
    down: Csr,
    values: Array,
    up: Csr,
    turned: Array,
    residual: Array,
    diagonal: Array,
    ridge: float,
    steps: int,
) -> Array:
    """The solution G (B, columns) of (XᵀX + ridge I) G = residual, X being ``values`` by the structure ``down``."""
    ridges = np.full(len(residual), ridge, np.float32)
    G = np.zeros_like(residual)
    scaled = residual / diagonal
    direction = scaled.copy()
    before = np.einsum("ij,ij->j", residual, scaled)
    for _ in range(steps):
        image = kernels.combine(up, turned, kernels.combine(down, values, direction), direction, ridges)
        bend = np.einsum("ij,ij->j", direction, image)
        step = np.divide(before, bend, out=np.zeros_like(before), where=bend > 0)
        G += np.multiply(direction, step, out=scaled)
        image *= step
        residual -= image
        np.divide(residual, diagonal, out=scaled)
        now = np.einsum("ij,ij->j", residual, scaled)
        direction *= np.divide(now, before, out=np.zeros_like(now), where=before > 0)
        direction += scaled
        before = now
    return G
