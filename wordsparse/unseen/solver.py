"""Many small convex problems at once: the best position of a new vector among fixed ones.

For each item, with its own rows r_t (n, d), offsets c_t and weights y_t,

    f(v) = Σ_t y_t softplus(−(r_t·v + c_t)) + l·v + ½ Σ_k D_k v_k²,     D > 0

is minimised by nonlinear conjugate gradients (Polak–Ribière), preconditioned by D. A step goes to the minimum, along
its direction, of a quadratic that touches f where the step begins and lies above f elsewhere: softplus(−x) has the
curvature tanh(x/2)/(2x) there (Jaakkola & Jordan, 2000), which is at least its second derivative, so that no step
overshoots. A step takes two products with the rows, 4 n d operations; items of similar size go together.
"""

from collections.abc import Iterator

import numpy as np

from wordsparse.errors import InputError
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.validation import all_finite

# The cosine with the minimum is above .9999 then, for words of 2 to 64 sentences.
STEPS = 10
# Numbers in the rows of the items that are solved together: they stay in a core's cache.
_BLOCK = 2**18


def minimise(rows: Array, weights: Array, offsets: Array, sizes: Array, linear: Array, diagonal: Array) -> Array:
    """The minima v of the items, (items, d), after STEPS steps from where the parts without rows are least.

    InputError if the numbers overflow, as those of an altered model may, or l and D are zero.

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
    # The products of an item are too small to be shared out.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = -linear / diagonal
        for items, places in _groups(sizes, rows.shape[1]):
            present = places >= 0
            y, c = (np.where(present, part[places], 0).astype(rows.dtype) for part in (weights, offsets))
            found[items] = _descend(found[items], rows[places], y, c, linear[items], diagonal[items])
    if not all_finite(found):
        raise InputError("no vector can be computed: the model's numbers overflow, or are all zero; train it again")
    return found


def _descend(v: Array, r: Array, y: Array, c: Array, linear: Array, D: Array) -> Array:
    """The minima of some items from v (m, d): r (m, n, d), y and c (m, n), linear and D (m, d)."""
    o = _products(r, v) + c
    direction, last, last_gradient = np.zeros_like(v), np.full(len(v), np.inf, v.dtype), np.zeros_like(v)
    for _ in range(STEPS):
        pull, curvature = _slopes(o, y)
        gradient = linear + D * v - np.matmul(pull[:, None, :], r)[:, 0]
        scaled = gradient / D
        now = _dots(gradient, scaled)
        share = np.maximum(_ratio(now - _dots(last_gradient, scaled), last), 0)
        direction = share[:, None] * direction - scaled
        image = _products(r, direction)
        bend = _dots(curvature, image * image) + _dots(D, direction * direction)
        step = -_ratio(_dots(gradient, direction), bend)[:, None]
        v += step * direction
        o += step * image
        last, last_gradient = now, gradient
    return v


def _slopes(o: Array, y: Array) -> tuple[Array, Array]:
    """y σ(−o), and the curvature y tanh(o/2)/(2o) of the quadratic that lies above softplus."""
    half = np.maximum(np.abs(o) / 2, np.asarray(1e-4, o.dtype))
    tanh = np.tanh(half)
    return y * np.where(o < 0, 1 + tanh, 1 - tanh) / 2, y * tanh / (4 * half)


def _products(r: Array, v: Array) -> Array:
    """r v of each item, (m, n)."""
    return np.asarray(np.matmul(r, v[:, :, None])[:, :, 0])


def _dots(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _ratio(a: Array, b: Array) -> Array:
    """a / b, 0 where b is 0: there is nothing left to descend."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


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
