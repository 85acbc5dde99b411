"""The sizes of a problem (D outputs, d features, K targets per example), and the time of a step at these sizes."""

import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput

MINIBATCH, DENSE_MINIBATCH, ROUNDS = 512, 64, 5
# The maximum D in timed steps. An exact step takes the same time for any D, a dense step time in proportion to D.
EXACT_OUTPUTS, DENSE_OUTPUTS = 2**18, 20_000
SEED = 1


@dataclass(frozen=True)
class Sizes:
    """The sizes of a problem. ``targets`` is ``one-hot``, ``several``, ``weighted`` or ``real-valued``."""

    n_examples: int
    n_outputs: int
    n_features: int
    targets_per_example: float
    targets: str

    @property
    def memory_bytes(self) -> int:
        """The size of the layer in bytes: V in float32, and six d×d matrices in float64."""
        return 4 * self.n_outputs * self.n_features + 6 * 8 * self.n_features**2

    @property
    def speedup_predicted(self) -> float:
        """The number of operations per example in a dense step, 6 D d, divided by the number in an exact step
        (docs/layer.md)."""
        d, K = self.n_features, self.targets_per_example
        return 6.0 * self.n_outputs * d / (14.0 * d * d + 8.0 * min(MINIBATCH, 2 * d) * d + 6.0 * K * d)


def of_rows(Y: Any, n_features: int) -> Sizes:
    """Return the sizes of a problem with sparse targets Y (n, D) and rows of ``n_features`` numbers."""
    each = np.diff(Y.indptr)
    if (Y.data == 1).all():
        kind = "one-hot" if (each == 1).all() else "several"
    else:
        kind = "real-valued" if (Y.data < 0).any() else "weighted"
    return Sizes(Y.shape[0], Y.shape[1], n_features, float(each.mean()), kind)


def measured_speedup(sizes: Sizes) -> float:
    """Return the CPU time of a dense step divided by the CPU time of an exact step, on random inputs and targets.

    Both steps run on one thread, because BLAS threads spin while they wait, and spinning would count as CPU time.
    """
    random, D, d = np.random.default_rng(SEED), min(sizes.n_outputs, EXACT_OUTPUTS), sizes.n_features
    H = (random.standard_normal((MINIBATCH, d)) / np.sqrt(d)).astype(np.float32)
    shape = MINIBATCH, max(1, round(sizes.targets_per_example))
    targets, starts = random.integers(0, D, shape), np.arange(0, shape[0] * shape[1] + 1, shape[1])
    Y = sp.csr_array((np.ones(targets.size, np.float32), targets.ravel(), starts), shape=(MINIBATCH, D))
    layer = FactoredOutput(D, d, BoundedNS(), threads=1)
    W, few = np.zeros((min(D, DENSE_OUTPUTS), d), np.float32), H[:DENSE_MINIBATCH]

    def dense() -> None:
        """Take a dense step with squared error, the cheapest loss: ∂O = 2 H Wᵀ, ∇H = ∂O W, W ← W − lr ∂Oᵀ H."""
        by_o = few @ W.T
        by_h = by_o @ W
        W.__isub__(np.float32(1e-4) * (by_o.T @ few) + by_h[0, 0])

    with threadpool_limits(1, user_api="blas"):
        exact = _fastest(lambda: layer.step(H, Y, 1e-3)) / MINIBATCH
        return _fastest(dense) / DENSE_MINIBATCH * (sizes.n_outputs / len(W)) / exact


def _fastest(step: Callable[[], Any]) -> float:
    """Return the CPU seconds of the fastest of several steps, because other programs can only slow steps down."""
    return max(min(timeit.repeat(step, timer=time.process_time, number=1, repeat=ROUNDS)), 1e-7)
