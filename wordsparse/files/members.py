"""Checks of numbers in untrusted JSON, made before any computation with them.

JSON does not bound numbers: a count may be 10⁴⁰⁰, −1, true or 3.5. Numbers that pass these checks do not overflow.
"""

import math
from typing import Any, TypeGuard

MAX_COUNT = 2**62
"""The maximum of a count: the sum and the difference of two counts fit in 64 bits."""


def is_count(value: Any) -> TypeGuard[int]:
    """Whether it is an int, but not a bool, from 0 to MAX_COUNT."""
    return type(value) is int and 0 <= value <= MAX_COUNT


def is_number(value: Any) -> bool:
    """Whether it is a finite float, or an int of magnitude at most MAX_COUNT, but not a bool."""
    return math.isfinite(value) if type(value) is float else type(value) is int and abs(value) <= MAX_COUNT


def is_numbers(value: Any) -> bool:
    """Whether it is a list of numbers for which :func:`is_number` is True."""
    return isinstance(value, list) and all(map(is_number, value))


def is_measure(value: Any) -> bool:
    """Whether it is a non-negative number."""
    return is_number(value) and value >= 0
