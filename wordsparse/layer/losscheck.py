"""A check that compares the derivatives in :meth:`Loss.terms <wordsparse.layer.losses.Loss.terms>` with finite
differences.

The check is for users who write their own loss: a step is exact only if the derivatives belong to the value.
"""

import math

import numpy as np

from wordsparse.errors import InputError
from wordsparse.layer.losses import Loss, Terms, resolve
from wordsparse.types import Array

# The error of central differences is step² (truncation) plus rounding/step, so the best step is the cube root of the
# rounding error.
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
# The largest relative error allowed in a derivative, and the assumed relative rounding error of the value.
TOLERANCE = 1e-5
ROUNDING = 1e-9
# The number of random points, the number of outputs over which q and s are summed at each point, and the range of the
# magnitudes of outputs.
POINTS, OUTPUTS = 200, 8
SMALLEST, LARGEST = 0.01, 30.0


def check_loss(loss: Loss, *, total: float = 1.0) -> None:
    """Check the shapes, the finiteness and the three derivatives of ``loss.terms`` at random points.

    All of these points can occur in a layer: o is one of a few outputs, and q and s are sums over these outputs. Terms
    must be elementwise: if a term depends on other points in the arrays, its derivative is reported as wrong.

    Parameters
    ----------
    loss : Loss
    total : float
        Σ πᵢ, the last argument of :meth:`~wordsparse.layer.losses.Loss.terms`: 1 with a base measure, D without a base
        measure. If you use the loss with and without a base measure, check both totals.

    Raises
    ------
    InputError
        If an argument is invalid, the loss has no name, or a term is wrong. The message says which term is wrong,
        where, and by how much.
    """
    if not isinstance(loss, Loss):
        raise InputError(f"loss must be a wordsparse.layer.losses.Loss object, not {loss!r}")
    if not (math.isfinite(total) and total > 0):
        raise InputError(f"total must be a positive number, not {total!r}")
    name = type(resolve(loss)).__name__
    o, q, s = _points(total)
    terms = _evaluate(loss, o, q, s, total)

    def value(o: Array, q: Array, s: Array) -> Array:
        return np.asarray(_evaluate(loss, o, q, s, total).value)

    # A difference step must be small compared with the size of its argument, not compared with 1.
    size = np.sqrt(q / total)
    by_q, by_s, by_o = STEP * q, STEP * size * total, STEP * size
    differences = {
        "dq": ((value(o, q + by_q, s) - value(o, q - by_q, s)) / (2 * by_q), terms.dq, q),
        "ds": ((value(o, q, s + by_s) - value(o, q, s - by_s)) / (2 * by_s), terms.ds, size * total),
        "do": ((value(o + by_o, q, s) - value(o - by_o, q, s)) / (2 * by_o), terms.do, size),
    }
    for derivative, (expected, actual, scale) in differences.items():
        noise = ROUNDING * np.maximum(1, np.abs(terms.value)) / scale
        excess = np.abs(expected - actual) - TOLERANCE * np.abs(expected) - noise
        worst = int(np.argmax(excess))
        if excess[worst] > 0:
            raise InputError(
                f"{name}.terms: {derivative} is {actual[worst]:.9g}, but finite differences of the value give "
                f"{expected[worst]:.9g} (off by {abs(expected[worst] - actual[worst]):.3g}), at "
                + _where(o[worst], q[worst], s[worst], total)
            )
    if not loss.sees_sum and np.any(terms.ds):
        raise InputError(f"{name} depends on s, which is 0 for a loss with sees_sum = False: remove that attribute")


def _points(total: float) -> tuple[Array, Array, Array]:
    """Return (o, q, s), each (POINTS,): o is one of a few outputs, and q and s are sums over these outputs with equal
    weights."""
    random = np.random.default_rng(0)
    sizes = np.exp(random.uniform(math.log(SMALLEST), math.log(LARGEST), (POINTS, 1)))
    outputs = sizes * (random.standard_normal((POINTS, OUTPUTS)) + random.standard_normal((POINTS, 1)))
    return outputs[:, 0], total * (outputs**2).mean(1), total * outputs.mean(1)


def _evaluate(loss: Loss, o: Array, q: Array, s: Array, total: float) -> Terms:
    """Return the terms, broadcast to the shape of ``o``. Raise InputError if a term has another shape or is not
    finite."""
    name = type(loss).__name__
    terms = loss.terms(o, q, s, total)
    if not isinstance(terms, Terms):
        raise InputError(f"{name}.terms must return Terms({', '.join(Terms._fields)}), not {type(terms).__name__}")
    spread = []
    for field, term in zip(Terms._fields, terms, strict=True):
        array = np.asarray(term)
        if array.dtype.kind not in "fiu":
            raise InputError(f"{name}.terms: {field} must hold real numbers, not {array.dtype}")
        if array.shape not in (o.shape, ()):
            raise InputError(f"{name}.terms: {field} must be a number or have o's shape {o.shape}, not {array.shape}")
        array = np.broadcast_to(array, o.shape)
        if not np.isfinite(array).all():
            bad = int(np.argmin(np.isfinite(array)))
            raise InputError(
                f"{name}.terms: {field} is {array[bad]} at {_where(o[bad], q[bad], s[bad], total)}; it must be finite"
            )
        spread.append(array)
    return Terms(*spread)


def _where(o: float, q: float, s: float, total: float) -> str:
    return f"o = {o:.6g}, q = {q:.6g}, s = {s:.6g}, total = {total:.6g}"
