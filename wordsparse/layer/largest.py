"""The k largest numbers in each row of a matrix whose columns are computed block by block."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from wordsparse.types import Array

# :func:`largest_outputs` searches blocks of at most TOP_EXAMPLES rows and TOP_OUTPUTS numbers. The first block has
# TOP_GROWTH · k columns. Each later block has at most TOP_GROWTH times as many columns as all earlier blocks together.
# These constants were the fastest of several for 1 to 2,000 rows.
TOP_EXAMPLES, TOP_OUTPUTS, TOP_GROWTH = 1024, 1 << 20, 8

Outputs = Callable[[Array, Iterable[slice]], Iterator[Array]]
"""A function that yields the outputs (m, n) of inputs (m, d) for each block of columns."""


def largest_outputs(outputs_of: Outputs, H: Array, n_outputs: int, k: int, xp: Any = np) -> tuple[Array, Array]:
    """Return the indices (m, k) and values (m, k) of the k largest outputs of each row of H, largest first. Among equal
    outputs, the smaller index comes first."""
    step = max(1, min(TOP_EXAMPLES, TOP_OUTPUTS // (TOP_GROWTH * k)))
    parts = [_of_few(outputs_of, H[i : i + step], n_outputs, k, xp) for i in range(0, max(1, H.shape[0]), step)]
    indices, outputs = map(np.concatenate, zip(*parts, strict=True))
    return indices, outputs


def _of_few(outputs_of: Outputs, H: Array, n_outputs: int, k: int, xp: Any) -> tuple[Array, Array]:
    """Compute :func:`largest_outputs` for a number of rows so small that the outputs of a block fit into a cache.

    Outputs of later blocks are kept only if they are larger than the k-th largest output so far, which is rarely the
    case.
    """
    most = max(TOP_GROWTH * k, TOP_OUTPUTS // max(1, H.shape[0]))
    ends = [0, min(TOP_GROWTH * k, n_outputs)]
    while ends[-1] < n_outputs:
        ends.append(min(n_outputs, ends[-1] + min(most, TOP_GROWTH * ends[-1])))
    blocks = [slice(start, stop) for start, stop in pairwise(ends)]
    computed = outputs_of(H, blocks)
    outputs = next(computed)
    where, best = largest_of(np.broadcast_to(xp.arange(ends[1]), outputs.shape), outputs, k)
    for block, outputs in zip(blocks[1:], computed, strict=True):
        take_in(where, best, outputs, block.start, xp)
    return where, best


def take_in(columns: Array, largest: Array, block: Array, start: int, xp: Any = np) -> None:
    """Merge a block (m, any) of further columns into the k largest numbers of each row so far. ``largest`` (m, k) and
    ``columns`` (m, k) hold the largest numbers so far and their columns. ``start`` is the first column of the block.

    A number replaces another only if it exceeds the k-th largest number so far, so most blocks cost one comparison per
    number.
    """
    entries, width = xp.flatnonzero(block > largest[:, -1:]), block.shape[1]
    row, column = entries // width, entries % width
    merge(columns, largest, row, column + start, block[row, column], xp)


def merge(columns: Array, largest: Array, row: Array, column: Array, value: Array, xp: Any = np) -> None:
    """Merge numbers into the k largest numbers of each row so far. The numbers are given by their rows, ascending, and
    columns, which ascend in each row."""
    if not row.size:
        return
    counts = xp.bincount(row)
    rows, starts = xp.flatnonzero(counts), xp.cumsum(counts) - counts
    place_of, shape = (xp.cumsum(counts > 0) - 1)[row], (rows.size, int(counts.max()))
    place = xp.arange(row.size) - starts[row]
    indices, values = xp.zeros(shape, np.int64), xp.full(shape, -np.inf, largest.dtype)
    indices[place_of, place], values[place_of, place] = column, value
    indices, values = np.hstack([columns[rows], indices]), np.hstack([largest[rows], values])
    columns[rows], largest[rows] = largest_of(indices, values, columns.shape[1])


def largest_of(indices: Array, values: Array, k: int) -> tuple[Array, Array]:
    """Return the indices and values of the k largest values in each row, largest first. Equal values keep their
    order."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, order, 1), np.take_along_axis(values, order, 1)
