"""Rows of n-grams, fitted to the vectors of words that are means of such rows: a ridge problem for each column."""

from collections.abc import Sequence

import numpy as np

from wordsparse.kernels import CpuKernels
from wordsparse.kernels.pool import ArrayPool
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled
from wordsparse.vectors.ngrams import SPAN, Ngrams, Rows, bracketed, isa, kind_of

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

    def rows(self, vectors: Array, ids: Array, weights: Array, mean: Array, *, ridge: float, sweeps: int) -> Rows:
        """Towards argmin_G Σ_w weights_w |vectors_ids[w] − mean − x_w G|² + ridge |G|², x_w G the mean of the rows of
        w's n-grams, by ``sweeps`` from G = 0 on.

        Each n-gram in turn takes the change that is best for it alone, for each column (Gauss-Seidel).
        """
        made = Rows.zeros(len(self.ngrams), vectors.shape[1])
        threads = max(1, min(self._kernels.threads, made.scales.shape[1]))
        pulls = ArrayPool().empty((threads, len(ids), SPAN // 2), np.float32)  # two halves in each number
        first = np.asarray(self._shares * weights, np.float32)
        of_words, of_ngrams = (ids, first, first * self._shares), (self.starts, self.of)
        _ngrams.sweep(isa(), vectors, mean, *of_words, *of_ngrams, ridge, sweeps, *made, pulls)
        return made

    def multiply(self, rows: Rows, matrix: Array) -> None:
        """Let the rows times the matrix (dim, dim) take their place."""
        threads, matrix = self._kernels.threads, np.asarray(matrix, np.float32)
        for start in range(0, len(rows.numbers), BLOCK_ROWS):
            block = [part[start : start + BLOCK_ROWS] for part in rows]
            unpacked = np.empty(block[0].shape, np.float32)
            _ngrams.unpack(isa(), *block, unpacked, threads)
            with single_threaded_blas():
                self._kernels.matmul_in_place(unpacked, matrix)
            _ngrams.pack(isa(), unpacked, *block, threads)
