"""Which instruction set the compiled kernels use: the one place that reads ``WORDSPARSE_ISA``."""

import os

from wordsparse.errors import InputError
from wordsparse.kernels import _build  # type: ignore[attr-defined] # compiled

# The compiled sets that this machine has, the widest first.
AVAILABLE: tuple[str, ...] = _build.available_isas[::-1]
VARIABLE = "WORDSPARSE_ISA"


def chosen_isa(name: str | None = None) -> str:
    """``name``, else the one that the environment names, else the widest; InputError where this machine or this
    installation has no such set."""
    source = "isa" if name is not None else VARIABLE
    asked = name if name is not None else os.environ.get(VARIABLE)
    if not asked:
        return AVAILABLE[0]
    if asked not in AVAILABLE:
        raise InputError(f"{source}: no instruction set {asked!r} here; available: {', '.join(AVAILABLE)}")
    return asked
