"""The sizes of a problem, which are known before anything is trained: D outputs, d features, K targets an example."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from wordsparse.types import Array

# A label with at most this number of examples is rare: little can be learnt about it.
RARE = 5


@dataclass(frozen=True)
class Sizes:
    """``counts`` (D,) says how often each output is a target; ``targets`` is ``one-hot``, ``several``, ``weighted`` or
    ``real-valued``; ``kind`` is ``text`` or ``rows``."""

    kind: str
    n_examples: int
    n_outputs: int
    n_features: int
    targets_per_example: float
    targets: str
    counts: Array

    @property
    def rare_share(self) -> float:
        """The share of rare outputs among all that are a target at all."""
        seen = self.counts[self.counts > 0]
        return float((seen <= RARE).mean()) if seen.size else 0.0

    @property
    def memory_bytes(self) -> int:
        """Of the layer: V in float32, six d×d matrices in float64."""
        return 4 * self.n_outputs * self.n_features + 6 * 8 * self.n_features**2

    @property
    def dense_memory_bytes(self) -> int:
        """Of a dense layer: its weights and their gradient in float32."""
        return 2 * 4 * self.n_outputs * self.n_features

    def predicted_speedup(self, minibatch: int) -> float:
        """Floating-point operations an example of a dense step, 6 D d, over those of the exact one (docs/layer.md)."""
        d, K = self.n_features, self.targets_per_example
        return 6.0 * self.n_outputs * d / (14.0 * d * d + 8.0 * min(minibatch, 2 * d) * d + 6.0 * K * d)


def of_rows(Y: Any, n_features: int) -> Sizes:
    """Of sparse targets Y (n, D) beside ``n_features`` numbers a row."""
    filled, (n, D) = np.diff(Y.indptr), Y.shape
    counts = np.bincount(Y.indices[Y.data != 0], minlength=D)
    return Sizes("rows", n, D, n_features, float(filled.mean()), _kind_of(Y.data, filled), counts)


def of_text(counts: Array, dim: int) -> Sizes:
    """Of CBOW on a text: each token of the vocabulary is the one target of its window."""
    return Sizes("text", int(counts.sum()), counts.size, dim + 1, 1.0, "one-hot", counts)


def _kind_of(values: Array, filled: Array) -> str:
    if (values == 1).all():
        return "one-hot" if (filled == 1).all() else "several"
    return "real-valued" if (values < 0).any() else "weighted"
