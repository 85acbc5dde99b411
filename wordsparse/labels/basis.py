"""The leading right singular vectors of sparse rows, by a randomised range finder.

Halko, Martinsson & Tropp, "Finding structure with randomness", SIAM Review 2011: a random block is multiplied by XᵀX
``PASSES`` times and orthonormalised each time through its Gram matrix, then rotated to the singular vectors. From a
good start one pass is enough.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.labels.rows import SparseRows

Array = NDArray[Any]
PASSES = 2
# Columns of the block beyond those that are kept.
EXTRA = 10
# Eigenvalues below this share of the largest are rounding.
ROUNDING = 1e-6


def randomised_basis(X: SparseRows, dim: int, seed: int, start: Array | None = None) -> tuple[Array, Array]:
    """V (f, k) with orthonormal columns, and S² (k,) float64: XᵀX ≈ V diag(S²) Vᵀ, largest first.

    k is ``dim``, or the numerical rank of X where that is smaller. ``start`` (f, at most dim) are columns near those of
    V, such as those of some of the rows.
    """
    n, f = X.shape
    width = min(dim + EXTRA, n, f)
    random = np.random.default_rng(seed)
    known = 0 if start is None else start.shape[1]
    block = random.standard_normal((f, width - known), np.float32).astype(X.values.dtype, copy=False)
    if start is not None:
        block = np.hstack([start, block / np.sqrt(f).astype(block.dtype)])
    for _ in range(PASSES if start is None else 1):
        block = _orthonormal(X, X.transposed_times(X.times(block)))
    values, vectors = np.linalg.eigh(X.kernels.gram(X.times(block)))
    kept = np.flatnonzero(values > ROUNDING * max(values[-1], np.finfo(np.float64).tiny))[::-1][:dim]
    return X.kernels.matmul(block, vectors[:, kept]), values[kept]


def _orthonormal(X: SparseRows, block: Array) -> Array:
    """The same span with orthonormal columns, fewer where they were dependent."""
    values, vectors = np.linalg.eigh(X.kernels.gram(block))
    kept = values > ROUNDING**2 * values[-1]
    return X.kernels.matmul(block, vectors[:, kept] / np.sqrt(values[kept]))
