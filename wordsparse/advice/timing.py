"""A timed trial of the exact layer beside the dense update, at the data's own sizes.

Both run on one thread: BLAS threads that wait for each other spin, which counts as CPU time; beside other programs a
small product was measured at a hundred times its own time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.advice.sizes import Sizes
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput
from wordsparse.machine.description import blas_threads
from wordsparse.types import Array

MINIBATCH = 512
# The exact layer is timed with at most this many outputs: its time does not depend on D.
EXACT_OUTPUTS = 2**18
# The dense update is timed on at most this many outputs, and its time scaled up: it is proportional to D.
DENSE_OUTPUTS = 20_000
DENSE_MINIBATCH = 64
ROUNDS = 5


@dataclass(frozen=True)
class Timing:
    """CPU seconds an example: of the exact layer, and of the dense update of all D outputs."""

    exact: float
    dense: float

    @property
    def speedup(self) -> float:
        """How many times faster the exact layer is."""
        return self.dense / self.exact


def time_layer(sizes: Sizes, seed: int) -> Timing:
    """Time steps of either on random inputs, with targets drawn by the data's counts."""
    random = np.random.default_rng(seed)
    D, d = min(sizes.n_outputs, EXACT_OUTPUTS), sizes.n_features
    per_example = max(1, round(sizes.targets_per_example))
    H = (random.standard_normal((MINIBATCH, d)) / np.sqrt(d)).astype(np.float32)
    chosen = _draw(random, sizes.counts[:D], MINIBATCH * per_example)
    starts = np.arange(0, chosen.size + 1, per_example)
    Y = sp.csr_array((np.ones(chosen.size, np.float32), chosen, starts), shape=(MINIBATCH, D))
    layer = FactoredOutput(D, d, BoundedNS(), threads=1)
    exact = _fastest(lambda: layer.step(H, Y, 1e-3)) / MINIBATCH
    rows = min(D, DENSE_OUTPUTS)
    W = np.zeros((rows, d), np.float32)
    few, truth = H[:DENSE_MINIBATCH], np.zeros((DENSE_MINIBATCH, rows), np.float32)
    with blas_threads(1):
        dense = _fastest(lambda: _dense_step(W, few, truth)) / DENSE_MINIBATCH * (sizes.n_outputs / rows)
    return Timing(exact, dense)


def _draw(random: np.random.Generator, counts: Array, n: int) -> Array:
    """Outputs with probabilities proportional to their counts."""
    total = np.cumsum(counts, dtype=np.float64)
    if total[-1] == 0:
        return random.integers(counts.size, size=n)
    chosen: Array = np.searchsorted(total, random.random(n) * total[-1], side="right").clip(max=counts.size - 1)
    return chosen


def _dense_step(W: Array, H: Array, truth: Array) -> Array:
    """Squared error, the cheapest loss: O = H Wᵀ, ∇H = ∂O W, W ← W − lr ∂Oᵀ H."""
    by_o = H @ W.T
    by_o -= truth
    by_h: Array = by_o @ W
    W -= np.float32(1e-4) * (by_o.T @ H)
    return by_h


def _fastest(step: Callable[[], Any]) -> float:
    """The least CPU seconds of ``ROUNDS`` steps: other programs can only add to it."""
    step()
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        step()
        found.append(time.process_time() - begun)
    return max(min(found), 1e-7)
