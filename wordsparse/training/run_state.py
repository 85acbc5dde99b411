"""The state of the training loop: all numbers that are not in the state of the embedding."""

from dataclasses import dataclass, field


@dataclass
class RunState:
    """The state of the training loop between two minibatches, in types that JSON can store.

    - ``tokens``: the tokens trained on so far; E is fixed during the first ``warmup_tokens``.
    - ``losses``, ``heldout_losses``: one number per finished epoch.
    - ``position``: the next position in the current epoch; ``epoch_loss``, ``epoch_pairs``: sums over the epoch so far.
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
