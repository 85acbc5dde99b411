from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
BLOCK: int

def scratch_bytes(reach: int) -> int: ...
def panels_size(features: int, targets: int) -> int: ...
def plan_size(n: int, reach: int, itemsize: int) -> int: ...
def dots(
    set: int,
    tokens: Array,
    centre: Array,
    start: Array,
    stop: Array,
    first: Array,
    reach: int,
    ld: int,
    F: Array,
    target: Array,
    W: Array,
    scratch: Array,
    out: Array,
) -> None: ...
def means(
    set: int,
    tokens: Array,
    centre: Array,
    start: Array,
    stop: Array,
    first: Array,
    reach: int,
    ld: int,
    F: Array,
    scratch: Array,
    out: Array,
) -> None: ...
def sums(
    tokens: Array,
    centre: Array,
    start: Array,
    stop: Array,
    values: Array,
    squared: bool,
    change: Array,
    out: Array,
) -> None: ...
def pull(
    set: int,
    tokens: Array,
    centre: Array,
    start: Array,
    stop: Array,
    first: Array,
    reach: int,
    ld: int,
    F: Array,
    target: Array,
    W: Array,
    zeta: Array,
    gamma: Array,
    scratch: Array,
    plan: Array,
    panels: Array,
    X: Array,
    Z: Array,
    G: Array,
    past_caches: bool,
) -> None: ...
