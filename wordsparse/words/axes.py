"""The axes in which the vectors of a model that continues another are exported: those of the other one.

Steps turn the canonical coordinates, so that words keep their neighbours and not their numbers. An index of yesterday's
vectors would be of no use to today's queries. The map R is the rotation that brings the vectors u' of the words that
both models have nearest to those of before, u, both of length one:

    R = argmin Σ_w √n_w |u'_w R − u_w|²,  RᵀR = I     n_w the word's count        (Schönemann, 1966)
"""

import numpy as np
from numpy.typing import NDArray

from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.words.coordinates import each_block, lengths_of


def axes(vectors: Array, before: Array, rows: Array, counts: Array, threads: int | None) -> NDArray[np.float32]:
    """R (dim, dim) for the vectors (V, dim) of a model; word i of ``before`` (n, dim) is its word ``rows[i]``, which
    occurs ``counts[i]`` times."""

    def overlap(block: slice) -> Array:
        now, then = (part / lengths_of(part)[:, None] for part in (vectors[rows[block]], before[block]))
        return np.asarray((now * np.sqrt(counts[block], dtype=np.float64)[:, None]).T @ then)

    total = sum(each_block(overlap, len(before), threads))
    with single_threaded_blas():
        left, _, right = np.linalg.svd(np.asarray(total))
    return np.asarray(left @ right, np.float32)
