"""Two models in one space, by orthogonal Procrustes, and how far each common word lies from itself."""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def distances(a: Float32, b: Float32, aligned_on: int | None = None) -> Float32:
    """1 − cos(a_i R, b_i) for each row, with the orthogonal R that minimises ‖A R − B‖ (Schönemann 1966).

    Parameters
    ----------
    a : (n, d) float32
        Unit vectors of n words in one model.
    b : (n, e) float32
        Unit vectors of the same words in the other. Where e ≠ d, the shorter vectors count as padded with zeros.
    aligned_on : int, optional
        Number of rows that R is fitted on, from the first; None: all.
    """
    # In float64: a model beside itself shall have distances of zero, not of rounding.
    cross = a[:aligned_on].T.astype(np.float64) @ b[:aligned_on].astype(np.float64)
    left, _, right = np.linalg.svd(cross, full_matrices=False)
    turned = a @ (left @ right).astype(np.float32)
    lengths = np.linalg.norm(turned, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.einsum("ij,ij->i", turned, b) / np.where(lengths == 0, 1, lengths)
    return np.asarray(np.maximum(1 - cosines, 0), np.float32)
