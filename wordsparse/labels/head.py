"""Logistic regression for a few frequent labels, on all sparse features.

Squared error fits a frequent label worse than a likelihood does, and a data set's most frequent labels decide much of
its P@1. All of them are fitted at once by Newton's method, each step some conjugate gradients that the ridge
regression's M⁻¹ (:mod:`wordsparse.labels.hybrid`) preconditions:

    minimise  C Σ_i log(1 + exp(−s_i w·x_i)) + ½‖w‖²  for each label, s_i = ±1
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.labels.calibration import probabilities
from wordsparse.labels.hybrid import Inverse
from wordsparse.labels.rows import SparseRows

Array = NDArray[Any]

# Newton steps, and conjugate gradients of each.
STEPS, GRADIENTS = 3, 4
MIN_CURVATURE = 1e-3


def logistic_head(X: SparseRows, Y: Array, start: Array, inverse: Inverse, strength: float) -> Array:
    """W (f, m) for the labels Y (n, m) of zeros and ones.

    ``start`` is the ridge regression's M⁻¹XᵀY; ``strength`` is C. X's last column is constant.
    """
    # Where an output o of the regression is near ½, 4 (o − ½) is near its log-odds.
    W = (4 * start).astype(X.values.dtype)
    W[-1] -= 2 / X.values[-1]
    for _ in range(STEPS):
        P = probabilities(X.times(W)).astype(W.dtype)
        W += _newton_step(X, Y, W, P, inverse, W.dtype.type(strength))
    return W


def _newton_step(X: SparseRows, Y: Array, W: Array, P: Array, inverse: Inverse, C: Any) -> Array:
    """Some conjugate gradients on the Hessian C Xᵀ diag(P (1 − P)) X + I, label by label."""
    q = np.maximum(P * (1 - P), W.dtype.type(MIN_CURVATURE))
    typical = C * q.mean(0)
    residual = C * X.transposed_times(Y - P) - W
    direction = z = inverse.times(residual, X.kernels) / typical
    rz = (residual * z).sum(0)
    step = np.zeros_like(W)
    for i in range(GRADIENTS):
        image = C * X.transposed_times(q * X.times(direction)) + direction
        along = rz / np.maximum((direction * image).sum(0), np.finfo(W.dtype).tiny)
        step += along * direction
        if i + 1 < GRADIENTS:
            residual = residual - along * image
            z = inverse.times(residual, X.kernels) / typical
            before, rz = rz, (residual * z).sum(0)
            direction = z + rz / np.maximum(before, np.finfo(W.dtype).tiny) * direction
    return step
