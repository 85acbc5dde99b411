"""The state of a run: every number of the loop that is not in the embedding's state."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from wordsparse.errors import InputError
from wordsparse.files.members import is_count, is_measure, is_number, is_numbers


@dataclass
class RunState:
    """The state of the training loop between two minibatches.

    - ``tokens``: tokens trained on so far; E is fixed during the first ``warmup_tokens``.
    - ``losses``, ``heldout_losses``: of the finished epochs.
    - ``position``, ``epoch_loss``, ``epoch_pairs``: the next position in the current epoch, and its sums so far.
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
        """The fields as JSON, exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "RunState":
        """The inverse of :meth:`as_dict`; InputError names a member that is missing, unknown or impossible."""
        if content.keys() != _MEMBERS.keys():
            wrong = ", ".join(sorted(content.keys() ^ _MEMBERS.keys()))
            raise InputError(f"its progress has another version: {wrong} is missing or unknown: start the run again")
        for name, fits in _MEMBERS.items():
            if not fits(content[name]):
                raise InputError(f"its progress was altered: {name} cannot be {content[name]!r:.40}")
        return cls(**copy.deepcopy(dict(content)))

    def check(self, tokens: int, positions: int, epochs: int) -> None:
        """Raise InputError if the run has fewer tokens, positions or epochs than this state has passed."""
        reached = {"tokens": (self.tokens, tokens), "position": (self.position, positions)}
        reached |= {name: (len(getattr(self, name)), epochs) for name in ("losses", "heldout_losses")}
        for name, (here, most) in reached.items():
            if here > most:
                raise InputError(f"its progress was altered: {name} is at {here:,} of {most:,}")


_MEMBERS: dict[str, Callable[[Any], bool]] = {
    "tokens": is_count,
    "warmup_tokens": is_measure,
    "losses": is_numbers,
    "heldout_losses": is_numbers,
    "position": is_count,
    "epoch_loss": is_number,
    "epoch_pairs": is_measure,
    "first_loss": lambda value: value is None or is_number(value),
    "wall_seconds": is_measure,
    "cpu_seconds": is_measure,
}
