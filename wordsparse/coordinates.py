"""Canonical coordinates: the vectors that do not depend on the arbitrary basis in which training left them.

The steps that train E and W are affine-invariant, so (E, W) and (E B, W B⁻ᵀ) are the same model for any invertible B and
the raw geometry of E means nothing. With C = Σ_w f_w E_w E_wᵀ (f relative frequencies) and Q_E = Σ_w W̃_w W̃_wᵀ, eigendecompose
C^½ Q_E C^½ = R Λ Rᵀ; then E C^-½ R is white and W C^½ R has the second moment Λ. The spectrum is shared out by an exponent:
x = 0 leaves E white, x = 1 gives it all of Λ.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Coordinates(NamedTuple):
    """Maps (dim, dim) to the basis in which inputs are white: ``E @ inputs``, ``W @ outputs``; ``spectrum`` Λ (dim,),
    largest first."""

    inputs: Array
    outputs: Array
    spectrum: Array


def canonical(E: Array, frequencies: Array, Q: Array) -> Coordinates:
    """The canonical coordinates of input vectors E (V, dim) with relative frequencies (V,) and Q = W̃ᵀW̃ (dim, dim)."""
    C = np.zeros_like(Q)
    for start in range(0, E.shape[0], 8192):
        rows = E[start : start + 8192].astype(np.float64)
        C += rows.T @ (rows * frequencies[start : start + 8192, None])
    values, vectors = np.linalg.eigh(C)
    # Directions that the corpus never uses have no scale of their own; they are kept, not blown up.
    values = np.maximum(values, values.max(initial=0) * 1e-12 + 1e-300)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    spectrum, rotation = np.linalg.eigh(root @ Q @ root)
    spectrum, rotation = spectrum[::-1], rotation[:, ::-1]
    # Eigenvectors have no sign of their own: the largest entry of each is made positive, so exports can be compared.
    rotation = rotation * np.sign(rotation[np.abs(rotation).argmax(0), np.arange(rotation.shape[1])])
    return Coordinates(inverse_root @ rotation, root @ rotation, np.maximum(spectrum, 0))
