"""What travels between the layer's forward pass, its gradient and its update."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from wordsparse.inputs import Backward, Inputs
from wordsparse.kernels import Csr

Array = NDArray[Any]


@dataclass(frozen=True)
class Targets:
    """The sparse targets of a minibatch over its unique rows T.

    ``rows`` (u,) int64 distinct outputs; ``csr`` (m, u) which of them are each example's targets; ``y`` (entries,)
    weights (or regression targets) of the stored entries, in the working precision.
    """

    rows: Array
    csr: Csr
    y: Array


@dataclass(frozen=True)
class Forward:
    """One minibatch seen by the layer: its loss and all that the gradient and the update need.

    ``losses`` (m,) float64 and ``H_hat`` (m, d) are None where only the sum of the losses was asked for; ``alpha`` =
    ∂L/∂q and ``beta`` = ∂L/∂s (m,) float64; ``gamma`` (entries,) = ∂L/∂a; ``W_T`` (u, d).
    """

    inputs: Inputs
    targets: Targets
    loss_sum: float
    losses: Array | None
    alpha: Array
    beta: Array
    gamma: Array
    W_T: Array
    backward: Backward
    H_hat: Array | None
