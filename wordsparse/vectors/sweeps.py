"""Rows of n-grams, fitted to the vectors of words that are means of such rows: a ridge problem for each column."""

from collections.abc import Sequence

import numpy as np

from wordsparse.kernels import CpuKernels
from wordsparse.kernels.pool import ArrayPool
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled
from wordsparse.vectors.ngrams import SPAN, Ngrams, bracketed, isa, kind_of, zero_rows

# Rows that are multiplied at a time.
BLOCK_ROWS = 4096


class Sweeps:
    """Words, and the ``ngrams`` that ``at_least`` of them have, in the order of sweeps: the longest first, and of one
    length the one first that the fewest words have."""

    def __init__(
        self, words: Sequence[str], shortest: int, longest: int, at_least: int, kernels: CpuKernels | None = None
    ) -> None:
        numbered = _ngrams.number(kind_of(shortest, longest), *bracketed(words), at_least)
        letters, ends, self.starts, self.of, sizes = numbered
        self.ngrams = Ngrams(letters, ends, shortest, longest)
        self._shares = 1 / np.maximum(sizes, 1).astype(np.float32)
        self._kernels = kernels or CpuKernels()

    def rows(self, vectors: Array, ids: Array, weights: Array, mean: Array, ridge: float, sweeps: int) -> Array:
        """Towards argmin_G Σ_w weights_w |vectors_ids[w] − mean − x_w G|² + ridge |G|², x_w G the mean of the rows of
        w's n-grams, by ``sweeps`` from G = 0 on; rows of 8 bits.

        Each n-gram in turn takes the change that is best for it alone, for each column (Gauss-Seidel).
        """
        made = zero_rows(len(self.ngrams), vectors.shape[1])
        threads = max(1, min(self._kernels.threads, -(-vectors.shape[1] // SPAN)))
        # Two numbers of 16 bits in each.
        pulls = ArrayPool().empty((threads, len(ids), SPAN // 2), np.float32)
        pull = np.asarray(self._shares * weights, np.float32)
        words, ngrams = (ids, pull, pull * self._shares), (self.starts, self.of)
        _ngrams.sweep(isa(), vectors, mean, *words, *ngrams, ridge, sweeps, made, pulls)
        return made

    def multiply(self, rows: Array, matrix: Array) -> None:
        """Let the rows of 8 bits times the matrix (dim, dim) take their place."""
        threads, matrix = self._kernels.threads, np.asarray(matrix, np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS]
            numbers = np.empty((len(block), len(matrix)), np.float32)
            _ngrams.unpack(isa(), block, numbers, threads)
            with single_threaded_blas():
                self._kernels.matmul_in_place(numbers, matrix)
            _ngrams.pack(isa(), numbers, block, threads)
