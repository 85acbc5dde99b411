from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

MOST_PARTS: int
BLAS: int
AVX2: int
AVX512: int
TILES: int
COMPILED: frozenset[int]
LENT: frozenset[int]

def part_rows(n: int) -> int: ...
def tiles_pay(n: int, k: int, d: int) -> bool: ...
def work_size(unit: int, size: int, n: int, k: int, d: int, threads: int) -> int: ...
def transform_work_size(unit: int, k: int, d: int, threads: int) -> int: ...
def matmul(
    a: Array,
    m: Array,
    transposed: bool,
    out: Array,
    accumulate: bool,
    threads: int,
    unit: int = ...,
    work: Array | None = None,
) -> None: ...
def gram(
    a: Array,
    b: Array,
    rows: int,
    parts: Array,
    base: Array | None,
    keep: float,
    by: float,
    mirrored: bool,
    total: Array,
    threads: int,
    unit: int = ...,
    work: Array | None = None,
    chosen: Array | None = None,
) -> None: ...
def gram_half(
    a: Array,
    b: Array | None,
    scale: Array | None,
    scratch: Array,
    rows: int,
    parts: Array,
    total: Array,
    threads: int,
    unit: int = ...,
    work: Array | None = None,
) -> None: ...
def transform_size(k: int, d: int) -> int: ...
def transform(
    v: Array,
    last: Array | None,
    m: Array,
    scratch: Array,
    threads: int,
    unit: int = ...,
    work: Array | None = None,
) -> None: ...
def matmul_rows(
    a: Array, rows: Array, last: Array | None, m: Array, out: Array, threads: int, unit: int, work: Array
) -> None: ...
