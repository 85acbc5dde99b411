"""Logistic regression for a few frequent labels, on all sparse features.

Squared error fits a frequent label worse than a likelihood does, and a data set's most frequent labels decide much of
its P@1. All of them are fitted at once by Newton's method, each step some conjugate gradients that the ridge
regression's M⁻¹ (:mod:`wordsparse.labels.ridge`) preconditions:

    minimise  C Σ_i log(1 + exp(−s_i w·x_i)) + ½‖w‖²  for each label, s_i = ±1
"""

from typing import Any

import numpy as np

from wordsparse.labels.calibration import probabilities
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.types import Array

# Number of conjugate gradients in each Newton step.
GRADIENTS = (2, 2, 3)
MIN_CURVATURE = 1e-3


def logistic_head(X: SparseRows, Y: Array, start: Array, inverse: Inverse, strength: float) -> Array:
    """W (f, m) for the labels Y (n, m) of zeros and ones.

    ``start`` is the ridge regression's M⁻¹XᵀY, and ``inverse`` an M⁻¹, of any rank; ``strength`` is C. X's last column
    is constant.
    """
    # Where an output o of the regression is near ½, 4 (o − ½) is near its log-odds.
    W = (4 * start).astype(X.values.dtype)
    W[-1] -= 2 / X.values[-1]
    for gradients in GRADIENTS:
        _newton_step(X, Y, W, inverse, W.dtype.type(strength), gradients)
    return W


def _newton_step(X: SparseRows, Y: Array, W: Array, inverse: Inverse, C: Any, gradients: int) -> None:
    """Add some conjugate gradients on the Hessian C Xᵀ diag(P (1 − P)) X + I to W, label by label."""
    P = probabilities(X.times(W))
    q = np.maximum(P * (1 - P), W.dtype.type(MIN_CURVATURE))
    q *= C
    typical = q.mean(0)
    residual = X.transposed_times(np.subtract(Y, P, out=P))
    residual *= C
    residual -= W
    least = np.finfo(W.dtype).tiny
    direction = z = inverse.times(residual, X.kernels) / typical
    rz = _column_dots(residual, z)
    for i in range(gradients):
        along_rows = X.times(direction)
        along_rows *= q
        image = X.transposed_times(along_rows)
        image += direction
        along = rz / np.maximum(_column_dots(direction, image), least)
        W += along * direction
        if i + 1 < gradients:
            image *= along
            residual -= image
            z = inverse.times(residual, X.kernels)
            z /= typical
            before, rz = rz, _column_dots(residual, z)
            direction *= rz / np.maximum(before, least)
            direction += z


def _column_dots(a: Array, b: Array) -> Array:
    dots: Array = np.einsum("ij,ij->j", a, b)
    return dots
