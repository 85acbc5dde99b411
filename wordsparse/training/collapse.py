"""Whether the vectors of a run have fallen together: their effective rank, and the mean cosine of two of them.

The effective rank is exp(−Σ p log p) of the eigenvalues p, of sum 1, of the second moment of the unit vectors (Roy &
Vetterli, EUSIPCO 2007). Runs that learn have ranks of .5 to .9 of the dimensions, and cosines up to .2.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The most frequent words are looked at, if there are enough of them to tell.
LOOKED_AT, FEWEST = 10_000, 1_000
LEAST_RANK, LARGEST_COSINE = 0.1, 0.6


class Spread(NamedTuple):
    """How far vectors of length ``dim`` lie apart."""

    effective_rank: float
    mean_cosine: float
    dim: int

    def warning(self) -> str | None:
        """What to say of vectors that have fallen together."""
        if self.effective_rank >= LEAST_RANK * self.dim and self.mean_cosine <= LARGEST_COSINE:
            return None
        return (
            f"the vectors have fallen together: the mean cosine of two words is {self.mean_cosine:.2f}, and they use "
            f"{self.effective_rank:.1f} of {self.dim} dimensions; more text or a smaller dim may help, and `evaluate` "
            "judges them"
        )


def spread(vectors: NDArray[Any]) -> Spread | None:
    """The spread of vectors (n, dim); None where they are too few to tell."""
    n, dim = vectors.shape
    if n < FEWEST:
        return None
    rows = vectors.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    total = rows.sum(0)
    p = np.linalg.eigvalsh(rows.T @ rows)
    p = p[p > 0] / max(p[p > 0].sum(), np.finfo(np.float64).tiny)
    return Spread(float(np.exp(-(p * np.log(p)).sum())), float((total @ total - n) / (n * (n - 1))), dim)
