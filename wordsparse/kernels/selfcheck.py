"""Whether products of dense matrices are right on this machine, found out before they are trusted."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from wordsparse.kernels.base import Kernels
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array

# Rows, inner dimension and columns: tiles and panels of every instruction set, filled and begun; few rows, many, and
# enough of them for the matrix unit.
SIZES = ((31, 29, 41), (455, 9, 37), (1060, 67, 85))


def product_fault(kernels: Kernels) -> str | None:
    """The first product of these host kernels that differs from NumPy's; None if all are right."""
    # A fork of another thread waits for the threads of BLAS, for ever where they are in a product.
    with single_threaded_blas():
        for dtype in (np.float32, np.float64):
            for n, k, d in SIZES:
                # The rounding of sums of n + k normal numbers and their products.
                tolerance = 100 * (n + k) * np.finfo(dtype).eps
                for name, found, expected in _products(kernels, n, k, d, np.dtype(dtype)):
                    if not np.allclose(found, expected, rtol=0, atol=tolerance):
                        return f"{name} of {n}×{k} and {k}×{d} {np.dtype(dtype)} matrices is wrong"
    return None


def _products(kernels: Kernels, n: int, k: int, d: int, dtype: np.dtype[Any]) -> Iterator[tuple[str, Array, Array]]:
    """The name of each product, what it gives, and what it should."""
    random = np.random.default_rng(0)
    a, b, square = (random.standard_normal(shape).astype(dtype) for shape in ((n, k), (n, d), (n, k)))
    m, last = random.standard_normal((k, d)), random.standard_normal(n).astype(dtype)
    wide, rows, weights = a.astype(np.float64), random.permutation(n), random.random(n)
    yield "matmul", kernels.matmul(a, m), wide @ m
    yield "matmul", kernels.matmul(a, np.asfortranarray(m), b.copy()), wide @ m + b
    above, below = np.column_stack([a[rows], last]), np.vstack([m, m[:1]])
    yield "matmul_rows", kernels.matmul_rows(a, rows, below, last), above @ below
    yield "gram", kernels.gram(a, b), wide.T @ b
    yield "gram", kernels.gram(a), wide.T @ wide
    yield "weighted_gram", kernels.weighted_gram(a, weights), wide.T @ (weights[:, None] * wide)
    moved = wide.copy()
    moved[rows] += square
    yield "gram_change", kernels.gram_change(a, rows, square), moved.T @ moved - wide.T @ wide
    transformed, right = b.copy(), random.standard_normal((d + 1, d))
    kernels.transform(transformed, right, last.astype(np.float64))
    yield "transform", transformed, np.column_stack([b, last]).astype(np.float64) @ right
