from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def combine(
    indptr: Array,
    indices: Array,
    order: Array | None,
    weights: Array,
    rows: Array,
    base: Array | None,
    scale: Array | None,
    out: Array,
    threads: int,
) -> None: ...
def sparse_gram(
    indptr: Array, indices: Array, weights: Array, t_indptr: Array, t_indices: Array, order: Array | None, out: Array
) -> None: ...
def pair_dots(indptr: Array, indices: Array, left: Array, right: Array, out: Array, threads: int) -> None: ...
def take(matrix: Array, rows: Array, last: Array | None, out: Array, threads: int) -> None: ...
def add_rows(matrix: Array, rows: Array, scale: Array | None, change: Array, threads: int) -> None: ...
def transpose(indptr: Array, indices: Array, t_indptr: Array, t_indices: Array, order: Array) -> None: ...
def row_dots(left: Array, right: Array, out: Array, threads: int) -> None: ...
