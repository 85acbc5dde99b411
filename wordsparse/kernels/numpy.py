"""The kernels in plain NumPy and SciPy: what each computes, said in one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import lapack

Array = NDArray[Any]

# Rows that stand in float64 at a time.
TRANSFORMED_ROWS = 4096


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

    def moved(self, move: Callable[[Array], Array]) -> "Csr":
        """The same with its arrays elsewhere."""
        order = None if self.order is None else move(self.order)
        return Csr(move(self.indptr), move(self.indices), self.columns, order)

    @property
    def rows(self) -> int:
        return int(self.indptr.shape[0] - 1)

    @property
    def entries(self) -> int:
        return int(self.indices.shape[0])

    def row_of_entry(self) -> Array:
        """The row of each stored entry, int64 (entries,); kept, for it is asked for several times a step."""
        return self._row_of_entry

    @cached_property
    def _row_of_entry(self) -> Array:
        return np.repeat(np.arange(self.rows), np.diff(self.indptr))


@dataclass(frozen=True)
class Windows:
    """Bags of tokens that are windows of one text: the structure of a sparse matrix C, bags by columns.

    Bag j is ``tokens[start_j : stop_j]`` but the token at ``centre_j``; each of its tokens weighs one part of its size.
    ``tokens`` int32 (n,), negative where no token stands (no window spans such a place); ``centre``, ``start`` and
    ``stop`` int32 (m,), ``centre`` ascending, windows never further than ``reach`` tokens to either side, no bag empty.
    """

    tokens: Array
    centre: Array
    start: Array
    stop: Array
    reach: int
    columns: int

    def moved(self, move: Callable[[Array], Array]) -> "Windows":
        """The same with its arrays elsewhere."""
        tokens, centre, start, stop = map(move, (self.tokens, self.centre, self.start, self.stop))
        return Windows(tokens, centre, start, stop, self.reach, self.columns)

    @property
    def rows(self) -> int:
        return int(self.centre.shape[0])

    @cached_property
    def share(self) -> Array:
        """What one token of each bag weighs: 1 / size, float64 (m,)."""
        return 1.0 / (self.stop - self.start - 1)

    def pull(self, values: Array) -> Array:
        """Each column's sum of ``values`` (m,) over the bags that it is in, float64 (columns,)."""
        # A bag's value starts to count at its first token and stops to after its last; its centre is left out.
        n = self.tokens.shape[0]
        change = np.bincount(self.start, values, n + 1) - np.bincount(self.stop, values, n + 1)
        received = np.cumsum(change)[:n] - np.bincount(self.centre, values, n)
        stands = self.tokens >= 0
        pulled = np.bincount(self.tokens[stands], received[stands], self.columns)
        return pulled.astype(np.float64, copy=False)  # (bincount of nothing is int64)

    def csr(self, xp: Any = np) -> Csr:
        """The same matrix entry by entry, in the order of the text; ``xp`` is the module of the arrays."""
        size = self.stop - self.start - 1
        indptr = xp.zeros(self.rows + 1, np.int64)
        indptr[1:] = xp.cumsum(size)
        entries = xp.arange(int(indptr[-1]))
        bag = xp.searchsorted(indptr, entries, side="right") - 1
        place = entries - (indptr[:-1] - self.start)[bag]
        place += place >= self.centre[bag]  # the centre itself is left out
        return Csr(indptr, self.tokens[place], self.columns)


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

    def inverse(self, matrix: Array) -> Array:
        """The inverse, in the matrix's precision; not finite where it is singular, so that its condition number says
        so."""

    def symmetric_inverses(self, *matrices: Array) -> tuple[Array, ...]:
        """The inverses of symmetric float64 matrices, all but surely positive definite."""

    def row_of_entry(self, csr: Csr) -> Array:
        """The row of each stored entry, int64 (entries,)."""

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        """The sum of each row's values, float64 (rows,)."""

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
    ) -> tuple[Array, Array, Array, Array] | None:
        """``Loss.minibatch`` of the built-in loss of that class and constants in one pass, zeros for q and s that are
        None; or None, where array operations are to do it."""

    def target_terms(self, loss: str, y: Array, o: Array) -> tuple[float, Array] | None:
        """Σ y t(o) and the array y t'(o) of the built-in linear loss of that class in one pass; or None, where array
        operations are to do it."""

    def window_sums(self, windows: Windows, values: Array, *, squared: bool = False) -> Array:
        """Cᵀ values for one number a bag, float64 (columns,). ``squared``: the share of each of a bag's tokens by
        itself once more; repeats inside a bag still count one by one."""

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        """What each stored entry's value (entries,) is with a factor for its column, of the same dtype."""

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        """``matrix[rows]``, with ``last`` (u,) as one more column where given."""

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        """``matrix[rows] += diag(scale) change`` in place; ``rows`` are distinct."""

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        """``diag(scale) matrix``, one number of the same dtype a row."""

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        """``matrixᵀ weights`` for one number a row, (d,) float64."""

    def transpose(self, csr: Csr) -> Csr:
        """The structure of the transpose, reading the values of the original."""

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        """``left[r] · right[c]`` for every stored entry (r, c)."""

    def row_dots(self, left: Array, right: Array) -> Array:
        """``left[r] · right[r]`` for every row, (n,) float64."""

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        """The sparse matrix (structure ``csr``, values ``values``) times ``rows``, plus ``diag(scale) base`` where
        given."""

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        """``out`` (rows, rows) += the sparse matrix times its transpose, whose structure is ``transposed``."""

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        """``h_j · rows[targets_j]``, h_j the mean of ``features`` over bag j; (m,)."""

    def window_means(self, windows: Windows, features: Array) -> Array:
        """H, every h_j, (m, d)."""

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        """``ΓᵀH`` shaped like ``rows``, ``Cᵀ diag(zeta) H`` and ``CᵀΓ rows`` shaped like ``features``: C the bags, Γ
        with one ``gamma_j`` in each row j, at column ``targets_j``. ``rows`` are used up: the first may take their
        place."""

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        """``a m``, in a's dtype; added to ``out`` where given."""

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        """``a ← a m``, m square; a itself."""

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        """``matrix[rows] m``, in the matrix's dtype, with ``last`` (u,) as one more column of the rows where given."""

    def transform(self, matrix: Array, m: Array, last: Array | None = None) -> None:
        """``matrix ← matrix m`` in place, in float64 until each row is rounded; with ``last`` (n,) float64 as one more
        column of the matrix where given. m is float64, and has as many columns as the matrix."""

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        """``aᵀ b`` in float64; ``aᵀ a`` without b. ``symmetric``: aᵀ b is known to be, and comes out so exactly."""

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        """By how much ``matrixᵀ matrix`` grows with ``matrix[rows] += change``; float64, symmetric. ``rows`` are
        distinct."""

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        """``keep·matrix + by·aᵀ b`` in float64, the product in a's dtype; ``aᵀ b + bᵀ a`` for it if ``symmetric``."""

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        """``aᵀ diag(weights) a`` in float64, symmetric to the last bit; no weight is negative."""


class HostArrays:
    """What kernels on NumPy's own arrays have in common."""

    xp: Any = np
    device = "cpu"

    def to_device(self, array: Array) -> Array:
        return array

    def to_host(self, array: Array) -> Array:
        return array

    def inverse(self, matrix: Array) -> Array:
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

    def symmetric_inverses(self, *matrices: Array) -> tuple[Array, ...]:
        return tuple(np.asarray(np.linalg.inv(matrix)) for matrix in matrices)

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
