from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

BLOCK: int

def softplus(y: Array, o: Array, slope: Array, sums: Array, threads: int) -> None: ...
