"""The state of a run: all numbers of the loop that are not in the state of the embedding."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class RunState:
    """The state of the training loop between two minibatches.

    - ``tokens``: the tokens trained on so far; E is fixed during the first ``warmup_tokens``.
    - ``losses``, ``heldout_losses``: one number per finished epoch.
    - ``position``, ``epoch_loss``, ``epoch_pairs``: the next position in the current epoch, and sums over the epoch.
    - ``first_loss``: the mean loss of the first minibatch.
    - ``wall_seconds``, ``cpu_seconds``: time spent so far.
    """

    tokens: int = 0
    warmup_tokens: float = 0.0
    losses: list[float] = field(default_factory=list)
    heldout_losses: list[float] = field(default_factory=list)
    position: int = 0
    epoch_loss: float = 0.0
    epoch_pairs: float = 0.0
    first_loss: float | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields in types that JSON has, without rounding."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "RunState":
        """Make a state from the result of :meth:`as_dict`."""
        return cls(**copy.deepcopy(dict(content)))
