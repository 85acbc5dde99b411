"""The kernels compiled from ``pyx/``: OpenMP over rows, single-threaded BLAS inside.

Everything is allocated here; the compiled functions only fill. Results do not depend on the number of threads.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import threads as _threads  # sets the OpenMP wait policy: stands before the compiled modules
from wordsparse.kernels import _gather, _products
from wordsparse.kernels.numpy import Csr, HostArrays

Array = NDArray[Any]
OPENMP: bool = _gather.OPENMP

# Below this many multiply-adds a parallel region costs more than it saves (waking a sleeping thread: ~20 µs).
PARALLEL_WORK = 200_000


class CpuKernels(HostArrays):
    """Compiled kernels on ``threads`` OpenMP threads (None: every CPU this process may use)."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = _threads.resolve_threads(threads)
        if self.threads > 1 and not OPENMP:
            warnings.warn("wordsparse was compiled without OpenMP: it uses one thread", stacklevel=2)
            self.threads = 1

    def take(self, matrix: Array, rows: Array) -> Array:
        out = np.empty((rows.shape[0], matrix.shape[1]), matrix.dtype)
        _gather.take(matrix, rows, out, self._threads_for(out.size))
        return out

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        _gather.add_rows(matrix, rows, scale, change, self._threads_for(change.size))

    def transpose(self, csr: Csr) -> Csr:
        indptr = np.zeros(csr.columns + 1, np.int64)
        indices = np.empty(csr.entries, np.int32)
        order = np.empty(csr.entries, np.int64)
        _gather.transpose(csr.indptr, csr.indices, indptr, indices, order)
        return Csr(indptr, indices, csr.rows, order)

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        out = np.empty(csr.entries, left.dtype)
        _gather.pair_dots(csr.indptr, csr.indices, left, right, out, self._threads_for(csr.entries * left.shape[1]))
        return out

    def row_dots(self, left: Array, right: Array) -> Array:
        out = np.zeros(left.shape[0])
        _gather.row_dots(left, right, out, self._threads_for(left.size))
        return out

    def combine(self, csr: Csr, values: Array, rows: Array, out: Array | None = None) -> Array:
        accumulate = out is not None
        if out is None:
            out = np.empty((csr.rows, rows.shape[1]), rows.dtype)
        threads = self._threads_for(csr.entries * rows.shape[1])
        _gather.combine(csr.indptr, csr.indices, csr.order, values, rows, out, accumulate, threads)
        return out

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        _gather.sparse_gram(
            csr.indptr, csr.indices, values, transposed.indptr, transposed.indices, transposed.order, out
        )

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        accumulate = out is not None
        if out is None:
            make = np.empty if a.shape[1] else np.zeros
            out = make((a.shape[0], m.shape[1]), a.dtype)
        m = np.ascontiguousarray(m, a.dtype)
        _products.matmul(a, m, out, accumulate, self._threads_for(out.size * a.shape[1]))
        return out

    def gram(self, a: Array, b: Array | None = None) -> Array:
        if a.shape[0] == 0:
            return np.zeros((a.shape[1], a.shape[1] if b is None else b.shape[1]))
        groups = _products.group_count(a.shape[0])
        shape = (groups, a.shape[1], a.shape[1] if b is None else b.shape[1])
        partial, total = np.empty(shape, a.dtype), np.empty(shape)
        threads = self._threads_for(a.shape[0] * shape[1] * shape[2])
        if b is None:
            _products.gram_self(a, partial, total, threads)
        else:
            _products.gram(a, b, partial, total, threads)
        return np.asarray(total[0])

    def _threads_for(self, work: int) -> int:
        return self.threads if work >= PARALLEL_WORK else 1
