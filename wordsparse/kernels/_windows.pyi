from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]
BLOCK: int

def scratch_bytes(reach: int) -> int: ...
def panels_size(features: int, targets: int) -> int: ...
def plan_size(n: int, reach: int, itemsize: int) -> int: ...
def dots(
    isa: int,
    tokens: _Array,
    centre: _Array,
    start: _Array,
    stop: _Array,
    first: _Array,
    reach: int,
    ld: int,
    F: _Array,
    target: _Array,
    W: _Array,
    scratch: _Array,
    out: _Array,
) -> None: ...
def means(
    isa: int,
    tokens: _Array,
    centre: _Array,
    start: _Array,
    stop: _Array,
    first: _Array,
    reach: int,
    ld: int,
    F: _Array,
    scratch: _Array,
    out: _Array,
) -> None: ...
def sum_parts(bags: int) -> int: ...
def change_size(n: int, reach: int, parts: int) -> int: ...
def sums(
    tokens: _Array,
    centre: _Array,
    start: _Array,
    stop: _Array,
    values: _Array,
    squared: bool,
    reach: int,
    change: _Array,
    parts: _Array,
    out: _Array,
    threads: int,
) -> None: ...
def pull(
    isa: int,
    tokens: _Array,
    centre: _Array,
    start: _Array,
    stop: _Array,
    first: _Array,
    reach: int,
    ld: int,
    F: _Array,
    target: _Array,
    W: _Array,
    zeta: _Array,
    gamma: _Array,
    scratch: _Array,
    plan: _Array,
    panels: _Array,
    X: _Array,
    Z: _Array,
    G: _Array,
    past_caches: bool,
    half: bool,
) -> None: ...
