"""The state of a run: every number of the loop that is not in the embedding's state."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class RunState:
    """The state of the training loop between two minibatches.

    - ``tokens``: tokens trained on so far; E is fixed during the first ``warmup_tokens``.
    - ``losses``, ``heldout_losses``: one number per finished epoch.
    - ``position``, ``epoch_loss``, ``epoch_pairs``: next position in the current epoch, and sums over the epoch so far.
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
        """Return the fields in types of JSON, without rounding."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "RunState":
        """Read the content of :meth:`as_dict`."""
        return cls(**copy.deepcopy(dict(content)))
