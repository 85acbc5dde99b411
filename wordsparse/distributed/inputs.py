"""A rank's part of a minibatch: its own examples, whose sums are those of all ranks' examples.

The equations are those of :mod:`wordsparse.layer`: per example they need nothing of other ranks. Sums over examples,
such as K and Hᵀβ, are added over the ranks; sums for each row, such as X, Z and G, are collected at the rows' owners.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from wordsparse.distributed.ranks import Ranks
from wordsparse.distributed.route import Route
from wordsparse.layer.interface import Forward, Inputs, Sums, Targets
from wordsparse.layer.targets import FormedRows

Array = NDArray[Any]


@dataclass(frozen=True)
class SplitTargets(Targets):
    """Targets of its examples. The columns of ``csr`` are the rows that it wants, ``rows`` those of ``route``."""

    route: Route | None = None


class SplitRows(FormedRows):
    """W_T is formed by the owners of the rows; its change, and X, are those of this rank's own rows."""

    def __init__(self, route: Route, ranks: Ranks, *state: Any) -> None:
        super().__init__(*state)
        self.route, self._ranks = route, ranks

    def _form(self) -> Array:
        return self.route.fetch(super()._form())

    def square(self, X: Array, forward: Forward) -> Array:
        return self._ranks.sum(super().square(X, forward))

    def measure_sums(self, X: Array) -> Array:
        return self._ranks.sum(super().measure_sums(X))

    def gram_change(self, D: Array) -> Array:
        return self._ranks.sum(super().gram_change(D))


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
        return SplitSums(forward, self)

    def collected(self, sums: Array) -> Array:
        """Sums for each feature, (n,) or (n, k), at the owners of the features."""
        if self._route is None:
            return sums
        return self._route.collect(sums) if sums.ndim == 2 else self._route.collect(sums[:, None])[:, 0]


class SplitSums:
    """The sums that flow back from all ranks' examples; those for each row are of this rank's own rows."""

    def __init__(self, forward: Forward, inputs: SplitInputs) -> None:
        self.forward, self._inputs = forward, inputs
        self._part = part = inputs.part.pull_back(replace(forward, inputs=inputs.part))
        self.transposed, self.G, self.H_hat, self.gradient = part.transposed, part.G, part.H_hat, part.gradient
        self._kept: dict[str, Array] = {}

    def take_X(self) -> Array:
        assert isinstance(self.forward.target_rows, SplitRows)
        return self.forward.target_rows.route.collect(self._part.take_X())

    def take_Z(self) -> Array:
        return self._inputs.collected(self._part.take_Z())

    def take_G(self) -> Array:
        return self._inputs.collected(self._part.take_G())

    def pulled_beta(self) -> Array:
        return self._inputs.collected(self._part.pulled_beta())

    def weights_gram(self) -> Array:
        return self._summed("weights_gram", self._part.weights_gram)

    def curvature(self) -> Array:
        return self._summed("curvature", self._part.curvature)

    def total_beta(self) -> Array:
        return self._summed("total_beta", self._part.total_beta)

    def _summed(self, name: str, part: Callable[[], Array]) -> Array:
        if name not in self._kept:
            self._kept[name] = self._inputs.ranks.sum(part())
        return self._kept[name]
