"""The k largest numbers in each row of a matrix whose columns are computed block by block."""

from typing import Any

import numpy as np

from wordsparse.types import Array


def take_in(columns: Array, largest: Array, block: Array, start: int, xp: Any = np) -> None:
    """Merge a block (m, any) of further columns into the k largest numbers of each row so far. ``largest`` (m, k) and
    ``columns`` (m, k) hold the largest numbers so far and their columns. ``start`` is the first column of the block.

    A number replaces another only if it exceeds the k-th largest number so far, so most blocks cost one comparison per
    number.
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
    """Return the indices and values of the k largest values in each row, largest first. Equal values keep their
    order."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, order, 1), np.take_along_axis(values, order, 1)
