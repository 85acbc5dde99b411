"""The choice of the instruction set for the compiled kernels. Only this module reads ``WORDSPARSE_ISA``."""

import os

from wordsparse.errors import InputError
from wordsparse.kernels import _build  # type: ignore[attr-defined] # compiled

# The compiled instruction sets that this machine supports, widest first.
AVAILABLE: tuple[str, ...] = _build.available_isas[::-1]
VARIABLE = "WORDSPARSE_ISA"


def chosen_isa(name: str | None = None) -> str:
    """Return ``name`` if it is given, otherwise the instruction set named by the environment, otherwise the widest set.
    Raise InputError if this machine or this installation does not have this instruction set."""
    source = "isa" if name is not None else VARIABLE
    choice = name if name is not None else os.environ.get(VARIABLE)
    if not choice:
        return AVAILABLE[0]
    if choice not in AVAILABLE:
        raise InputError(
            f"{source}: the instruction set {choice!r} is not available: choose one of {', '.join(AVAILABLE)}"
        )
    return choice
