from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def symmetric(matrices: _Array, sizes: _Array, failed: _Array, threads: int) -> None: ...
