from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def symmetric(matrices: Array, sizes: Array, failed: Array, threads: int) -> None: ...
