"""The kernels compiled from ``pyx/``. The kernels use OpenMP threads across rows and vector instructions within rows.

This module allocates all results; the compiled functions only fill them. Results do not depend on the number of
threads.
"""

import logging
from typing import Any

import numpy as np
from scipy.linalg import lapack

# Importing `machine` sets the OpenMP wait policy, which the first compiled module reads when it is loaded. So this
# import comes before all compiled modules.
from wordsparse.machine import threads as _threads
from wordsparse.types import Array

# isort: split
from wordsparse.kernels import (  # type: ignore[attr-defined] # compiled
    _build,
    _column_blocks,
    _csr_rows,
    _largest,
    _loss_terms,
    _products,
    _windows,
)
from wordsparse.kernels.base import Kernels
from wordsparse.kernels.isa import chosen_isa
from wordsparse.kernels.pool import ArrayPool, row_bytes
from wordsparse.kernels.structures import Csr, Windows

# The first arguments of compiled functions on windows: the instruction set, the tokens of the text, the centre, start
# and stop of each bag, the first bag of each block, the reach of the windows, and the stride of rows.
WindowArrays = tuple[int, Array, Array, Array, Array, Array, int, int]
logger = logging.getLogger("wordsparse")

# The number of multiply-adds, some 50 µs on one thread, below which a parallel region costs more than it saves:
# waking a sleeping thread takes 20 µs, and on a virtual machine up to 90 µs.
PARALLEL_WORK = 2_000_000
# Rough costs, in multiply-adds, of a loss term, of a number read from memory, of adding a bag to the sums of its
# tokens, and of a row that is read from memory.
TERMS_WORK, READ_WORK, SUMS_WORK, ROW_WORK = 40, 8, 100, 128
# The number of rows that a thread adds up at a time.
SUM_ROWS = 1024
# The number of values that a thread adds up at a time.
TOTAL_VALUES = 2**15
# A product of a sparse and a dense matrix is computed one block of dense columns at a time if the dense matrix exceeds
# a core's own cache, and if each dense row is read so often that copying the blocks costs little in comparison.
BLOCKS_FROM_BYTES = 1 << 20
BLOCKS_FROM_ENTRIES = 8
# The minimum number of rows of a product, and of columns of each factor, for the matrix unit (AMX). The matrix unit
# computes whole tiles, which smaller products would not fill. The rows of all processes count, so that a divided step
# has the precision of an undivided step.
AMX_ROWS, AMX_COLUMNS = 1024, 64
# The size above which results exceed the last-level cache, and are written directly to memory.
CACHED_BYTES = 32 << 20
# The index of x86-64-v4, which has vectors of 64 bytes but no matrix unit, among the compiled instruction sets.
X86_64_V4 = 2


class CpuKernels(Kernels):
    """Compiled kernels on ``threads`` OpenMP threads. None means one thread per CPU that this process may use.

    ``isa`` is the instruction set, one of the names in ``isa.AVAILABLE``. None means the value of ``WORDSPARSE_ISA`` in
    the environment, or the widest set if the variable is not set. InputError is raised if this machine does not support
    the instruction set or the number of threads.

    With ``bfloat16``, kernels may round float32 numbers to bfloat16 before summing, where rounding is faster. On a
    matrix unit (AMX), products of tall matrices split each number into two bfloat16 numbers, so the product of two
    numbers has a relative error of up to 2⁻¹⁴ instead of the 2⁻²⁴ of float32. With vectors of 64 bytes, products with
    sparse matrices and with windows round a row to bfloat16 if they read the row many times. The relative error of each
    rounded number is up to 2⁻⁹, in either direction.
    """

    def __init__(
        self,
        threads: int | None = None,
        *,
        isa: str | None = None,
        bfloat16: bool = False,
    ) -> None:
        self.isa = chosen_isa(isa)
        self._isa: int = _build.compiled_isas.index(self.isa)
        self._bfloat16 = bfloat16
        self.threads = _threads.resolve_threads(threads)
        if self.threads > 1 and not _build.openmp:
            logger.warning("wordsparse was compiled without OpenMP: it uses one thread")
            self.threads = 1
        self.release()

    def release(self) -> None:
        self._pool = ArrayPool()

    def inverse(self, matrix: Array) -> Array:
        # LAPACK inverts the transpose of a matrix in C order without a copy, in half the time of solving for the
        # identity.
        if matrix.shape[0] == 0:  # LAPACK would print an error message
            return matrix
        single = matrix.dtype == np.float32
        getrf, getri = (lapack.sgetrf, lapack.sgetri) if single else (lapack.dgetrf, lapack.dgetri)
        lu, pivots, singular = getrf(matrix.T)
        if singular:
            return np.full_like(matrix, np.inf)
        return np.asarray(getri(lu, pivots, lwork=64 * matrix.shape[0], overwrite_lu=1)[0].T)

    def row_of_entry(self, csr: Csr) -> Array:
        return csr.row_of_entry

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        out = self._pool.rows(rows.shape[0], matrix.shape[1] + (last is not None), matrix.dtype)
        threads = self._threads_for(rows.shape[0] * max(READ_WORK * out.shape[1], ROW_WORK))
        _csr_rows.take(self._isa, matrix, rows, last, out, threads)
        return out

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        _csr_rows.add_rows(self._isa, matrix, rows, scale, change, self._threads_for(READ_WORK * change.size))

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        out = self._pool.rows(matrix.shape[0], matrix.shape[1], matrix.dtype)
        _csr_rows.scale_rows(self._isa, matrix, scale, out, self._threads_for(READ_WORK * out.size))
        return out

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        n, d = matrix.shape
        parts = np.zeros((-(-n // SUM_ROWS), d))
        weights = weights.astype(matrix.dtype, copy=False)
        threads = self._threads_for(READ_WORK * matrix.size)
        _csr_rows.column_sums(self._isa, matrix, weights, SUM_ROWS, parts, threads)
        return np.asarray(parts.sum(0))

    def transpose(self, csr: Csr) -> Csr:
        indptr = np.zeros(csr.columns + 1, np.int64)
        indices, order = self._pool.empty((csr.entries,), np.int32), self._pool.empty((csr.entries,), np.int64)
        _csr_rows.transpose(csr.indptr, csr.indices, indptr, indices, order)
        return Csr(indptr, indices, csr.rows, order)

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        out = self._pool.empty((csr.entries,), left.dtype)
        threads = self._threads_for(READ_WORK * csr.entries * left.shape[1])
        if self._in_blocks(csr, right):
            panel = self._panel(right)
            _column_blocks.pair_dots(
                self._isa, self._rounds_panels(left), csr.indptr, csr.indices, left, right, panel, out, threads
            )
        else:
            _csr_rows.pair_dots(self._isa, csr.indptr, csr.indices, left, right, out, threads)
        return out

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        out = self._pool.empty((csr.rows,), np.float64)
        _csr_rows.sum_rows(csr.indptr, csr.order, values, out, self._threads_for(READ_WORK * csr.entries))
        return out

    def scaled(self, values: Array, factor: float, dtype: Any = np.float64) -> Array:
        out = self._pool.empty(values.shape, dtype)
        _csr_rows.scaled(values, factor, out, self._threads_for(READ_WORK * values.size))
        return out

    def total(self, values: Array) -> float:
        parts = np.empty(-(-values.shape[0] // TOTAL_VALUES))
        _csr_rows.totals(values, TOTAL_VALUES, parts, self._threads_for(READ_WORK * values.size))
        return float(parts.sum())

    def target_terms(self, loss: str, csr: Csr, y: Array, a: Array, factors: Array | None) -> tuple[float, Array]:
        slope, sums = self._pool.empty(a.shape, a.dtype), np.empty(-(-a.shape[0] // _loss_terms.BLOCK))
        operands = y.astype(a.dtype, copy=False), a, csr.indices, factors
        getattr(_loss_terms, loss)(self._isa, *operands, slope, sums, self._threads_for(TERMS_WORK * a.shape[0]))
        return float(sums.sum()), slope

    def softmax(self, outputs: Array, bias: Array) -> Array:
        log_sums = np.full(outputs.shape[0], -np.inf)
        _loss_terms.softmax(self._isa, outputs, bias, log_sums, self._threads_for(TERMS_WORK * outputs.size))
        return log_sums

    def row_dots(self, left: Array, right: Array) -> Array:
        out = np.zeros(left.shape[0])
        _csr_rows.row_dots(self._isa, left, right, out, self._threads_for(READ_WORK * left.size))
        return out

    def exceeding(self, matrix: Array, of_rows: Array, of_columns: Array) -> Array:
        places = self._pool.empty((matrix.size,), np.int32)
        count = _largest.exceeding(self._isa, matrix, of_rows, of_columns, places)
        return places[:count].astype(np.int64)

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        out = self._pool.rows(csr.rows, rows.shape[1], rows.dtype)
        threads = self._threads_for(READ_WORK * csr.entries * rows.shape[1])
        operands = csr.indptr, csr.indices, csr.order, values, rows, base, scale
        if self._in_blocks(csr, rows):
            ordered = None if csr.order is None else self._pool.empty((csr.entries,), rows.dtype)
            panel = self._panel(rows)
            _column_blocks.combine(self._isa, self._rounds_panels(rows), *operands, panel, ordered, out, threads)
        else:
            _csr_rows.combine(self._isa, *operands, out, threads)
        return out

    def _in_blocks(self, csr: Csr, matrix: Array) -> bool:
        return csr.entries >= BLOCKS_FROM_ENTRIES * csr.columns and self._past_own_cache(matrix.nbytes)

    def _rounds_panels(self, matrix: Array) -> bool:
        """Return whether kernels round their copies of columns of this matrix, the panels, to bfloat16."""
        return self._bfloat16 and matrix.dtype == np.float32 and self._isa >= X86_64_V4

    def _panel(self, matrix: Array) -> Array:
        """Return memory for a panel, a copy of some columns of the matrix in which all rows lie next to each other."""
        size = _column_blocks.panel_size(matrix.shape[0]) // matrix.itemsize
        return self._pool.empty((size,), matrix.dtype, aligned=True)

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        _csr_rows.sparse_gram(
            csr.indptr, csr.indices, values, transposed.indptr, transposed.indices, transposed.order, out
        )

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        out = np.empty(windows.rows, features.dtype)
        if out.size and features.shape[1]:
            features, rows = self._pool.on_lines(features), self._pool.on_lines(rows)
            scratch = self._window_scratch(windows, features)
            _windows.dots(*self._window_arrays(windows, features), features, targets, rows, scratch, out)
        return out

    def window_means(self, windows: Windows, features: Array) -> Array:
        features = self._pool.on_lines(features)
        out = self._pool.rows(windows.rows, features.shape[1], features.dtype, on_lines=True)
        if out.size:
            scratch = self._window_scratch(windows, features)
            _windows.means(*self._window_arrays(windows, features), features, scratch, out)
        return out

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        out = self._pool.empty(values.shape, values.dtype)
        _csr_rows.scale_columns(csr.indices, values, scale, out, self._threads_for(READ_WORK * csr.entries))
        return out

    def window_sums(self, windows: Windows, values: Array, squares: Array) -> tuple[Array, Array]:
        bags, columns, reach = windows.rows, windows.columns, windows.reach
        if bags == 0 or columns == 0:
            return np.zeros(columns), np.zeros(columns)
        count, out = _windows.sum_parts(bags), np.empty((2, columns))
        rings = self._pool.empty((count, _windows.places_of_ring(reach), 4), np.float64)
        parts, threads = self._pool.empty((count, columns, 2), np.float64), self._threads_for(SUMS_WORK * bags)
        text = windows.tokens, windows.centre, windows.start, windows.stop
        numbers = (np.ascontiguousarray(each, np.float64) for each in (values, squares))
        _windows.sums(*text, *numbers, reach, rings, parts, out, threads)
        return out[0], out[1]

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        features, rows = self._pool.on_lines(features), self._pool.on_lines(rows)
        X = rows  # X may overwrite rows, as each block of columns is copied before it is written
        n, d = features.shape
        Z, G = (self._pool.rows(n, d, features.dtype, on_lines=True) for _ in range(2))
        if windows.rows == 0:
            for out in (X, Z, G):
                out[:] = 0
        elif features.shape[1]:
            scratch = self._window_scratch(windows, features)
            arrays = self._window_arrays(windows, features)
            plan_size = _windows.plan_size(windows.tokens.shape[0], windows.reach, features.itemsize)
            plan = self._pool.empty((plan_size,), np.uint8, aligned=True)
            panels_size = _windows.panels_size(features.shape[0], rows.shape[0])
            shape = scratch.shape[0], panels_size // features.itemsize
            panels = self._pool.empty(shape, features.dtype, aligned=True)
            past_caches = self._past_caches(X.nbytes + Z.nbytes + G.nbytes)
            half = features.shape == rows.shape and self._rounds_panels(features) and self._past_own_cache(panels_size)
            operands = features, targets, rows, zeta, gamma, scratch, plan, panels
            _windows.pull(*arrays, *operands, X, Z, G, past_caches, half)
        return X, Z, G

    def _past_caches(self, size: int) -> bool:
        return size > CACHED_BYTES

    def _past_own_cache(self, size: int) -> bool:
        return size >= BLOCKS_FROM_BYTES

    def _window_arrays(self, windows: Windows, features: Array) -> WindowArrays:
        text = windows.tokens, windows.centre, windows.start, windows.stop, windows.first(_windows.BLOCK), windows.reach
        return self._isa, *text, row_bytes(features.shape[1], features.itemsize) // features.itemsize

    def _window_scratch(self, windows: Windows, features: Array) -> Array:
        """Return scratch space (threads, numbers), in which no two threads share a cache line."""
        threads = self._threads_for(READ_WORK * windows.rows * features.shape[1])
        shape = threads, _windows.scratch_bytes(windows.reach) // features.itemsize
        return self._pool.empty(shape, features.dtype, aligned=True)

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        if out is not None:
            return self._matmul(a, m, out, accumulate=True)
        out = self._pool.rows(a.shape[0], m.shape[1], a.dtype)
        if a.shape[1] == 0:
            out[:] = 0
        return self._matmul(a, m, out)

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        # The result may overwrite a, because each block of rows is copied (packed) before it is written.
        return self._matmul(a, m, a)

    def _matmul(self, a: Array, m: Array, out: Array, *, accumulate: bool = False) -> Array:
        transposed = m.flags.f_contiguous and not m.flags.c_contiguous
        (n, k), d = a.shape, out.shape[1]
        # If the rows are float32, a float64 m need not be converted, because packing rounds it.
        dtype = m.dtype if a.dtype == np.float32 else a.dtype
        m = np.ascontiguousarray(m.T if transposed else m, dtype)
        isa, threads = self._isa_of_product(n, k, d), self._threads_for(n * k * d)
        _products.matmul(isa, a, m, transposed, out, accumulate, threads)
        return out

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        n, (k, d) = rows.shape[0], m.shape
        out = self._pool.rows(n, d, matrix.dtype)
        m = np.ascontiguousarray(m, np.float64)
        isa, threads = self._isa_of_product(n, k, d), self._threads_for(n * m.size)
        _products.matmul_rows(isa, matrix, rows, last, m, out, threads)
        return out

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        return self._gram(a, b, half=b is None or symmetric)

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        return self._gram(a, b, base=matrix, keep=keep, by=by, mirrored=symmetric)

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        # Dᵀ (V + ½ D) plus its transpose, with D = change and V = matrix[rows].
        return self._gram(change, matrix, chosen=rows, mirrored=True)

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        return self._gram(a, scale=np.sqrt(weights).astype(a.dtype), half=True)

    def _gram(
        self,
        a: Array,
        b: Array | None = None,
        *,
        chosen: Array | None = None,
        scale: Array | None = None,
        half: bool = False,
        mirrored: bool = False,
        base: Array | None = None,
        keep: float = 0.0,
        by: float = 1.0,
    ) -> Array:
        (n, k), d = a.shape, a.shape[1] if b is None else b.shape[1]
        if n == 0 or k == 0 or d == 0:
            return np.zeros((k, d)) if base is None else keep * base
        total = np.empty((k, d))
        operands = a, b, chosen, scale, half, mirrored, base, keep, by
        _products.gram(self._isa_of_product(n, k, d), *operands, total, self._threads_for(a.size * d))
        return total

    def _isa_of_product(self, n: int, k: int, d: int) -> int:
        """Return the index of the instruction set for a product (n, k) · (k, d), or (k, n) · (n, d)."""
        splits = self._bfloat16 and n * self.processes >= AMX_ROWS and min(k, d) >= AMX_COLUMNS
        return self._isa if splits else min(self._isa, X86_64_V4)

    def _threads_for(self, work: int) -> int:
        return _threads.usable_threads(self.threads) if work >= PARALLEL_WORK else 1
