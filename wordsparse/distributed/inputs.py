"""A rank's part of a minibatch: its own examples, whose sums are those of all ranks' examples.

The equations are those of :mod:`wordsparse.layer`: per example they need nothing of other ranks. Sums over examples,
such as K and Hᵀβ, are added over the ranks; sums for each row, such as X, Z and G, are collected at the rows' owners.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from wordsparse.distributed.ranks import Ranks
from wordsparse.distributed.route import Route
from wordsparse.layer.interface import Forward, Inputs, Sums, Targets, Value
from wordsparse.types import Array


@dataclass(frozen=True)
class SplitTargets(Targets):
    """Targets of its examples. The columns of ``csr`` are the rows that it wants, ``rows`` its own ones that any wants:
    W_T is formed by the owners of the rows, and X, and the change of V, are those of own rows."""

    route: Route = field(kw_only=True)
    whole: ClassVar[bool] = False

    def fetch(self, rows: Array) -> Array:
        return self.route.fetch(rows)


class SplitInputs:
    """Inputs of this rank's examples; ``route`` is that of their features, None where these are the rank's alone."""

    def __init__(self, part: Inputs, ranks: Ranks, route: Route | None) -> None:
        self.part, self.ranks, self._route = part, ranks, route
        self.shape, self.dtype, self.features = part.shape, part.dtype, part.features
        self.rows, self.times, self.moments = part.rows, part.times, part.moments
        self.dots, self.total = part.dots, part.total

    def gram(self, weights: Array) -> Array:
        return self.ranks.sum(self.part.gram(weights))

    def pull(self, values: Array) -> Array:
        return self.collected(self.part.pull(values))

    def mass(self, weights: Array) -> Array:
        return self.collected(self.part.mass(weights))

    def pull_back(self, forward: Forward) -> Sums:
        """The sums that flow back from all ranks' examples; those for each row are of this rank's own rows."""
        part, targets = self.part.pull_back(replace(forward, inputs=self.part)), forward.targets
        assert isinstance(targets, SplitTargets)
        summed, collected, route = self.ranks.sum, self.collected, targets.route
        return replace(
            part,
            forward=forward,
            X=Value("X", lambda: route.collect(part.X.take())),
            Z=Value("Z", lambda: collected(part.Z.take())),
            G=Value("G", lambda: collected(part.G.take())),
            curvature=Value("K", lambda: summed(part.curvature())),
            weights_gram=Value("XᵀW_T", lambda: summed(part.weights_gram())),
            pulled_beta=Value("Cᵀβ", lambda: collected(part.pulled_beta())),
            total_beta=Value("Hᵀβ", lambda: summed(part.total_beta())),
        )

    def collected(self, sums: Array) -> Array:
        """Sums for each feature, (n,) or (n, k), at the owners of the features."""
        if self._route is None:
            return sums
        return self._route.collect(sums) if sums.ndim == 2 else self._route.collect(sums[:, None])[:, 0]
