"""Logistic regression: from ridge outputs to rankings and probabilities, and for the most frequent labels.

Labels are ranked by o n_l^−a, where a is the *scoring power*: the noise of an output grows with its label's count n_l,
so of two equal outputs the rarer label's is the better bet. Probabilities are a logistic regression on this score:

    logit P(label l | x) = b log(o n_l^−a) + c

The power, the slope b and the shift c are fitted to outputs for left-out training rows.

The most frequent labels, which decide much of a data set's P@1, have their own logistic regression on all sparse
features, the *head*: squared error fits them worse than a likelihood does. Newton's method fits all of them at once.
Each step takes some conjugate gradients, preconditioned by the ridge regression's M⁻¹ (:mod:`wordsparse.labels.ridge`):

    minimise  C Σ_i log(1 + exp(−s_i w·x_i)) + ½‖w‖²  for each label, s_i = ±1
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.types import Array

MIN_OUTPUT = 1e-4
MIN_SLOPE = 0.05
POWERS = tuple(i / 20 for i in range(13))
START_POWER = 0.15
# C in the formula above.
STRENGTH = 5.0
# Number of conjugate gradients in each Newton step.
GRADIENTS = (2, 2, 3)
MIN_CURVATURE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Calibration of outputs: the scoring power a, the slope b and the shift c."""

    power: float = START_POWER
    slope: float = 1.0
    shift: float = 0.0

    def offsets(self, counts: Array) -> Array:
        """Return the constants that the log-odds of labels with these counts contain, float32."""
        return (self.shift - self.slope * self.power * np.log(np.maximum(counts, 1))).astype(np.float32)

    def logits(self, outputs: Array, offsets: Array) -> Array:
        """Return the log-odds of outputs, float32; they grow with the output."""
        o = np.asarray(outputs, np.float32)
        logits: Array = np.log(np.maximum(o, np.float32(MIN_OUTPUT)))
        logits *= np.float32(self.slope)
        logits += offsets
        # Outputs below the minimum keep their order.
        logits += np.minimum(o - np.float32(MIN_OUTPUT), 0)
        return logits

    @classmethod
    def fitted(cls, power: float, outputs: Array, counts: Array, truth: Array) -> "Calibration":
        """Fit slope and shift for a scoring power to labels ``truth`` (n,) in {0, 1}. A normal prior of
        variance 1 pulls them towards 1 and 0; the slope stays above 0, which preserves the order."""
        plain, start = cls(power), np.array([1.0, 0.0])
        logits = plain.logits(outputs, plain.offsets(counts)).astype(np.float64)
        features = np.stack([logits, np.ones_like(logits)], 1)

        def cost(line: Array) -> tuple[float, Array]:
            z, moved = features @ line, line - start
            value = np.logaddexp(0, z).sum() - truth @ z + moved @ moved / 2
            return value, features.T @ (probabilities(z) - truth) + moved

        slope, shift = minimize(cost, start, jac=True, bounds=[(MIN_SLOPE, None), (None, None)]).x
        return cls(power, float(slope), float(shift))


def probabilities(logits: Array) -> Array:
    """Return 1 / (1 + e^−logit), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def logistic_head(X: SparseRows, Y: Array, start: Array, inverse: Inverse) -> Array:
    """Fit the weights W (f, m) of the labels Y (n, m) of zeros and ones.

    ``start`` is the ridge regression's M⁻¹XᵀY, and ``inverse`` its M⁻¹. X's last column is constant.
    """
    # If an output o of the regression is near ½, 4 (o − ½) is near its log-odds.
    W = (4 * start).astype(X.values.dtype)
    W[-1] -= 2 / X.values[-1]
    for gradients in GRADIENTS:
        _newton_step(X, Y, W, inverse, gradients)
    return W


def _newton_step(X: SparseRows, Y: Array, W: Array, inverse: Inverse, gradients: int) -> None:
    """Add some conjugate gradients on the Hessian C Xᵀ diag(P (1 − P)) X + I to W, label by label."""
    P = probabilities(X.times(W))
    q = STRENGTH * np.maximum(P * (1 - P), MIN_CURVATURE)
    residual = STRENGTH * X.transposed_times(np.subtract(Y, P, out=P)) - W
    typical, least = q.mean(0), np.finfo(W.dtype).tiny
    direction, before = np.zeros_like(W), np.full_like(typical, np.inf)
    for _ in range(gradients):
        z = inverse.times(residual, X.kernels) / typical
        rz = _column_dots(residual, z)
        direction = z + rz / before * direction
        image = X.transposed_times(q * X.times(direction)) + direction
        along = rz / np.maximum(_column_dots(direction, image), least)
        W += along * direction
        residual -= along * image
        before = np.maximum(rz, least)


def _column_dots(a: Array, b: Array) -> Array:
    dots: Array = np.einsum("ij,ij->j", a, b)
    return dots
