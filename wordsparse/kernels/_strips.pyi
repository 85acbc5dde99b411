from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

WIDEST_SET: int

def panel_size(rows: int) -> int: ...
def combine(
    set: int,
    indptr: Array,
    indices: Array,
    order: Array | None,
    weights: Array,
    rows: Array,
    base: Array | None,
    scale: Array | None,
    panels: Array,
    held: Array,
    ordered: Array | None,
    out: Array,
) -> None: ...
def pair_dots(
    set: int, indptr: Array, indices: Array, left: Array, right: Array, panels: Array, out: Array
) -> None: ...
