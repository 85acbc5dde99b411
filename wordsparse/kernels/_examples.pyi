from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

ENTRY_BYTES: int
MAX_WORDS_IN_32_BITS: int
MAX_WINDOW_IN_32_BITS: int

def keep_tokens(
    ids: _Array,
    lo: int,
    hi: int,
    offset: int,
    key: int,
    keep_below: _Array,
    wider_below: _Array,
    kept: _Array,
    width: _Array,
) -> tuple[int, int, int, int]: ...
def local_ids(kept: _Array, n: int, slot: _Array, words: _Array) -> int: ...
def relabel(kept: _Array, n: int, slot: _Array, words: _Array) -> None: ...
def count_pairs(local: _Array, window: int, n: int, last: int, of_word: _Array) -> int: ...
def skipgram_pairs(
    local: _Array, by_distance: _Array, n: int, last: int, column_place: _Array, column_end: _Array, pairs: _Array
) -> None: ...
def merge_pairs(
    pairs: _Array,
    by_distance: _Array,
    column_place: _Array,
    column_end: _Array,
    row_place: _Array,
    row_end: _Array,
    entries: _Array,
    words: _Array,
    places: _Array,
    columns: _Array,
) -> None: ...
def mirror_rows(
    entries: _Array,
    words: _Array,
    places: _Array,
    columns: _Array,
    row_place: _Array,
    row_end: _Array,
    indptr: _Array,
    from_row: _Array,
    from_column: _Array,
    indices: _Array,
    weights: _Array,
    order: _Array,
) -> None: ...
def window_examples(
    local: _Array, width: _Array, n: int, first: int, last: int, centre: _Array, start: _Array, stop: _Array
) -> int: ...
