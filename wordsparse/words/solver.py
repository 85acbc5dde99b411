"""Many small convex problems at once: the best position of a new vector among fixed ones.

For each item, with its own rows r_t (n, d), offsets c_t and weights y_t,

    f(v) = Σ_t y_t softplus(−(r_t·v + c_t)) + l·v + ½ Σ_k D_k v_k²,     D > 0

is minimised by steps on a quadratic that touches f at v and lies above it elsewhere: softplus(−x) has the curvature
tanh(x/2)/(2x) there (Jaakkola & Jordan, 2000), which is at least its second derivative, so that no step overshoots. An
item of fewer rows than numbers is solved in the space of its rows (Woodbury); items of similar size go together.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# The cosine of a document of 65 words with its minimum is above .9999 then.
STEPS = 4
# Numbers in the rows of the items that are solved together: they stay in a core's cache.
_BLOCK = 2**18


def minimise(rows: Array, weights: Array, offsets: Array, sizes: Array, linear: Array, diagonal: Array) -> Array:
    """The minima v of the items, (items, d), after STEPS steps from where the parts without rows are least.

    Parameters
    ----------
    rows : (Σ sizes, d)
        The rows of all items, one item after the other.
    weights, offsets : (Σ sizes,)
        y and c.
    sizes : (items,)
        How many rows each item has; it may be none.
    linear, diagonal : (items, d)
        l and D.
    """
    found = -linear / diagonal
    for items, places in _groups(sizes, rows.shape[1]):
        present = places >= 0
        r, c = rows[places], offsets[places]
        y = np.where(present, weights[places], 0).astype(rows.dtype)
        v, D = found[items], diagonal[items]
        for _ in range(STEPS):
            v -= _step(r, y, np.matmul(r, v[:, :, None])[:, :, 0] + c, linear[items] + D * v, D)
        found[items] = v
    return found


def _step(r: Array, y: Array, o: Array, gradient: Array, D: Array) -> Array:
    """The step of some items: r (m, n, d), y and o (m, n), the gradient without the rows and D (m, d)."""
    half = np.maximum(np.abs(o) / 2, 1e-4).astype(r.dtype)
    tanh = np.tanh(half)
    pull = y * np.where(o < 0, 1 + tanh, 1 - tanh) / 2  # y σ(−o)
    gradient = gradient - np.matmul(pull[:, None, :], r)[:, 0]
    scaled = r * np.sqrt(y * tanh / (4 * half))[:, :, None]
    n, d = r.shape[1:]
    if n < d:
        divided = scaled / D[:, None, :]
        inner = np.matmul(divided, scaled.transpose(0, 2, 1))
        inner[:, np.arange(n), np.arange(n)] += 1
        solved = np.linalg.solve(inner, np.matmul(divided, gradient[:, :, None]))
        return np.asarray(gradient / D - np.matmul(divided.transpose(0, 2, 1), solved)[:, :, 0])
    matrix = np.matmul(scaled.transpose(0, 2, 1), scaled)
    matrix[:, np.arange(d), np.arange(d)] += D
    return np.asarray(np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0])


def _groups(sizes: Array, d: int) -> Iterator[tuple[Array, Array]]:
    """Items of similar size, and the places (items, n) of their rows, −1 where an item has fewer than n."""
    ends = np.cumsum(sizes)
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0]
    start = 0
    while start < len(order):
        # At most a quarter more rows than the smallest item of the group has.
        most = int(sizes[order[start]]) * 5 // 4 + 3
        stop = int(np.searchsorted(sizes[order], most, side="right"))
        n = int(sizes[order[stop - 1]])
        stop = min(stop, start + max(1, _BLOCK // (n * d)))
        items = order[start:stop]
        place = np.arange(int(sizes[items].max()))
        first = ends[items] - sizes[items]
        yield items, np.where(place < sizes[items, None], first[:, None] + place, -1)
        start = stop
