"""The loss of a minibatch: the terms of every target, and the sums of these terms over each example.

If the device has a kernel for the loss, the kernel computes the sums in one pass. Otherwise, array operations compute
the sums. Only :mod:`wordsparse.layer.losses` contains the formulas.
"""

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.losses import LinearLoss, Loss, is_regression
from wordsparse.types import Array

# The number of targets whose loss is computed at a time, so that intermediate arrays stay in the cache.
PIECE = 2**15


class LossSums(NamedTuple):
    """The losses and their derivatives. ``losses``, ``alpha`` = ∂L/∂q and ``beta`` = ∂L/∂s (m,) float64 have one entry
    per example. ``gamma`` = ∂L/∂o (entries,) has one entry per stored target. If only the sum of the losses was
    requested, ``losses`` is None, and ``of_targets`` is the part of the sum that depends on the outputs of targets."""

    losses: Array | None
    alpha: Array
    beta: Array
    gamma: Array
    of_targets: float = 0.0


def per_example(
    loss: Loss, targets: Csr, y: Array, o: Array, q: Array, s: Array, total: float, kernels: Kernels
) -> LossSums:
    """Return the losses of all examples and their derivatives. ``targets`` (m, any) is the structure of the stored
    targets; ``y`` and ``o`` (entries,) are the weights (or regression targets) and the outputs of the stored targets.
    ``q`` and ``s`` are (m,) float64. ``total`` is Σ πᵢ."""
    if is_regression(loss):
        wide = y.astype(np.float64)  # y² overflows float32 long before y does
        losses = q + kernels.sum_rows(targets, wide * (wide - 2 * o))
        return LossSums(losses, np.ones_like(q), np.zeros_like(q), -2 * y)
    in_one_pass = _in_one_pass(loss, targets, y, o, q, s, total, kernels)
    if in_one_pass is not None:
        return in_one_pass
    example = kernels.row_of_entry(targets)
    terms = loss.terms(o, q[example], s[example], total)
    losses, alpha, beta = (kernels.sum_rows(targets, y * values) for values in terms[:3])
    return LossSums(losses, alpha, beta, y * terms.do)


def target_terms(
    loss: LinearLoss, targets: Csr, y: Array, a: Array, r: Array | None, total: float, kernels: Kernels
) -> LossSums:
    """Return the part Σ y (t(o) + c) of a :class:`LinearLoss`, and all derivatives. The terms a·q and b·s are left out.

    Outputs are o = a r, where r (u,) is a factor for each column; ∂/∂o is multiplied by r. The losses of single
    examples are not computed. Regression losses are not allowed, because they have no terms per target.
    """
    compiled = vars(type(loss)).get("compiled")
    terms = None if compiled is None else kernels.target_terms(compiled, targets, y, a, r)
    if terms is None:
        o = times_columns(targets, a, r, kernels)
        in_one_pass = _in_one_pass(loss, targets, y, o, None, None, total, kernels)
        if in_one_pass is not None:
            assert in_one_pass.losses is not None
            gamma, of_targets = times_columns(targets, in_one_pass.gamma, r, kernels), in_one_pass.losses.sum()
            return in_one_pass._replace(losses=None, gamma=gamma, of_targets=float(of_targets))
        value, slope = np.empty_like(o), np.empty_like(o)
        for start in range(0, o.shape[0], PIECE):
            piece = slice(start, start + PIECE)
            value[piece], slope[piece] = loss.target(o[piece])
        terms = float((y * value).sum(dtype=np.float64)), times_columns(targets, y * slope, r, kernels)
    weight = y if targets.one_a_row else kernels.sum_rows(targets, y)
    c, by_q, by_s = loss.slopes(total)
    of_targets = terms[0] + c * kernels.total(weight)
    return LossSums(None, kernels.scaled(weight, by_q), kernels.scaled(weight, by_s), terms[1], of_targets)


def times_columns(csr: Csr, values: Array, factors: Array | None, kernels: Kernels) -> Array:
    """Return the value of each stored entry times the factor of its column. If ``factors`` is None, all factors are
    1."""
    return values if factors is None else kernels.scale_columns(csr, values, factors)


def _in_one_pass(
    loss: Loss, targets: Csr, y: Array, o: Array, q: Array | None, s: Array | None, total: float, kernels: Kernels
) -> LossSums | None:
    """Compute the sums with a kernel, or return None if the device has no kernel for this class of losses."""
    kernel = vars(type(loss)).get("cuda")  # not inherited: a subclass has its own formulas
    if kernel is None:
        return None
    constants = tuple(getattr(loss, field.name) for field in fields(loss))  # type: ignore[arg-type]
    sums = kernels.loss_sums(kernel, constants, targets, y, o, q, s, total)
    return None if sums is None else LossSums(*sums)
