"""The k largest numbers in each row of a matrix whose columns are computed block by block."""

from typing import Any

import numpy as np

from wordsparse.types import Array


def take_in(columns: Array, largest: Array, block: Array, start: int, xp: Any = np) -> None:
    """Update the k largest numbers so far, ``largest`` (m, k), and their ``columns`` by a block (m, any) of further
    columns, of which ``start`` is the first.

    A number enters only if it exceeds the k-th largest so far, so most blocks cost one comparison per number.
    """
    entries, width = xp.flatnonzero(block > largest[:, -1:]), block.shape[1]
    row, column = entries // width, entries % width
    if not row.size:
        return
    rows, starts, place_of, counts = np.unique(row, True, True, True)
    place, shape = xp.arange(place_of.size) - starts[place_of], (rows.size, int(counts.max()))
    indices, values = xp.zeros(shape, np.int64), xp.full(shape, -np.inf, largest.dtype)
    indices[place_of, place], values[place_of, place] = column + start, block[row, column]
    indices, values = np.hstack([columns[rows], indices]), np.hstack([largest[rows], values])
    columns[rows], largest[rows] = largest_of(indices, values, columns.shape[1])


def largest_of(indices: Array, values: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest values of each row with their indices, largest first; equal values keep their order."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, order, 1), np.take_along_axis(values, order, 1)
