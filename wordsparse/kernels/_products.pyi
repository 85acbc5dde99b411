from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

MOST_PARTS: int
MATRIX_UNIT: bool

def part_rows(n: int) -> int: ...
def tiles_pay(n: int, k: int, d: int) -> bool: ...
def tiles_size(k: int, d: int, gram: bool) -> tuple[int, int]: ...
def matmul(
    a: Array,
    m: Array,
    out: Array,
    accumulate: bool,
    threads: int,
    packed: Array | None = None,
    work: Array | None = None,
) -> None: ...
def gram(
    a: Array, b: Array, rows: int, parts: Array, total: Array, threads: int, work: Array | None = None
) -> None: ...
def gram_self(
    a: Array,
    scale: Array | None,
    scratch: Array,
    rows: int,
    parts: Array,
    total: Array,
    threads: int,
    work: Array | None = None,
) -> None: ...
