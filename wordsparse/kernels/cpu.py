"""The kernels compiled from ``pyx/``: OpenMP over rows; inside, the matrix or vector unit or single-threaded BLAS.

Everything is allocated here; the compiled functions only fill. Results do not depend on the number of threads.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

# It sets the OpenMP wait policy, which is read when the first compiled module is loaded.
from wordsparse.machine import threads as _threads

# isort: split
from wordsparse.kernels import _build, _gather, _inverses, _products, _strips, _terms, _windows
from wordsparse.kernels.numpy import HostArrays
from wordsparse.kernels.pool import Rooms, on_lines, row_bytes
from wordsparse.kernels.structures import Csr, Windows

Array = NDArray[Any]
# As the compiled functions take windows: the instruction set, the text, its bags with each block's first one, how far
# windows reach, and the distance of rows.
WindowArrays = tuple[int, Array, Array, Array, Array, Array, int, int]
OPENMP = _build.openmp

# Below this many multiply-adds a parallel region costs more than it saves (waking a sleeping thread: ~20 µs).
PARALLEL_WORK = 200_000
# What one loss's terms cost, and one number that is fetched, in multiply-adds.
TERMS_WORK = 40
SCALE_WORK = 4
# The better one first.
VECTOR_UNITS = {_products.AVX512: "AVX-512", _products.AVX2: "AVX2"}
# Rows that are added up by one thread.
SUM_ROWS = 1024
# A sparse matrix meets a dense one strip by strip where that is larger than this, about what a core's own cache holds,
# and each of its rows is asked for so many times that copying their strips is little beside it.
STRIPS_FROM_BYTES = 1 << 20
STRIPS_FROM_ENTRIES = 8
# About what a last-level cache holds: more than this is out of it again by the time it is read.
CACHED_BYTES = 32 << 20


class CpuKernels(HostArrays):
    """Compiled kernels on ``threads`` OpenMP threads (None: every CPU this process may use).

    Products run on those of ``units`` that the machine has and lends: its matrix unit (AMX) where that pays, in
    float32; its vector unit (AVX-512, else AVX2) otherwise; without either, through BLAS.
    """

    def __init__(self, threads: int | None = None, *, units: frozenset[int] = _products.LENT) -> None:
        self.units = units & _products.LENT
        self._vectors = next((unit for unit in VECTOR_UNITS if unit in self.units), _products.BLAS)
        self._set = _strips.WIDEST_SET
        self.threads = _threads.resolve_threads(threads)
        self._rooms = Rooms()
        self._work: list[Array] = []  # what is in the cache since the last product is used again by the next one
        if self.threads > 1 and not OPENMP:
            warnings.warn("wordsparse was compiled without OpenMP: it uses one thread", stacklevel=2)
            self.threads = 1

    def symmetric_inverses(self, *matrices: Array) -> tuple[Array, ...]:
        sizes, failed = np.array([matrix.shape[0] for matrix in matrices], np.intc), np.zeros(len(matrices), np.intc)
        inverses = np.concatenate([matrix.ravel() for matrix in matrices])
        _inverses.symmetric(inverses, sizes, failed, self._threads_for(inverses.size * int(sizes.max(initial=0))))
        parts = np.split(inverses, np.cumsum(sizes.astype(np.int64) ** 2)[:-1])
        return tuple(
            np.asarray(np.linalg.inv(matrix)) if failed[i] else part.reshape(matrix.shape)
            for i, (matrix, part) in enumerate(zip(matrices, parts, strict=True))
        )

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        out = self._rooms.rows(rows.shape[0], matrix.shape[1] + (last is not None), matrix.dtype)
        _gather.take(matrix, rows, last, out, self._threads_for(out.size))
        return out

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        _gather.add_rows(matrix, rows, scale, change, self._threads_for(change.size))

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        out = self._rooms.rows(matrix.shape[0], matrix.shape[1], matrix.dtype)
        _gather.scale_rows(matrix, scale, out, self._threads_for(out.size))
        return out

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        n, d = matrix.shape
        parts = np.zeros((-(-n // SUM_ROWS), d))
        weights = weights.astype(matrix.dtype, copy=False)
        _gather.column_sums(matrix, weights, SUM_ROWS, parts, self._threads_for(matrix.size))
        return np.asarray(parts.sum(0))

    def transpose(self, csr: Csr) -> Csr:
        indptr = np.zeros(csr.columns + 1, np.int64)
        indices, order = self._rooms.empty((csr.entries,), np.int32), self._rooms.empty((csr.entries,), np.int64)
        _gather.transpose(csr.indptr, csr.indices, indptr, indices, order)
        return Csr(indptr, indices, csr.rows, order)

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        out = self._rooms.empty((csr.entries,), left.dtype)
        threads = self._threads_for(csr.entries * left.shape[1])
        if self._in_strips(csr, right):
            panels = self._panels(right, threads)
            _strips.pair_dots(self._set, csr.indptr, csr.indices, left, right, panels, out)
        else:
            _gather.pair_dots(csr.indptr, csr.indices, left, right, out, threads)
        return out

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        out = np.zeros(csr.rows)
        _gather.sum_rows(csr.indptr, csr.order, values, out, self._threads_for(csr.entries))
        return out

    def target_terms(self, loss: str, y: Array, o: Array) -> tuple[float, Array] | None:
        if loss != "BoundedNS":
            return None
        o = np.ascontiguousarray(o)
        slope = self._rooms.empty(o.shape, o.dtype)
        sums = np.empty(-(-o.shape[0] // _terms.BLOCK))
        y = np.ascontiguousarray(y, o.dtype)
        _terms.softplus(y, o, slope, sums, self._threads_for(TERMS_WORK * o.shape[0]))
        return float(sums.sum()), slope

    def row_dots(self, left: Array, right: Array) -> Array:
        out = np.zeros(left.shape[0])
        _gather.row_dots(left, right, out, self._threads_for(left.size))
        return out

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        out = self._rooms.rows(csr.rows, rows.shape[1], rows.dtype)
        threads = self._threads_for(csr.entries * rows.shape[1])
        operands = csr.indptr, csr.indices, csr.order, values, rows, base, scale
        if self._in_strips(csr, rows):
            ordered = None if csr.order is None else self._rooms.empty((csr.entries,), rows.dtype)
            panels, held = self._panels(rows, threads), np.full(threads, -1)
            _strips.combine(self._set, *operands, panels, held, ordered, out)
        else:
            _gather.combine(*operands, out, threads)
        return out

    def _in_strips(self, csr: Csr, matrix: Array) -> bool:
        return csr.entries >= STRIPS_FROM_ENTRIES * csr.columns and matrix.nbytes >= STRIPS_FROM_BYTES

    def _panels(self, matrix: Array, threads: int) -> Array:
        """A strip of all rows for each thread."""
        return self._rooms.empty((threads, _strips.panel_size(matrix.shape[0]) // matrix.itemsize), matrix.dtype)

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        _gather.sparse_gram(
            csr.indptr, csr.indices, values, transposed.indptr, transposed.indices, transposed.order, out
        )

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        out = np.empty(windows.rows, features.dtype)
        if out.size and features.shape[1]:
            features, rows = self._on_lines(features), self._on_lines(rows)
            scratch = self._window_scratch(windows, features)
            _windows.dots(*self._window_arrays(windows, features), features, targets, rows, scratch, out)
        return out

    def window_means(self, windows: Windows, features: Array) -> Array:
        features = self._on_lines(features)
        out = self._rooms.rows(windows.rows, features.shape[1], features.dtype, on_lines=True)
        if out.size:
            scratch = self._window_scratch(windows, features)
            _windows.means(*self._window_arrays(windows, features), features, scratch, out)
        return out

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        out = self._rooms.empty(values.shape, values.dtype)
        _gather.scale_columns(csr.indices, values, scale, out, self._threads_for(SCALE_WORK * csr.entries))
        return out

    def window_sums(self, windows: Windows, values: Array, *, squared: bool = False) -> Array:
        out = np.zeros(windows.columns)
        if windows.rows:
            change = np.zeros(windows.tokens.shape[0] + 1)
            values = np.ascontiguousarray(values, np.float64)
            _windows.sums(windows.tokens, windows.centre, windows.start, windows.stop, values, squared, change, out)
        return out

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        features, rows = self._on_lines(features), self._on_lines(rows)
        X = rows  # A strip of them is copied before that of X is written.
        n, d = features.shape
        Z, G = (self._rooms.rows(n, d, features.dtype, on_lines=True) for _ in range(2))
        if windows.rows == 0:
            for out in (X, Z, G):
                out[:] = 0
        elif features.shape[1]:
            scratch = self._window_scratch(windows, features)
            arrays = self._window_arrays(windows, features)
            plan_size = _windows.plan_size(windows.tokens.shape[0], windows.reach, features.itemsize)
            plan = self._rooms.empty((plan_size,), np.uint8)
            panels_size = _windows.panels_size(features.shape[0], rows.shape[0])
            panels = self._rooms.empty((scratch.shape[0], panels_size // features.itemsize), features.dtype)
            sums = X, Z, G, self._past_caches(X.nbytes + Z.nbytes + G.nbytes)
            _windows.pull(*arrays, features, targets, rows, zeta, gamma, scratch, plan, panels, *sums)
        return X, Z, G

    def _past_caches(self, size: int) -> bool:
        return size > CACHED_BYTES

    def _window_arrays(self, windows: Windows, features: Array) -> WindowArrays:
        blocks = -(-windows.tokens.shape[0] // _windows.BLOCK)
        first = np.searchsorted(windows.centre, np.arange(blocks + 1) * _windows.BLOCK)
        text = windows.tokens, windows.centre, windows.start, windows.stop, first, windows.reach
        return self._set, *text, row_bytes(features.shape[1], features.itemsize) // features.itemsize

    def _window_scratch(self, windows: Windows, features: Array) -> Array:
        """(threads, numbers), each thread's on cache lines of its own."""
        threads = self._threads_for(windows.rows * features.shape[1])
        return self._rooms.empty((threads, _windows.scratch_bytes(windows.reach) // features.itemsize), features.dtype)

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        if out is not None:
            return self._matmul(a, m, out, accumulate=True)
        out = self._rooms.rows(a.shape[0], m.shape[1], a.dtype)
        if a.shape[1] == 0:
            out[:] = 0
        return self._matmul(a, m, out)

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        n, d = a.shape
        if self._unit_for(a.dtype, n, d, d) == _products.BLAS:
            a[...] = self.matmul(a, m)
            return a
        # The units pack a block of rows before they write it.
        return self._matmul(a, m, a)

    def _matmul(self, a: Array, m: Array, out: Array, *, accumulate: bool = False) -> Array:
        transposed = m.flags.f_contiguous and not m.flags.c_contiguous
        threads = self._threads_for(out.size * a.shape[1])
        unit, work = self._unit(a, out.shape[1], threads)
        # Beside float32 rows a unit rounds float64 numbers as it packs them.
        dtype = m.dtype if work is not None and a.dtype == np.float32 else a.dtype
        m = self._packed(m.T if transposed else m, dtype)
        _products.matmul(a, m, transposed, out, accumulate, threads, unit, work)
        self._done(work)
        return out

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        n, (k, d) = rows.shape[0], m.shape
        threads = self._threads_for(n * m.size)
        unit = self._unit_for(matrix.dtype, n, k, d)
        if n == 0 or unit not in VECTOR_UNITS:
            return self.matmul(self.take(matrix, rows, last), m)
        out = self._rooms.rows(n, d, matrix.dtype)
        work = self._work_space(_products.work_size(unit, matrix.itemsize, n, k, d, threads))
        _products.matmul_rows(matrix, rows, last, np.ascontiguousarray(m, np.float64), out, threads, unit, work)
        self._done(work)
        return out

    def transform(self, matrix: Array, m: Array, last: Array | None = None) -> None:
        n, d = matrix.shape
        if n == 0 or d == 0:
            return
        k, threads = m.shape[0], self._threads_for(n * m.size)
        scratch = self._rooms.empty((threads, _products.transform_size(k, d)), np.float64)
        work = self._work_space(_products.transform_work_size(self._vectors, k, d, threads))
        _products.transform(matrix, last, np.ascontiguousarray(m), scratch, threads, self._vectors, work)
        self._done(work)

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        if b is None or symmetric:
            return self._gram_half(a, b, None)
        return self._gram(a, b, None, 0, 1, symmetric=False)

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        return self._gram(a, b, matrix, keep, by, symmetric=symmetric)

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        # Dᵀ (V + ½ D) and its transpose.
        n, d = change.shape
        if n and self._unit_for(change.dtype, n, d, d) in VECTOR_UNITS:
            return self._gram(change, matrix, None, 0, 1, symmetric=True, chosen=rows)
        middle = self.take(matrix, rows)
        self.add_rows(middle, np.arange(n), change, np.full(n, 0.5, change.dtype))
        return self._gram(change, middle, None, 0, 1, symmetric=True)

    def _gram(
        self,
        a: Array,
        b: Array,
        base: Array | None,
        keep: float,
        by: float,
        *,
        symmetric: bool,
        chosen: Array | None = None,
    ) -> Array:
        (n, k), d = a.shape, b.shape[1]
        if n == 0 or k == 0 or d == 0:
            return np.zeros((k, d)) if base is None else keep * base
        total = self._rooms.empty((k, d), np.float64)
        rows, threads = _products.part_rows(n), self._threads_for(a.size * d)
        parts = self._rooms.empty((min(_products.MOST_PARTS, -(-n // rows)), k, d), a.dtype)
        unit, work = self._unit(a, d, threads)
        _products.gram(a, b, rows, parts, base, keep, by, symmetric, total, threads, unit, work, chosen)
        self._done(work)
        return total

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        return self._gram_half(a, None, np.sqrt(weights).astype(a.dtype))

    def _gram_half(self, a: Array, b: Array | None, scale: Array | None) -> Array:
        n, d = a.shape
        if n == 0 or d == 0:
            return np.zeros((d, d))
        total = self._rooms.empty((d, d), np.float64)
        rows, threads = _products.part_rows(n), self._threads_for(a.size * d)
        parts = self._rooms.empty((min(_products.MOST_PARTS, -(-n // rows)), d, d), a.dtype)
        unit, work = self._unit(a, d, threads)
        scratch = self._rooms.empty((threads, 0 if scale is None or work is not None else rows, d), a.dtype)
        _products.gram_half(a, b, scale, scratch, rows, parts, total, threads, unit, work)
        self._done(work)
        return total

    def _unit(self, a: Array, d: int, threads: int) -> tuple[int, Array | None]:
        """What computes a product of these sizes, and its work space until it is `_done`; None for BLAS."""
        n, k = a.shape
        unit = self._unit_for(a.dtype, n, k, d)
        if unit == _products.BLAS:
            return unit, None
        return unit, self._work_space(_products.work_size(unit, a.itemsize, n, k, d, threads))

    def _work_space(self, size: int) -> Array:
        work = self._work.pop() if self._work else None
        return work if work is not None and work.size >= size else self._rooms.empty((size,), np.uint16)

    def _done(self, work: Array | None) -> None:
        if work is not None:
            self._work.append(work)

    def _unit_for(self, dtype: np.dtype[Any], n: int, k: int, d: int) -> int:
        if _products.TILES in self.units and dtype == np.float32 and _products.tiles_pay(n, k, d):
            return _products.TILES
        return self._vectors

    def _packed(self, matrix: Array, dtype: Any) -> Array:
        """The matrix in C order and of that type, copied where it is not."""
        if matrix.dtype == dtype and matrix.flags.c_contiguous:
            return matrix
        out = self._rooms.empty(matrix.shape, dtype)
        out[...] = matrix
        return out

    def _on_lines(self, matrix: Array) -> Array:
        """The matrix with its rows on cache lines, copied where they stand otherwise."""
        if on_lines(matrix):
            return matrix
        out = self._rooms.rows(matrix.shape[0], matrix.shape[1], matrix.dtype, on_lines=True)
        out[:] = matrix
        return out

    def _threads_for(self, work: int) -> int:
        return _threads.usable_threads(self.threads) if work >= PARALLEL_WORK else 1
