"""The gradients that one step applies together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.layer.interface import Sums
from wordsparse.types import Array


@dataclass(frozen=True)
class Minibatch:
    """A minibatch of inputs H (m, d) in the working precision and targets Y (m, D)."""

    H: Array
    Y: sp.csr_array

    def equals(self, other: "Minibatch") -> bool:
        """Return whether the other minibatch has the same numbers."""
        parts = (self.H, self.Y.indptr, self.Y.indices, self.Y.data)
        others = (other.H, other.Y.indptr, other.Y.indices, other.Y.data)
        return all(map(np.array_equal, parts, others))


@dataclass
class Gradients:
    """Gradients that one step applies together.

    ``minibatches`` pairs each minibatch with its g; ``rows`` pairs ids of rows that ``embed`` returned with gradients.
    ``versions`` are the versions of W in these passes. If there is a single minibatch, ``sums`` are its sums.
    """

    minibatches: list[tuple[Minibatch, Array]] = field(default_factory=list)
    rows: list[tuple[Array, Array]] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    sums: Sums | None = None

    def add(self, minibatch: Minibatch, g: Array, sums: Sums) -> None:
        """Add a minibatch with its gradient and sums."""
        self.sums = None if self.minibatches else sums
        self.minibatches.append((minibatch, g))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "sums": None}  # the sums refer to this layer, not to a copy
