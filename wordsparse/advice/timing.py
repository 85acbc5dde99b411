"""A step of the exact layer beside a dense one, at the data's own sizes, on one thread: BLAS threads that wait for each
other spin, which counts as CPU time."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.advice.sizes import Sizes
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput
from wordsparse.machine.description import blas_threads

MINIBATCH, DENSE_MINIBATCH, ROUNDS = 512, 64, 5
# The exact layer's time does not depend on D, and that of the dense step is proportional to D: neither needs more.
EXACT_OUTPUTS, DENSE_OUTPUTS = 2**18, 20_000


def time_layer(sizes: Sizes, seed: int) -> tuple[float, float]:
    """CPU seconds an example of the exact layer and of a dense step, on random inputs and targets."""
    random, D, d = np.random.default_rng(seed), min(sizes.n_outputs, EXACT_OUTPUTS), sizes.n_features
    H = (random.standard_normal((MINIBATCH, d)) / np.sqrt(d)).astype(np.float32)
    shape = MINIBATCH, max(1, round(sizes.targets_per_example))
    targets, starts = random.integers(0, D, shape), np.arange(0, shape[0] * shape[1] + 1, shape[1])
    Y = sp.csr_array((np.ones(targets.size, np.float32), targets.ravel(), starts), shape=(MINIBATCH, D))
    layer = FactoredOutput(D, d, BoundedNS(), threads=1)
    W, few = np.zeros((min(D, DENSE_OUTPUTS), d), np.float32), H[:DENSE_MINIBATCH]

    def dense() -> None:
        """Squared error, the cheapest loss: ∂O = 2 H Wᵀ, ∇H = ∂O W, W ← W − lr ∂Oᵀ H."""
        by_o = few @ W.T
        by_h = by_o @ W
        W.__isub__(np.float32(1e-4) * (by_o.T @ few) + by_h[0, 0])

    with blas_threads(1):
        exact = _fastest(lambda: layer.step(H, Y, 1e-3)) / MINIBATCH
        return exact, _fastest(dense) / DENSE_MINIBATCH * (sizes.n_outputs / len(W))


def _fastest(step: Callable[[], Any]) -> float:
    """The least CPU seconds of some steps: other programs can only add to it."""
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        step()
        seconds.append(time.process_time() - begun)
    return max(min(seconds), 1e-7)
