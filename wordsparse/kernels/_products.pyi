from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

MAX_PARTS: int

def part_rows(n: int) -> int: ...
def work_size(size: int, n: int, k: int, d: int, threads: int) -> int: ...
def transform_work_size(k: int, d: int, threads: int) -> int: ...
def matmul(
    isa: int,
    a: _Array,
    m: _Array,
    transposed: bool,
    out: _Array,
    accumulate: bool,
    threads: int,
    work: _Array | None = None,
) -> None: ...
def gram(
    isa: int,
    a: _Array,
    b: _Array | None,
    chosen: _Array | None,
    scale: _Array | None,
    half: bool,
    mirrored: bool,
    base: _Array | None,
    keep: float,
    by: float,
    rows: int,
    parts: _Array,
    scaled: _Array,
    total: _Array,
    threads: int,
    work: _Array | None = None,
) -> None: ...
def transform_size(k: int, d: int) -> int: ...
def transform(
    isa: int,
    v: _Array,
    last: _Array | None,
    m: _Array,
    scratch: _Array,
    threads: int,
    work: _Array | None = None,
) -> None: ...
def matmul_rows(
    isa: int, a: _Array, rows: _Array, last: _Array | None, m: _Array, out: _Array, threads: int, work: _Array
) -> None: ...
def inverse_work_size(size: int, n: int, threads: int) -> int: ...
def inverse(isa: int, a: _Array, order: _Array, out: _Array, regular: _Array, threads: int, work: _Array) -> None: ...
