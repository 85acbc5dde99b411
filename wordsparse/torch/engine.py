"""The part of an engine that all layers share: minibatches, gradients to be applied together, and rows as inputs.

An engine computes the forward pass, the backward pass and the update of a layer on NumPy arrays, for the functions that
autograd calls. Training minimises L = Σ_j g_j ℓ_j. Autograd passes in g_j, the derivative of the network's total loss
with respect to ℓ_j. g_j includes the reduction, the weights of losses in a sum, and the factor of a gradient scaler.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError, TrainingError
from wordsparse.layer.guard import Guard, one_at_a_time
from wordsparse.layer.largest import largest_outputs
from wordsparse.types import Array

# The maximum of a row's sum of squares. A larger sum would be infinite in float32, and the row would never move again.
MOST_SQUARES = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class StepOptions:
    """The options of a step: the learning rate, λ and whether the step is of second order.

    A ``second_order`` step chooses its own size, which is multiplied by ``lr``.
    """

    lr: float
    weight_decay: float = 0.0
    second_order: bool = False


@dataclass(frozen=True)
class Minibatch:
    """A minibatch of inputs H (m, d) in the working precision and of targets, in any order: target i is the output
    ids[i] of the example rows[i], with the weight weights[i], which is not 0."""

    H: Array
    rows: Array
    ids: Array
    weights: Array


@dataclass(frozen=True)
class Pass:
    """A forward pass: its minibatch, the losses (m,) float64, the version of W, and the ``results`` that the backward
    pass needs."""

    minibatch: Minibatch
    losses: Array
    version: int
    results: Any


@dataclass
class Gradients:
    """Gradients that one step applies together.

    ``minibatches`` holds pairs (minibatch, g). ``rows`` holds pairs of ids and gradients of rows of W: ids given to
    ``embed`` and, in a layer that moves single rows, the outputs of a minibatch. ``versions`` are the versions of W in
    the forward passes. If there is a single minibatch, ``sums`` may hold the sums of this minibatch. If ``is_finite``
    is False, some gradients are missing because they were not finite, and no step is taken.
    """

    minibatches: list[tuple[Minibatch, Array]] = field(default_factory=list)
    rows: list[tuple[Array, Array]] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    sums: Any = None
    is_finite: bool = True

    def add(self, minibatch: Minibatch, g: Array, sums: Any = None) -> None:
        """Add a minibatch with its g and its sums."""
        self.sums = None if self.minibatches else sums
        self.minibatches.append((minibatch, g))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "sums": None}  # the sums refer to this layer, not to a copy


class Engine(ABC):
    """A layer of D = ``n_outputs`` outputs with separate forward and backward passes. With ``bias``, the last column of
    W is the bias.

    ``row_squares`` (D,) float32 sums the mean squares of the gradients of single rows, for steps of Adagrad (Duchi et
    al., JMLR 2011) with one rate per row. ``version`` counts the changes of W. ``kept`` is the last forward pass, for
    the backward pass.
    """

    def __init__(self, n_outputs: int, in_features: int, dtype: np.dtype[Any], guard: Guard, *, bias: bool) -> None:
        self.n_outputs, self.in_features, self.dtype, self.guard, self.bias = n_outputs, in_features, dtype, guard, bias
        self.row_squares, self.version = np.zeros(n_outputs, np.float32), 0
        self.pending, self.kept = Gradients(), None

    @abstractmethod
    def forward(self, minibatch: Minibatch) -> Pass:
        """Return the forward pass of a minibatch."""

    @abstractmethod
    def gradient(self, forward: Pass, g: Array, version: int, onto: Gradients | None) -> Array:
        """Return g_j ∇h_j for every example, (m, in_features). Add the minibatch to ``onto``, the gradients of a step.

        ``version`` is the version of W that gave the losses. Raise InputError if W has changed since that version.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return all arrays and numbers that steps change. The arrays are not copies."""

    @abstractmethod
    def check_state(self, state: Mapping[str, Array], prefix: str) -> None:
        """Raise InputError if a :meth:`state` of finite numbers cannot be restored. ``prefix`` precedes names in the
        message."""

    @abstractmethod
    def restore(self, state: Mapping[str, Array]) -> None:
        """Set the state."""

    @abstractmethod
    def _take_step(self, gradients: Gradients, step: StepOptions) -> None:
        """Take one step with the sum of the gradients, or raise TrainingError before anything has changed."""

    @abstractmethod
    def _rows(self, ids: Any) -> Array:
        """Return W[ids], with the biases in the last column."""

    @abstractmethod
    def _outputs(self, H: Array, blocks: Iterable[Any]) -> Iterator[Array]:
        """Yield the outputs (m, n) of inputs for each block of rows of W."""

    def minibatch(self, h: Array, rows: Array, ids: Array, weights: Array) -> Minibatch:
        """Return a minibatch of inputs (m, in_features) and of targets, as :class:`Minibatch` has them; weights may be
        0."""
        H, m = self._inputs(h), h.shape[0]
        if rows.size and not 0 <= rows.min() <= rows.max() < m:
            raise InputError(f"rows of the targets must be from 0 to {m - 1}, not {rows.min()} to {rows.max()}")
        if ids.size and not 0 <= ids.min() <= ids.max() < self.n_outputs:
            at = ids.argmin() if ids.min() < 0 else ids.argmax()
            raise InputError(
                f"Y has a target out of range: {ids[at]} in row {rows[at]}, but targets go from 0 to "
                f"{self.n_outputs - 1}; if it stands for padding, give ignore_index={ids[at]}"
            )
        if not (are_finite := np.isfinite(weights)).all():
            at = are_finite.argmin()
            raise InputError(
                f"Y holds the weight {weights[at]}, first in row {rows[at]}, column {ids[at]}; {validation.REPLACE}"
            )
        if not weights.all():  # a weight of 0 changes no loss
            rows, ids, weights = (part[weights != 0] for part in (rows, ids, weights))
        return Minibatch(H, rows, ids, weights)

    def _inputs(self, h: Array) -> Array:
        """Return inputs in the working precision, after validation."""
        return validation.matrix("H", h, self.in_features, self.dtype)

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @one_at_a_time
    def rows(self, ids: Array) -> tuple[Array, int]:
        """Return W[ids] (n, in_features), without the biases, and the version of W."""
        return self._rows(validation.output_rows(ids, self.n_outputs))[:, : self.in_features], self.version

    def collect_rows(self, ids: Array, gradient: Array, version: int, onto: Gradients) -> None:
        """Add to ``onto`` the gradients (n, in_features) of rows that were inputs; ``ids`` may repeat. Raise InputError
        as :meth:`gradient` does."""
        self._check(version)
        onto.rows.append((ids, gradient))
        onto.versions.add(version)

    def apply(self, gradients: Gradients, step: StepOptions) -> None:
        """Take one step with the sum of the gradients, if there are any and all are finite.

        Raise InputError if W has changed since the forward passes of the gradients, and TrainingError if the step is
        refused. After an error, nothing has changed.
        """
        with self.guard.held("a step"):
            for version in gradients.versions:
                self._check(version)
            if gradients.versions and gradients.is_finite:
                self._take_step(gradients, step)
                self.version, self.kept = self.version + 1, None

    def _check(self, version: int) -> None:
        """Raise InputError if the weights have changed since the forward pass."""
        if version != self.version:
            raise InputError(
                "the weights of the layer have changed since this forward pass, so its gradient would be wrong: "
                "a second backward pass (retain_graph), or two forward passes before two backward passes, need "
                "fused=False with layer.apply_() after them; one backward pass of the sum of all losses does not"
            )

    def _squares_with(self, rows: Array, gradient: Array) -> Array:
        """Return the ``row_squares`` of distinct rows after a step with their gradient (n, in_features). Raise
        TrainingError if a sum would be infinite."""
        own = np.einsum("nd,nd->n", gradient, gradient) / gradient.shape[1]
        if not own.max(initial=0) <= MOST_SQUARES:
            raise TrainingError(f"the gradient of row {rows[own.argmax()]} of W is too large: scale down the losses")
        squares: Array = np.minimum(self.row_squares[rows] + own, MOST_SQUARES)
        return squares

    # ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────

    @one_at_a_time
    def weights(self, rows: Any = None) -> Array:
        """Return W[rows], or all of W if ``rows`` is None, with the biases in the last column."""
        return self._rows(slice(None) if rows is None else validation.output_rows(rows, self.n_outputs))

    @one_at_a_time
    def outputs(self, H: Array, rows: Any) -> Array:
        """Return the outputs ``rows``, (m, len(rows)), of inputs H (m, in_features)."""
        return next(self._outputs(self._inputs(H), [validation.output_rows(rows, self.n_outputs)]))

    @one_at_a_time
    def top(self, H: Array, k: int) -> tuple[Array, Array]:
        """Return the indices (m, k) and values (m, k) of the k largest outputs of each input."""
        k = min(validation.positive_int("k", k), self.n_outputs)
        return largest_outputs(self._outputs, self._inputs(H), self.n_outputs, k)


def summed(parts: list[tuple[Array, Array]], columns: int) -> tuple[Array, Array]:
    """Return the distinct rows in pairs (ids, gradients), and the sum of the gradients of each row, (n, columns);
    columns that the gradients lack are 0."""
    ids, gradients = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    if gradients.shape[1] == columns and (np.diff(ids) > 0).all():
        return ids, gradients
    rows, places = np.unique(ids, return_inverse=True)
    total = np.zeros((rows.size, columns))
    if rows.size == ids.size:
        total[places, : gradients.shape[1]] = gradients
    else:
        np.add.at(total[:, : gradients.shape[1]], places, gradients)
    return rows, total
