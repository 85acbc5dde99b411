"""Every built-in loss, with constants that differ from its defaults, and its formula over all outputs."""

import math
from typing import ClassVar

import numpy as np

from wordsparse.layer import losses


def softplus(x):
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def mean(x, pi):
    return float(pi @ x / pi.sum())


# Each loss with its formula ℓ(o, x, π) for one target with output o; x (D,) are all outputs, π (D,) is the measure.
CASES = {
    "squared": (losses.Squared(), lambda o, x, pi: float(pi @ x**2) - 2 * o + 1),
    "squared-at-2": (losses.Squared(2.0), lambda o, x, pi: float(pi @ x**2) - 4 * o + 4),
    "spherical": (
        losses.Spherical(epsilon=0.2),
        lambda o, x, pi: -math.log((o**2 + 0.2) / float(pi @ (x**2 + 0.2))),
    ),
    "taylor": (
        losses.Taylor(),
        lambda o, x, pi: -math.log((1 + o + o**2 / 2) / float(pi @ (1 + x + x**2 / 2))),
    ),
    "zloss": (
        losses.ZLoss(a=0.5, b=3.0),
        lambda o, x, pi: softplus(0.5 * (3 - (o - mean(x, pi)) / math.sqrt(mean((x - mean(x, pi)) ** 2, pi)))) / 0.5,
    ),
    "bounded-ns": (
        losses.BoundedNS(negatives=3),
        lambda o, x, pi: softplus(-o) + 3 * mean(math.log(2) + x / 2 + x**2 / 8, pi),
    ),
    "bounded-ns, touching": (
        losses.BoundedNS(3.5, 2.0),
        lambda o, x, pi: softplus(-o) + 3.5 * mean(softplus(2) - 1 - BY_SQUARE * 4 + x / 2 + BY_SQUARE * x**2, pi),
    ),
}
BY_SQUARE = math.tanh(1) / 8  # λ of the quadratic bound that touches softplus at ±2
assert {type(loss) for loss, _ in CASES.values()} == set(losses.LOSSES.values())
# The losses with their defaults, and squared error whose targets have weights.
DEFAULTS = {
    **{name: loss() for name, loss in losses.LOSSES.items()},
    "squared-at-1": losses.Squared(target_value=1.0),
}


class Cauchy(losses.Loss):
    """A user's own, correct loss: log(1 + q/Σπ) + log(1 + (o − 1)²); ``wrong`` changes its terms."""

    name: ClassVar[str] = "cauchy"

    def __init__(self, wrong=lambda terms: terms):
        self.wrong = wrong

    def terms(self, o, q, s, total):
        e = o - 1
        right = losses.Terms(np.log1p(q / total) + np.log1p(e * e), 1 / (total + q), 0.0, 2 * e / (1 + e * e))
        return self.wrong(right)
