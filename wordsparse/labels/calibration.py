"""From ridge outputs to rankings and probabilities.

Labels are ranked by o n_l^−a, where a is the *scoring power*: the noise of an output grows with its label's count n_l,
so that of two equal outputs the rarer label's is the better bet. Probabilities are a logistic regression on it:

    logit P(label l | x) = b log(o n_l^−a) + c

Power, slope b and shift c are fitted to outputs of training rows that were left out.
"""

from dataclasses import dataclass

import numpy as np

from wordsparse.types import Array

MIN_OUTPUT = 1e-4
STEPS = 30
POWERS = tuple(i / 20 for i in range(13))
START_POWER = 0.15


@dataclass(frozen=True)
class Calibration:
    """The scoring power a, the slope b and the shift c."""

    power: float = START_POWER
    slope: float = 1.0
    shift: float = 0.0

    def logits(self, outputs: Array, counts: Array) -> Array:
        """The log-odds of outputs of labels with such counts, float32; they grow with the output."""
        o, slope = np.asarray(outputs, np.float32), np.float32(self.slope)
        by_count = (self.shift - self.slope * self.power * np.log(np.maximum(counts, 1))).astype(np.float32)
        logits: Array = np.log(np.maximum(o, np.float32(MIN_OUTPUT)))
        logits *= slope
        logits += by_count
        # Below the least output the order of outputs is kept.
        logits += np.minimum(o - np.float32(MIN_OUTPUT), 0)
        return logits

    @classmethod
    def fitted(cls, power: float, outputs: Array, counts: Array, truth: Array) -> "Calibration":
        """Slope and shift for a scoring power, from labels ``truth`` (n,) in {0, 1}."""
        start = cls(power).logits(outputs, counts).astype(np.float64)
        return cls(power, *logistic_line(start, truth))


def logistic_line(logits: Array, truth: Array) -> tuple[float, float]:
    """Slope and shift of log-odds that fit the truth, by Newton's method; a prior of one row holds them near 1 and 0.

    The slope stays above 0, so that the order is kept.
    """
    start = np.array([1.0, 0.0])
    b, features = start.copy(), np.stack([logits, np.ones_like(logits)], 1)
    for _ in range(STEPS):
        p = probabilities(features @ b)
        hessian = (features * (p * (1 - p))[:, None]).T @ features + np.eye(2)
        step = np.linalg.solve(hessian, features.T @ (truth - p) - (b - start))
        b += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        b[0] = max(b[0], 0.05)
    return float(b[0]), float(b[1])


def probabilities(logits: Array) -> Array:
    """1 / (1 + e^−logit), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
