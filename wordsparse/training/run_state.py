"""Where a run stands: every number of the loop that is not in the embedding's state."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from wordsparse.errors import InputError


@dataclass
class Standing:
    """Between two minibatches.

    ``tokens`` passed over so far; ``warmup_tokens`` until which E stays put; ``losses`` and ``heldout_losses`` of the
    epochs that are done; of the one under way ``position``, which comes next, and the sums ``epoch_loss`` and
    ``epoch_pairs``; ``first_loss`` the first minibatch's mean; ``wall_seconds`` and ``cpu_seconds`` spent.
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
        """As JSON can hold it, exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Standing":
        """What :meth:`as_dict` gave.

        Raises
        ------
        InputError
            If a member is missing, unknown or of another type.
        """
        blank = asdict(cls())
        fits = content.keys() == blank.keys() and all(
            _fits(content[name], blank[name]) or (name == "first_loss" and _fits(content[name], 0.0)) for name in blank
        )
        if not fits:
            raise InputError("its progress is not what a run needs: it was altered or is of another version")
        return cls(**copy.deepcopy(dict(content)))


def _fits(value: Any, blank: Any) -> bool:
    if isinstance(blank, list):
        return isinstance(value, list) and all(_fits(item, 0.0) for item in value)
    if isinstance(blank, float):
        return type(value) in (int, float)
    return type(value) is type(blank) and (value is None or value >= 0)
