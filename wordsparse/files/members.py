"""Numbers of JSON that someone else may have written, told apart before anything is computed with them.

JSON knows no bounds: a count may be 10⁴⁰⁰, −1, true or 3.5. What passes here neither overflows nor surprises.
"""

import math
from typing import Any, TypeGuard

MOST = 2**62
"""Of a count; sums and differences of two still fit in 64 bits."""


def is_count(value: Any) -> TypeGuard[int]:
    """Whether it is a whole number, and no bool, from 0 to MOST."""
    return type(value) is int and 0 <= value <= MOST


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no bool, that float64 holds."""
    return math.isfinite(value) if type(value) is float else type(value) is int and abs(value) <= MOST


def is_numbers(value: Any) -> bool:
    """Whether it is a list of such numbers."""
    return isinstance(value, list) and all(map(is_number, value))


def is_measure(value: Any) -> bool:
    """Whether it is a number of at least 0."""
    return is_number(value) and value >= 0
