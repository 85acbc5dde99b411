from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

MOST_PARTS: int

def part_rows(n: int) -> int: ...
def matmul(a: Array, m: Array, out: Array, accumulate: bool, threads: int) -> None: ...
def gram(a: Array, b: Array, rows: int, parts: Array, total: Array, threads: int) -> None: ...
def gram_self(
    a: Array, scale: Array | None, scratch: Array, rows: int, parts: Array, total: Array, threads: int
) -> None: ...
