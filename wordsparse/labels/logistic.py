"""Logistic regression: rankings and probabilities from ridge outputs, and a head for the most frequent labels.

Label l has the score o n_l^−a, where o is its output in the ridge regression, n_l the number of training rows with the
label, and a the *scoring power*. The noise of an output grows with n_l, so if two outputs are equal, the rarer label is
more likely to be true. A logistic regression on the logarithm of the score gives the probabilities:

    logit P(label l | x) = b log(o n_l^−a) + c

a, the slope b and the shift c are fitted to leave-one-out outputs for training rows.

The most frequent labels, which largely decide P@1, have their own logistic regression on all sparse features, the
*head*, because the logistic loss suits these labels better than squared error. Newton's method fits all these
regressions at once; each step runs some iterations of conjugate gradients, preconditioned by M⁻¹ of
:mod:`wordsparse.labels.ridge`:

    minimise  C Σ_i ω_i log(1 + exp(−s_i w·x_i)) + ½‖w‖²  for each label; s_i = ±1, ω_i is the weight of row i
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.types import Array

MIN_OUTPUT = 1e-4
MIN_SLOPE = 0.05
POWERS = tuple(i / 20 for i in range(13))
START_POWER = 0.15
# The factor C of the logistic loss in the minimised sum.
STRENGTH = 5.0
# The number of iterations of conjugate gradients in each Newton step.
GRADIENTS = (2, 2, 3)
MIN_CURVATURE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """The calibration of outputs: the scoring power a, the slope b and the shift c."""

    power: float = START_POWER
    slope: float = 1.0
    shift: float = 0.0

    def offsets(self, counts: Array) -> Array:
        """Return the part of the log-odds that depends only on the counts of labels, float32."""
        return (self.shift - self.slope * self.power * np.log(np.maximum(counts, 1))).astype(np.float32)

    def logits(self, outputs: Array, offsets: Array) -> Array:
        """Return the log-odds of outputs, float32, which increase with the output."""
        o = np.asarray(outputs, np.float32)
        logits: Array = np.log(np.maximum(o, np.float32(MIN_OUTPUT)))
        logits *= np.float32(self.slope)
        logits += offsets
        # The logarithm is the same for all outputs below MIN_OUTPUT. The minimum preserves the order of these outputs.
        logits += np.minimum(o - np.float32(MIN_OUTPUT), 0)
        return logits

    @classmethod
    def fitted(cls, power: float, outputs: Array, counts: Array, truth: Array, weights: Array) -> "Calibration":
        """Fit slope and shift for this scoring power to ``truth`` (n,) in {0, 1}. Normal priors of variance 1 pull the
        slope towards 1 and the shift towards 0. The slope stays positive, which preserves the order of outputs."""
        plain, start = cls(power), np.array([1.0, 0.0])
        logits = plain.logits(outputs, plain.offsets(counts)).astype(np.float64)
        features = np.stack([logits, np.ones_like(logits)], 1)

        def cost(line: Array) -> tuple[float, Array]:
            z, moved = features @ line, line - start
            value = (weights * np.logaddexp(0, z)).sum() - (weights * truth) @ z + moved @ moved / 2
            return value, features.T @ (weights * (expit(z) - truth)) + moved

        slope, shift = minimize(cost, start, jac=True, bounds=[(MIN_SLOPE, None), (None, None)]).x
        return cls(power, float(slope), float(shift))


def of_one_class(logits: Array) -> Array:
    """Return the log-odds of the probabilities divided by their sum over each row, float32. −∞ stays."""
    logs = -np.logaddexp(0, -logits.astype(np.float64))
    logs -= logs.max(1, keepdims=True)
    parts = np.exp(logs)
    others = np.maximum(parts.sum(1, keepdims=True) - parts, np.finfo(np.float64).tiny)
    result: Array = (logs - np.log(others)).astype(np.float32)
    return result


def logistic_head(X: SparseRows, Y: Array, weights: Array, inverse: Inverse) -> Array:
    """Fit the weights W (f, m) of the labels Y (n, m) of zeros and ones, for rows with ``weights`` (n,).

    ``inverse`` is M⁻¹ of the ridge regression. The last column of X is constant.
    """
    column = weights.astype(X.values.dtype)[:, None]
    # Start at 4 (o − ½), which is close to the log-odds if the output o = x M⁻¹XᵀY of the regression is close to ½.
    W = 4 * inverse.times(X.transposed_times(column * Y), X.kernels)
    W[-1] -= 2 / X.values[-1]
    for gradients in GRADIENTS:
        _newton_step(X, Y, column, W, inverse, gradients)
    return W


def _newton_step(X: SparseRows, Y: Array, weights: Array, W: Array, inverse: Inverse, gradients: int) -> None:
    """Take a Newton step on W, by conjugate gradients on the Hessian C Xᵀ diag(ω P (1 − P)) X + I of each label.
    ``weights`` (n, 1) is ω."""
    P = expit(X.times(W))
    q = STRENGTH * weights * np.maximum(P * (1 - P), MIN_CURVATURE)
    residual = STRENGTH * X.transposed_times(weights * np.subtract(Y, P, out=P)) - W
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
