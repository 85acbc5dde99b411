"""The kernels that the layer calls, each written as a plain array expression.

:class:`Kernels` is complete and runs on NumPy. The kernels of a device inherit from this class and override the methods
for which they have faster code.
"""
# mypy: disable-error-code="no-any-return"

from typing import Any

import numpy as np

from wordsparse.kernels.structures import Csr, Structure, Windows
from wordsparse.types import Array

# More than GRAM_PIECE_ROWS rows are cut into at most GRAM_PIECES pieces, whose Gram matrices are summed in float64.
# Rounding errors of float32 thus grow only within a piece.
GRAM_PIECE_ROWS, GRAM_PIECES = 4096, 8


class Kernels:
    """Kernels that take arrays and, unless stated otherwise, return new arrays.

    ``xp`` is the array module: NumPy, or a module with the same functions (CuPy, whose arrays are on the GPU).
    ``device`` is ``cpu`` or ``cuda``; ``threads`` is the number of host threads in use. ``processes`` is the number of
    processes that divide the rows of the matrices, of which each process has only its own.
    """

    xp: Any = np
    device = "cpu"
    threads = 1
    processes = 1

    def to_device(self, array: Array) -> Array:
        """Return a NumPy array as an array of ``xp``; return an array of ``xp`` unchanged."""
        return array

    def to_host(self, array: Array) -> Array:
        """Return an array of ``xp`` as a NumPy array."""
        return array

    def place(self, structure: Structure) -> Structure:
        """Return the dataclass with all its arrays, including arrays of nested dataclasses, as arrays of ``xp``."""
        return structure

    def release(self) -> None:
        """Free the work space that kernels keep for the next step."""

    # ── sparse structures ─────────────────────────────────────────────────────────────────────────────────────────

    def row_of_entry(self, csr: Csr) -> Array:
        """Return the row of each stored entry, int64 (entries,)."""
        return self.xp.searchsorted(csr.indptr, self.xp.arange(csr.entries), side="right") - 1

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        """Return the sum of each row's values, float64 (rows,)."""
        return self._sums(self.row_of_entry(csr), _in_order(csr, values), csr.rows)

    def scaled(self, values: Array, factor: float, dtype: Any = np.float64) -> Array:
        """Return ``factor · values`` in ``dtype``."""
        return self.xp.multiply(values, factor, dtype=np.float64).astype(dtype, copy=False)

    def total(self, values: Array) -> float:
        """Return the sum of ``values``, added in float64."""
        return float(values.sum(dtype=np.float64))

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        """Return each stored value (entries,) times a factor for its column, in the same dtype."""
        return values * scale[csr.indices]

    def transpose(self, csr: Csr) -> Csr:
        """Return the structure of the transpose, whose ``order`` gives the place of each value in the original."""
        order, indptr = self._sorted(csr.indices, csr.columns)
        rows = self.row_of_entry(csr).astype(np.int32)
        return Csr(indptr, self.xp.take(rows, order), csr.rows, order.astype(np.int64, copy=False))

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        """Return ``left[r] · right[c]`` for every stored entry (r, c)."""
        return self.xp.einsum("kd,kd->k", left[self.row_of_entry(csr)], right[csr.indices])

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        """Return the sparse matrix (structure ``csr``, values ``values``) times ``rows``. If ``base`` is given, add
        ``diag(scale) base``."""
        out = self._times(csr, values, rows)
        if base is not None and scale is not None:
            out += scale[:, None] * base
        return out

    def _times(self, csr: Csr, values: Array, rows: Array) -> Array:
        out = self.xp.zeros((csr.rows, rows.shape[1]), rows.dtype)
        self.xp.add.at(out, self.row_of_entry(csr), _in_order(csr, values)[:, None] * rows[csr.indices])
        return out

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        """Add the sparse matrix times its transpose, whose structure is ``transposed``, to ``out`` (rows, rows)."""
        dense = self.combine(transposed, values, self.xp.eye(csr.rows, dtype=values.dtype))
        out += self.combine(csr, values, dense)

    def _sums(self, owners: Array, values: Array, count: int) -> Array:
        """Return the sum of ``values`` for each owner, float64 (count,). ``owners`` holds the owner of each value, a
        number below ``count``."""
        # bincount of an empty array returns int64, whatever the dtype of the weights.
        return self.xp.bincount(owners, values, count).astype(np.float64, copy=False)

    def _sorted(self, owners: Array, count: int) -> tuple[Array, Array]:
        """Return the indices that sort ``owners`` (numbers below ``count``), and the start of each owner's indices
        (count + 1,)."""
        order = self.xp.argsort(owners, kind="stable")
        # bincount is not used: on a GPU, it would wait until the device reports the number of bins.
        starts = self.xp.arange(count + 1, dtype=np.int32)
        return order, self.xp.searchsorted(self.xp.take(owners, order), starts)

    # ── losses ────────────────────────────────────────────────────────────────────────────────────────────────────

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
        """Compute ``loss_pass.per_example`` in one pass, with the device kernel ``loss`` and these constants. If q or s
        is None, zeros are used instead. Return None if the device has no kernel; the caller then uses array
        operations."""
        return None

    def target_terms(
        self, loss: str, csr: Csr, y: Array, a: Array, factors: Array | None
    ) -> tuple[float, Array] | None:
        """Compute Σ y t(o) and the array y t'(o) f in one pass, where t is the ``LinearLoss.target`` compiled as
        ``loss``. The outputs are o = f a, where f is the factor of the column. Return None if there is no compiled
        code; the caller then uses array operations."""
        return None

    def softmax(self, outputs: Array, bias: Array) -> Array:
        """Replace outputs o (m, n) by the softmax of the rows of o + bias. Return log Σ exp(o + bias) of each row, (m,)
        float64. Powers below exp(−60) times the largest power may be replaced by this bound."""
        outputs += bias
        largest = outputs.max(axis=1, keepdims=True)
        outputs -= largest
        self.xp.exp(outputs, out=outputs)
        sums = outputs.sum(axis=1, keepdims=True)
        outputs /= sums
        return (largest + self.xp.log(sums))[:, 0].astype(np.float64)

    # ── windows of a text ─────────────────────────────────────────────────────────────────────────────────────────

    def window_sums(self, windows: Windows, values: Array, squares: Array) -> tuple[Array, Array]:
        """Return Cᵀ values and (C ∘ C)ᵀ squares, float64 (columns,), where C is the matrix of ``windows``. There is one
        value and one square per bag. A token that occurs twice in a bag has two entries in C."""
        bags = windows.csr(self.xp)

        def sums(shares: Array) -> Array:
            return self._sums(bags.indices, shares[self.row_of_entry(bags)], windows.columns)

        return sums(values * windows.share), sums(squares * windows.share**2)

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        """Return ``h_j · rows[targets_j]``, (m,), where h_j is the mean of ``features`` over bag j."""
        return self.xp.einsum("jd,jd->j", self.window_means(windows, features), rows[targets])

    def window_means(self, windows: Windows, features: Array) -> Array:
        """Return H (m, d). Row j of H is h_j, the mean of ``features`` over bag j."""
        bags, share = windows.csr(self.xp), windows.share.astype(features.dtype)
        return self._times(bags, share[self.row_of_entry(bags)], features)

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        """Return ``ΓᵀH`` (in the shape of ``rows``), and ``Cᵀ diag(zeta) H`` and ``CᵀΓ rows`` (in the shape of
        ``features``). C is the matrix of ``windows``, H = C ``features``, and row j of Γ has ``gamma_j`` in column
        ``targets_j``. The first result may overwrite ``rows``."""
        H, bags, share = self.window_means(windows, features), windows.csr(self.xp), windows.share.astype(zeta.dtype)
        bag, back = self.row_of_entry(bags), self.transpose(bags)
        X = self.combine(self._by_target(targets, rows), gamma, H)
        Z = self.combine(back, (share * zeta)[bag], H)
        return X, Z, self.combine(back, (share * gamma)[bag], rows[targets])

    def _by_target(self, targets: Array, rows: Array) -> Csr:
        """Return the structure of Γᵀ, which has one entry per example."""
        return self.transpose(Csr(self.xp.arange(targets.shape[0] + 1), targets, rows.shape[0]))

    # ── rows of matrices ──────────────────────────────────────────────────────────────────────────────────────────

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        """Return ``matrix[rows]``. If ``last`` (u,) is given, it is appended as one more column."""
        chosen = self.xp.take(matrix, rows, axis=0)
        return chosen if last is None else self.xp.concatenate([chosen, last[:, None]], axis=1)

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        """Add ``diag(scale) change`` to ``matrix[rows]`` in place. The ``rows`` must be distinct."""
        matrix[rows] += change if scale is None else scale[:, None] * change

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        """Return ``diag(scale) matrix``; ``scale`` has one number per row, in the dtype of the matrix."""
        return matrix * scale[:, None]

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        """Return ``matrixᵀ weights``, (d,) float64; there is one weight per row."""
        return weights @ matrix.astype(np.float64)

    def row_dots(self, left: Array, right: Array) -> Array:
        """Return ``left[r] · right[r]`` for every row, (n,) float64."""
        return (left * right).sum(axis=1, dtype=np.float64)

    def exceeding(self, matrix: Array, of_rows: Array, of_columns: Array) -> Array:
        """Return the places of the entries of a matrix (m, n) that exceed the number of their row, (m,), or of their
        column, (n,), as ascending indices of the flat matrix."""
        return self.xp.flatnonzero((matrix > of_rows[:, None]) | (matrix > of_columns))

    # ── dense products ────────────────────────────────────────────────────────────────────────────────────────────

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        """Return ``a m`` in the dtype of a; if ``out`` is given, add ``a m`` to it."""
        product = a @ m.astype(a.dtype, copy=False)
        if out is None:
            return product
        out += product
        return out

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        """Set ``a ← a m`` for a square m; return a itself."""
        a[...] = self.matmul(a, m)
        return a

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        """Return ``matrix[rows] m`` in the dtype of the matrix; ``last`` (u,) is one more column of the rows."""
        return self.matmul(self.take(matrix, rows, last), m)

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        """Return ``aᵀ b`` in float64, or ``aᵀ a`` without b. ``symmetric`` states that aᵀ b is symmetric up to rounding
        errors; the result is then exactly symmetric."""
        b, n = a if b is None else b, a.shape[0]
        total = self.xp.zeros((a.shape[1], b.shape[1]))
        step = max(GRAM_PIECE_ROWS, -(-n // GRAM_PIECES))
        for start in range(0, n, step):
            total += a[start : start + step].T @ b[start : start + step]
        return (total + total.T) / 2 if symmetric else total

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        """Return how ``matrix[rows] += change`` changes ``matrixᵀ matrix``, float64 and symmetric. The ``rows`` must be
        distinct."""
        half = self.gram(change, self.take(matrix, rows) + change / 2)
        return half + half.T

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        """Return ``keep·matrix + by·aᵀ b`` in float64. With ``symmetric``, the second term is by·(aᵀ b + bᵀ a)
        instead."""
        product = self.gram(a, b)
        return keep * matrix + by * (product + product.T if symmetric else product)

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        """Return ``aᵀ diag(weights) a`` in float64, exactly symmetric. No weight may be negative."""
        return self.gram(a * self.xp.sqrt(weights).astype(a.dtype)[:, None])

    def inverse(self, matrix: Array) -> Array:
        """Return the inverse (n, n) in the precision of the matrix. If the matrix is singular, the numbers returned are
        not finite."""
        try:
            return self.xp.linalg.inv(matrix)  # if singular, CuPy returns numbers that are not finite
        except np.linalg.LinAlgError:
            return np.full_like(matrix, np.inf)


def _in_order(csr: Csr, values: Array) -> Array:
    """Return the values, sorted into the order of the entries of ``csr``."""
    return values if csr.order is None else values[csr.order]
