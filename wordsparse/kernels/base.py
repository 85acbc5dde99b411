"""The interface between the algebra and the machine, and every kernel of it as one plain array expression.

:class:`Kernels` is complete: it runs on NumPy, the tests compare every other set of kernels with it, and a set for one
device inherits it and overrides the methods that it makes faster.
"""
# mypy: disable-error-code="no-any-return"

from typing import Any

import numpy as np

from wordsparse.kernels.structures import Csr, Windows
from wordsparse.types import Array

# A float32 product over more rows is computed in at most this number of pieces, which are added up in float64.
GRAM_PIECE_ROWS, GRAM_PIECES = 4096, 8


class Kernels:
    """Arrays in, new arrays out (unless said otherwise).

    ``xp`` is NumPy, or a module with its functions (CuPy, whose arrays are on the GPU): the arrays of these kernels are
    its. ``device`` is ``cpu`` or ``cuda``; ``threads`` are the host's that they work on.
    """

    xp: Any = np
    device = "cpu"
    threads = 1

    def to_device(self, array: Array) -> Array:
        """A NumPy array as one of ``xp``; one of ``xp`` as it is."""
        return array

    def to_host(self, array: Array) -> Array:
        """An array of ``xp`` as one of NumPy."""
        return array

    def release(self) -> None:
        """Give up the work space that is kept for the next step."""

    # ── sparse structures ─────────────────────────────────────────────────────────────────────────────────────────

    def row_of_entry(self, csr: Csr) -> Array:
        """The row of each stored entry, int64 (entries,)."""
        return self.xp.searchsorted(csr.indptr, self.xp.arange(csr.entries), side="right") - 1

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        """The sum of each row's values, float64 (rows,)."""
        return self._sums(self.row_of_entry(csr), _in_order(csr, values), csr.rows)

    def scaled(self, values: Array, factor: float, dtype: Any = np.float64) -> Array:
        """``factor · values`` in a dtype of its own."""
        return self.xp.multiply(values, factor, dtype=np.float64).astype(dtype, copy=False)

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        """The value of each stored entry (entries,) times a factor for its column, of the same dtype."""
        return values * scale[csr.indices]

    def transpose(self, csr: Csr) -> Csr:
        """The structure of the transpose, reading the values of the original."""
        order, indptr = self._sorted(csr.indices, csr.columns)
        rows = self.row_of_entry(csr).astype(np.int32)
        return Csr(indptr, self.xp.take(rows, order), csr.rows, order.astype(np.int64, copy=False))

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        """``left[r] · right[c]`` for every stored entry (r, c)."""
        return self.xp.einsum("kd,kd->k", left[self.row_of_entry(csr)], right[csr.indices])

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        """The sparse matrix (structure ``csr``, values ``values``) times ``rows``, plus ``diag(scale) base`` where
        given."""
        out = self._times(csr, values, rows)
        if base is not None and scale is not None:
            out += scale[:, None] * base
        return out

    def _times(self, csr: Csr, values: Array, rows: Array) -> Array:
        out = self.xp.zeros((csr.rows, rows.shape[1]), rows.dtype)
        self.xp.add.at(out, self.row_of_entry(csr), _in_order(csr, values)[:, None] * rows[csr.indices])
        return out

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        """``out`` (rows, rows) += the sparse matrix times its transpose, whose structure is ``transposed``."""
        dense = self.combine(transposed, values, self.xp.eye(csr.rows, dtype=values.dtype))
        out += self.combine(csr, values, dense)

    def _sums(self, owners: Array, values: Array, count: int) -> Array:
        """Each owner's sum of ``values``, float64 (count,)."""
        # (bincount of nothing is int64, whatever the weights)
        return self.xp.bincount(owners, values, count).astype(np.float64, copy=False)

    def _sorted(self, owners: Array, count: int) -> tuple[Array, Array]:
        """The places of ``owners``, numbers below ``count``, in the order of their owners, and where each owner's
        begin (count + 1,)."""
        order = self.xp.argsort(owners, kind="stable")
        # (bincount would wait for the device to tell the number of bins)
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
        """``loss_pass.per_example`` of the loss that the device has as ``loss``, with its constants, in one pass, zeros
        for q and s that are None; or None, where array operations are to do it."""
        return None

    def target_terms(
        self, loss: str, csr: Csr, y: Array, a: Array, factors: Array | None
    ) -> tuple[float, Array] | None:
        """Σ y t(o) and the array y t'(o) f of outputs o = f a, f the factor of each one's column, of the linear loss
        that is compiled as ``loss`` in one pass; or None, where array operations are to do it."""
        return None

    # ── windows of a text ─────────────────────────────────────────────────────────────────────────────────────────

    def window_sums(self, windows: Windows, values: Array, squares: Array) -> tuple[Array, Array]:
        """Cᵀ values and (C ∘ C)ᵀ squares for one number a bag, float64 (columns,). Repeats inside a bag count one by
        one."""
        bags = windows.csr(self.xp)

        def sums(shares: Array) -> Array:
            return self._sums(bags.indices, shares[self.row_of_entry(bags)], windows.columns)

        return sums(values * windows.share), sums(squares * windows.share**2)

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        """``h_j · rows[targets_j]``, h_j the mean of ``features`` over bag j; (m,)."""
        return self.xp.einsum("jd,jd->j", self.window_means(windows, features), rows[targets])

    def window_means(self, windows: Windows, features: Array) -> Array:
        """H, every h_j, (m, d)."""
        bags, share = windows.csr(self.xp), windows.share.astype(features.dtype)
        return self._times(bags, share[self.row_of_entry(bags)], features)

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        """``ΓᵀH`` shaped like ``rows``, ``Cᵀ diag(zeta) H`` and ``CᵀΓ rows`` shaped like ``features``: C the bags, Γ
        with one ``gamma_j`` in each row j, at column ``targets_j``. ``rows`` are overwritten: the first may take their
        place."""
        H, bags, share = self.window_means(windows, features), windows.csr(self.xp), windows.share.astype(zeta.dtype)
        bag, back = self.row_of_entry(bags), self.transpose(bags)
        X = self.combine(self._by_target(targets, rows), gamma, H)
        Z = self.combine(back, (share * zeta)[bag], H)
        return X, Z, self.combine(back, (share * gamma)[bag], rows[targets])

    def _by_target(self, targets: Array, rows: Array) -> Csr:
        """The structure of Γᵀ, one entry for each example."""
        return self.transpose(Csr(self.xp.arange(targets.shape[0] + 1), targets, rows.shape[0]))

    # ── rows of matrices ──────────────────────────────────────────────────────────────────────────────────────────

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        """``matrix[rows]``, with ``last`` (u,) as one more column where given."""
        taken = self.xp.take(matrix, rows, axis=0)
        return taken if last is None else self.xp.concatenate([taken, last[:, None]], axis=1)

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        """``matrix[rows] += diag(scale) change`` in place; ``rows`` are distinct."""
        matrix[rows] += change if scale is None else scale[:, None] * change

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        """``diag(scale) matrix``, one number of the same dtype a row."""
        return matrix * scale[:, None]

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        """``matrixᵀ weights`` for one number a row, (d,) float64."""
        return weights @ matrix.astype(np.float64)

    def row_dots(self, left: Array, right: Array) -> Array:
        """``left[r] · right[r]`` for every row, (n,) float64."""
        return (left * right).sum(axis=1, dtype=np.float64)

    # ── dense products ────────────────────────────────────────────────────────────────────────────────────────────

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        """``a m``, in a's dtype; added to ``out`` where given."""
        product = a @ m.astype(a.dtype, copy=False)
        if out is None:
            return product
        out += product
        return out

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        """``a ← a m``, m square; a itself."""
        a[...] = self.matmul(a, m)
        return a

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        """``matrix[rows] m``, in the matrix's dtype, with ``last`` (u,) as one more column of the rows where given."""
        return self.matmul(self.take(matrix, rows, last), m)

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        """``aᵀ b`` in float64; ``aᵀ a`` without b. ``symmetric``: aᵀ b is known to be, and comes out so exactly."""
        b, n = a if b is None else b, a.shape[0]
        total = self.xp.zeros((a.shape[1], b.shape[1]))
        step = max(GRAM_PIECE_ROWS, -(-n // GRAM_PIECES))
        for start in range(0, n, step):
            total += a[start : start + step].T @ b[start : start + step]
        return (total + total.T) / 2 if symmetric else total

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        """By how much ``matrixᵀ matrix`` grows with ``matrix[rows] += change``; float64, symmetric. ``rows`` are
        distinct."""
        half = self.gram(change, self.take(matrix, rows) + change / 2)
        return half + half.T

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        """``keep·matrix + by·aᵀ b`` in float64, the product in a's dtype; ``aᵀ b + bᵀ a`` for it if ``symmetric``."""
        product = self.gram(a, b)
        return keep * matrix + by * (product + product.T if symmetric else product)

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        """``aᵀ diag(weights) a`` in float64, symmetric to the last bit; no weight is negative."""
        return self.gram(a * self.xp.sqrt(weights).astype(a.dtype)[:, None])

    def inverse(self, matrix: Array) -> Array:
        """The inverse (n, n), in the matrix's precision; not finite where it is singular, so that its condition number
        says so."""
        try:
            return self.xp.linalg.inv(matrix)  # CuPy raises nothing: its numbers are not finite then
        except np.linalg.LinAlgError:
            return np.full_like(matrix, np.inf)


def _in_order(csr: Csr, values: Array) -> Array:
    """The values in the order of the entries."""
    return values if csr.order is None else values[csr.order]
