"""The mean curvature of the loss along rows of W, which a preconditioned step remembers from one minibatch to the next.

The curvature of a minibatch is 2 K, K = Hᵀ diag(α) H; see :mod:`wordsparse.layer.core`.
"""

from typing import TypeVar

from wordsparse.layer.interface import Sums
from wordsparse.types import Array

T = TypeVar("T", Array, float)


def size_of_curvature(sums: Sums) -> Array:
    """Return Hᵀ diag(|α|) H, (d, d) float64: K, or a bound of K if some α are negative.

    The Z-loss's α may be negative. Then K is not an upper bound on the curvature, so the bound takes |α|.
    """
    forward = sums.forward
    return sums.curvature() if forward.bends is forward.terms.alpha else forward.inputs.gram(forward.bends)


def running_mean(mean: T, value: T, steps: int, share: float) -> T:
    """Return the mean after the value of one more minibatch.

    ``steps`` minibatches came before this one. The first minibatches have equal weights; a later one has the weight
    ``share``, its share of the examples that the mean remembers.
    """
    return mean + max(1 / (steps + 1), share) * (value - mean)
