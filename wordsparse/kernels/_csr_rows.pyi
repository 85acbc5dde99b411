from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def combine(
    isa: int,
    indptr: _Array,
    indices: _Array,
    order: _Array | None,
    weights: _Array,
    rows: _Array,
    base: _Array | None,
    scale: _Array | None,
    out: _Array,
    threads: int,
) -> None: ...
def sparse_gram(
    indptr: _Array,
    indices: _Array,
    weights: _Array,
    t_indptr: _Array,
    t_indices: _Array,
    order: _Array | None,
    out: _Array,
) -> None: ...
def pair_dots(
    isa: int, indptr: _Array, indices: _Array, left: _Array, right: _Array, out: _Array, threads: int
) -> None: ...
def column_sums(isa: int, matrix: _Array, weights: _Array, part_rows: int, parts: _Array, threads: int) -> None: ...
def take(isa: int, matrix: _Array, rows: _Array, last: _Array | None, out: _Array, threads: int) -> None: ...
def add_rows(isa: int, matrix: _Array, rows: _Array, scale: _Array | None, change: _Array, threads: int) -> None: ...
def scale_columns(indices: _Array, values: _Array, scale: _Array, out: _Array, threads: int) -> None: ...
def scale_rows(isa: int, matrix: _Array, scale: _Array, out: _Array, threads: int) -> None: ...
def transpose(indptr: _Array, indices: _Array, t_indptr: _Array, t_indices: _Array, order: _Array) -> None: ...
def sum_rows(indptr: _Array, order: _Array | None, values: _Array, out: _Array, threads: int) -> None: ...
def row_dots(isa: int, left: _Array, right: _Array, out: _Array, threads: int) -> None: ...
