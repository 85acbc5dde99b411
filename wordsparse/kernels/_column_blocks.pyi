from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def panel_size(rows: int) -> int: ...
def combine(
    isa: int,
    half: bool,
    indptr: _Array,
    indices: _Array,
    order: _Array | None,
    weights: _Array,
    rows: _Array,
    base: _Array | None,
    scale: _Array | None,
    panels: _Array,
    held: _Array,
    ordered: _Array | None,
    out: _Array,
) -> None: ...
def pair_dots(
    isa: int, half: bool, indptr: _Array, indices: _Array, left: _Array, right: _Array, panels: _Array, out: _Array
) -> None: ...
