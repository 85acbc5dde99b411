"""The kernels in plain NumPy and SciPy: what each computes, said in one line each."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Csr:
    """The structure of a sparse matrix, rows by columns; values travel beside it, one per stored entry.

    ``order`` is None, or says where an entry's value stands among the values (a transposed structure reads the values
    of the original). ``indptr`` int64 (rows + 1,), ``indices`` int32 (entries,), ``order`` int64 (entries,).
    """

    indptr: Array
    indices: Array
    columns: int
    order: Array | None = None

    @property
    def rows(self) -> int:
        return int(self.indptr.shape[0] - 1)

    @property
    def entries(self) -> int:
        return int(self.indices.shape[0])

    def row_of_entry(self) -> Array:
        """The row of each stored entry, int64 (entries,)."""
        return np.repeat(np.arange(self.rows), np.diff(self.indptr))


class Kernels(Protocol):
    """The interface between the algebra and the machine. Arrays in, new arrays out (unless said otherwise).

    Arrays are those of ``xp``, which is NumPy or a module with its functions (CuPy, whose arrays are on the GPU).
    """

    @property
    def xp(self) -> Any:
        """The module whose arrays these kernels take."""

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""

    def to_device(self, array: Array) -> Array:
        """A NumPy array as one of ``xp``; one of ``xp`` as it is."""

    def to_host(self, array: Array) -> Array:
        """An array of ``xp`` as one of NumPy."""

    def take(self, matrix: Array, rows: Array) -> Array:
        """``matrix[rows]``."""

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        """``matrix[rows] += diag(scale) change`` in place; ``rows`` are distinct."""

    def transpose(self, csr: Csr) -> Csr:
        """The structure of the transpose, reading the values of the original."""

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        """``left[r] · right[c]`` for every stored entry (r, c)."""

    def row_dots(self, left: Array, right: Array) -> Array:
        """``left[r] · right[r]`` for every row, (n,) float64."""

    def combine(self, csr: Csr, values: Array, rows: Array, out: Array | None = None) -> Array:
        """The sparse matrix (structure ``csr``, values ``values``) times ``rows``; added to ``out`` where given."""

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        """``out`` (rows, rows) += the sparse matrix times its transpose, whose structure is ``transposed``."""

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        """``a m``, in a's dtype; added to ``out`` where given."""

    def gram(self, a: Array, b: Array | None = None) -> Array:
        """``aᵀ b`` in float64; ``aᵀ a`` without b."""


class HostArrays:
    """What kernels on NumPy's own arrays have in common."""

    xp: Any = np
    device = "cpu"

    def to_device(self, array: Array) -> Array:
        return array

    def to_host(self, array: Array) -> Array:
        return array


class NumpyKernels(HostArrays):
    """Every kernel as one array expression."""

    def take(self, matrix: Array, rows: Array) -> Array:
        return np.asarray(matrix[rows])

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        matrix[rows] += change if scale is None else scale[:, None] * change

    def transpose(self, csr: Csr) -> Csr:
        order = np.argsort(csr.indices, kind="stable")
        counts = np.bincount(csr.indices, minlength=csr.columns)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return Csr(indptr, csr.row_of_entry()[order].astype(np.int32), csr.rows, order)

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        return np.asarray(np.einsum("kd,kd->k", left[csr.row_of_entry()], right[csr.indices]))

    def row_dots(self, left: Array, right: Array) -> Array:
        return np.asarray(np.einsum("jd,jd->j", left, right, dtype=np.float64))

    def combine(self, csr: Csr, values: Array, rows: Array, out: Array | None = None) -> Array:
        product = np.asarray(self._matrix(csr, values) @ rows)
        if out is None:
            return product
        out += product
        return out

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        out += (self._matrix(csr, values) @ self._matrix(transposed, values)).toarray()

    def _matrix(self, csr: Csr, values: Array) -> sp.csr_array:
        values = values if csr.order is None else values[csr.order]
        return sp.csr_array((values, csr.indices, csr.indptr), shape=(csr.rows, csr.columns))

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        product: Array = a @ m.astype(a.dtype, copy=False)
        if out is None:
            return product
        out += product
        return out

    def gram(self, a: Array, b: Array | None = None) -> Array:
        return np.asarray((a.T @ (a if b is None else b)).astype(np.float64))
