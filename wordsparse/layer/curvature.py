"""The running mean of the loss's curvature along rows of W. Steps are preconditioned with the inverse of the running
mean.

The curvature of a minibatch is 2 K, with K = Hᵀ diag(α) H; see :mod:`wordsparse.layer.core`.
"""

from typing import TypeVar

from wordsparse.layer.interface import Sums
from wordsparse.types import Array

T = TypeVar("T", Array, float)


def size_of_curvature(sums: Sums) -> Array:
    """Return Hᵀ diag(|α|) H, (d, d) float64: K, or an upper bound on K if some α are negative.

    With the Z-loss, α may be negative. With negative α, K itself would be too small to be a bound on the curvature.
    """
    forward = sums.forward
    return sums.curvature() if forward.bends is forward.terms.alpha else forward.inputs.gram(forward.bends)


def running_mean(mean: T, value: T, steps: int, share: float) -> T:
    """Return the running mean, updated by the value of one more minibatch.

    ``steps`` is the number of earlier minibatches. The first minibatches have equal weights. Each later minibatch has
    the weight ``share``.
    """
    return mean + max(1 / (steps + 1), share) * (value - mean)
