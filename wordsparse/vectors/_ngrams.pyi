from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def number(
    letters: _Array, ends: _Array, shortest: int, longest: int, at_least: int
) -> tuple[_Array, _Array, _Array, _Array]: ...
