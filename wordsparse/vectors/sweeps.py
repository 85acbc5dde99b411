"""Fits rows of features, such as n-grams, such that the sum or mean of the rows of a word's features approximates the
word's vector. The fit is a ridge regression."""

from collections.abc import Sequence

import numpy as np

from wordsparse.kernels import CpuKernels
from wordsparse.kernels.pool import ArrayPool
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors import _ngrams  # type: ignore[attr-defined] # compiled
from wordsparse.vectors.ngrams import SPAN, Ngrams, bracketed, isa, kind_of, zero_rows

# The number of rows that are multiplied at a time.
BLOCK_ROWS = 4096
# The number of zeros that must follow ``of``: the kernel prefetches this many words.
AHEAD = 32


class FeatureSweeps:
    """Words and their features, in the order in which a sweep visits the features. The words of feature g are
    ``of[starts[g] : starts[g + 1]]``, ascending, once for each time that a word has the feature. AHEAD zeros follow.
    ``starts`` are int64, ``of`` int32. The features of word w count ``shares[w]``."""

    def __init__(self, starts: Array, of: Array, shares: Array, kernels: CpuKernels | None = None) -> None:
        self.starts, self.of, self._shares = starts, of, shares
        self._kernels = kernels or CpuKernels()

    def rows(self, vectors: Array, ids: Array, weights: Array, mean: Array, ridge: float, sweeps: int) -> Array:
        """Return the G that minimises Σ_w weights_w |vectors_ids[w] − mean − x_w G|² + ridge |G|², as rows of 8-bit
        numbers. x_w G is the sum of the rows of w's features, times w's share. The result is close to the minimum: it
        is computed by ``sweeps`` sweeps, which start from G = 0.

        A sweep updates the features one after another. Each update sets the row of one feature to its best value while
        all other rows stay fixed (Gauss–Seidel).
        """
        fitted = zero_rows(len(self.starts) - 1, vectors.shape[1])
        threads = max(1, min(self._kernels.threads, -(-vectors.shape[1] // SPAN)))
        # Work space of the sweeps, with two 16-bit numbers in each float32 element.
        pulls = ArrayPool().empty((threads, len(ids), SPAN // 2), np.float32, aligned=True)
        pull = np.asarray(self._shares * weights, np.float32)
        words, features = (ids, pull, pull * self._shares), (self.starts, self.of)
        _ngrams.sweep(isa(), vectors, mean, *words, *features, ridge, sweeps, fitted, pulls)
        return fitted

    def unpacked(self, rows: Array, dim: int) -> Array:
        """Return rows of 8-bit numbers as numbers, (rows, dim) float32."""
        numbers = np.empty((len(rows), dim), np.float32)
        _ngrams.unpack(isa(), rows, numbers, self._kernels.threads)
        return numbers

    def multiply(self, rows: Array, matrix: Array) -> None:
        """Multiply rows of 8-bit numbers by the matrix (dim, dim), in place."""
        matrix = np.asarray(matrix, np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS]
            numbers = self.unpacked(block, len(matrix))
            with single_threaded_blas():
                self._kernels.matmul_in_place(numbers, matrix)
            _ngrams.pack(isa(), numbers, block, self._kernels.threads)


class Sweeps(FeatureSweeps):
    """A set of words and the ``ngrams`` that occur in at least ``at_least`` of these words. The share of a word is one
    over the number of its n-grams. A sweep visits the longest n-grams first. Among n-grams of equal length, the n-grams
    that occur in the fewest words come first."""

    def __init__(
        self, words: Sequence[str], shortest: int, longest: int, at_least: int, kernels: CpuKernels | None = None
    ) -> None:
        numbered = _ngrams.number(kind_of(shortest, longest), *bracketed(words), at_least)
        letters, ends, starts, of, sizes = numbered
        super().__init__(starts, of, 1 / np.maximum(sizes, 1).astype(np.float32), kernels)
        self.ngrams = Ngrams(letters, ends, shortest, longest)
