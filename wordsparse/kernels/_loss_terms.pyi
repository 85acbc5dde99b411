from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

BLOCK: int

def softplus(isa: int, y: _Array, o: _Array, slope: _Array, sums: _Array, threads: int) -> None: ...
