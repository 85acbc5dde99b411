from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

ENTRY_BYTES: int
MOST_IN_32: int

def keep_tokens(
    ids: Array,
    lo: int,
    hi: int,
    offset: int,
    key: int,
    keep_below: Array,
    wider_below: Array,
    kept: Array,
    width: Array,
) -> tuple[int, int, int, int]: ...
def local_ids(kept: Array, n: int, slot: Array, words: Array) -> int: ...
def relabel(kept: Array, n: int, slot: Array, words: Array) -> None: ...
def count_pairs(
    local: Array, window: int, n: int, first: int, last: int, by_centre: Array, by_context: Array
) -> int: ...
def skipgram_pairs(
    local: Array,
    by_distance: Array,
    n: int,
    first: int,
    last: int,
    centre_place: Array,
    context_place: Array,
    pairs: Array,
    room: Array,
    row_end: Array,
    columns_before: Array,
) -> int: ...
def close_rows(
    room: Array, centre_place: Array, row_end: Array, indptr: Array, indices: Array, weights: Array
) -> None: ...
def transpose(indptr: Array, indices: Array, column_place: Array, t_indices: Array, order: Array) -> None: ...
def window_examples(
    local: Array, width: Array, n: int, first: int, last: int, centre: Array, start: Array, stop: Array
) -> int: ...
