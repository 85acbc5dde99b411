"""The kernels in plain NumPy and SciPy, one array expression each."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import lapack

from wordsparse.kernels.structures import Csr, Windows

Array = NDArray[Any]

# Rows that stand in float64 at a time.
TRANSFORMED_ROWS = 4096


class HostArrays:
    """The part that all kernels on NumPy's own arrays share."""

    xp: Any = np
    device = "cpu"

    def to_device(self, array: Array) -> Array:
        return array

    def to_host(self, array: Array) -> Array:
        return array

    def inverse(self, matrix: Array) -> Array:
        if matrix.ndim == 3:
            return np.stack([self.inverse(one) for one in matrix])
        # By LU of the transpose, which in C order needs no copy: half the time of solving for the identity.
        single = matrix.dtype == np.float32
        getrf, getri = (lapack.sgetrf, lapack.sgetri) if single else (lapack.dgetrf, lapack.dgetri)
        lu, pivots, singular = getrf(matrix.T)
        if singular:
            return np.full_like(matrix, np.inf)
        return np.asarray(getri(lu, pivots, lwork=64 * matrix.shape[0], overwrite_lu=1)[0].T)

    def row_of_entry(self, csr: Csr) -> Array:
        return csr.row_of_entry()

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        # (bincount of nothing is int64, whatever the weights)
        return np.bincount(csr.row_of_entry(), values, csr.rows).astype(np.float64, copy=False)

    def loss_sums(
        self,
        loss: str,
        constants: tuple[float, ...],
        csr: Csr,
        y: Array,
        o: Array,
        q: Array | None,
        s: Array | None,
        total: float,
    ) -> None:
        return None

    def target_terms(self, loss: str, y: Array, o: Array) -> tuple[float, Array] | None:
        return None

    def window_sums(self, windows: Windows, values: Array, *, squared: bool = False) -> Array:
        return windows.pull(values * windows.share ** (2 if squared else 1))

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        return np.asarray(values * scale[csr.indices])


class NumpyKernels(HostArrays):
    """Every kernel as one array expression."""

    threads = 1

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        taken = matrix[rows]
        return np.asarray(taken if last is None else np.concatenate([taken, last[:, None]], axis=1))

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        matrix[rows] += change if scale is None else scale[:, None] * change

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        return matrix * scale[:, None]

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        sums: Array = weights @ matrix.astype(np.float64)
        return sums

    def transpose(self, csr: Csr) -> Csr:
        order = np.argsort(csr.indices, kind="stable")
        counts = np.bincount(csr.indices, minlength=csr.columns)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return Csr(indptr, csr.row_of_entry()[order].astype(np.int32), csr.rows, order)

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        return np.asarray(np.einsum("kd,kd->k", left[csr.row_of_entry()], right[csr.indices]))

    def row_dots(self, left: Array, right: Array) -> Array:
        return np.asarray(np.einsum("jd,jd->j", left, right, dtype=np.float64))

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        product = np.asarray(self._matrix(csr, values) @ rows)
        if base is not None and scale is not None:
            product += scale[:, None] * base
        return product

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        out += (self._matrix(csr, values) @ self._matrix(transposed, values)).toarray()

    def _matrix(self, csr: Csr, values: Array) -> sp.csr_array:
        values = values if csr.order is None else values[csr.order]
        return sp.csr_array((values, csr.indices, csr.indptr), shape=(csr.rows, csr.columns))

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        return np.asarray(np.einsum("jd,jd->j", self.window_means(windows, features), rows[targets]))

    def window_means(self, windows: Windows, features: Array) -> Array:
        return np.asarray(_bags(windows, features.dtype) @ features)

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        bags = _bags(windows, features.dtype)
        H = bags @ features
        X = np.zeros_like(rows)
        np.add.at(X, targets, gamma[:, None] * H)
        return X, np.asarray(bags.T @ (zeta[:, None] * H)), np.asarray(bags.T @ (gamma[:, None] * rows[targets]))

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        product: Array = a @ m.astype(a.dtype, copy=False)
        if out is None:
            return product
        out += product
        return out

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        a[...] = self.matmul(a, m)
        return a

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        return self.matmul(self.take(matrix, rows, last), m)

    def transform(self, matrix: Array, m: Array, last: Array | None = None) -> None:
        transform_by_blocks(matrix, m, last, np)

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        product = np.asarray((a.T @ (a if b is None else b)).astype(np.float64))
        return (product + product.T) / 2 if symmetric else product

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        half = self.gram(change, matrix[rows] + change / 2)
        return half + half.T

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        product = self.gram(a, b)
        return keep * matrix + by * (product + product.T if symmetric else product)

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        return self.gram(a * np.sqrt(weights).astype(a.dtype)[:, None])


def transform_by_blocks(matrix: Array, m: Array, last: Array | None, xp: Any) -> None:
    """``Kernels.transform`` in array operations of the module ``xp``, a block of rows at a time."""
    for start in range(0, matrix.shape[0], TRANSFORMED_ROWS):
        block = slice(start, start + TRANSFORMED_ROWS)
        rows = matrix[block].astype(np.float64)
        if last is not None:
            rows = xp.column_stack([rows, last[block]])
        matrix[block] = rows @ m


def _bags(windows: Windows, dtype: Any) -> Any:
    csr = windows.csr()
    values = np.repeat(windows.share, np.diff(csr.indptr)).astype(dtype)
    return sp.csr_array((values, csr.indices, csr.indptr), shape=(csr.rows, csr.columns))
