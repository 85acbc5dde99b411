"""A loss over a minibatch: the terms of every target, and their sums over each example.

By a kernel in one pass where the device has one for the loss, by array operations otherwise; the formulas are in
:mod:`wordsparse.layer.losses` alone.
"""

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.losses import LinearLoss, Loss, is_regression
from wordsparse.types import Array

# Targets whose loss is computed at a time: the arrays between two operations stay in the cache.
PIECE = 2**15


class LossSums(NamedTuple):
    """``losses``, ``alpha`` = ∂L/∂q and ``beta`` = ∂L/∂s of each example, (m,) float64; ``gamma`` = ∂L/∂o of each
    stored target, (entries,). Where only the sum of the losses was asked for, ``losses`` is None and ``of_targets`` the
    part of it that the targets' own terms add."""

    losses: Array | None
    alpha: Array
    beta: Array
    gamma: Array
    of_targets: float = 0.0


def per_example(
    loss: Loss, targets: Csr, y: Array, o: Array, q: Array, s: Array, total: float, kernels: Kernels
) -> LossSums:
    """The loss of every example, and its derivatives. ``targets`` (m, any) is the structure of the stored targets,
    ``y`` and ``o`` (entries,) their weights (or regression targets) and outputs; ``q`` and ``s`` are (m,) float64,
    ``total`` Σ πᵢ."""
    if is_regression(loss):
        wide = y.astype(np.float64)  # y² leaves float32 long before y does
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
    """Σ y (t(o) + c), the part of the loss of all examples that is not of q and s, and the derivatives, that by o times
    r, for outputs o = a r, r (u,) the factors of the columns.

    The losses of the examples stay unknown. Regression has no such part.
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
    of_targets = terms[0] + c * float(weight.sum(dtype=np.float64))
    return LossSums(None, kernels.scaled(weight, by_q), kernels.scaled(weight, by_s), terms[1], of_targets)


def times_columns(csr: Csr, values: Array, factors: Array | None, kernels: Kernels) -> Array:
    """The value of each stored entry times the factor of its column; None: 1."""
    return values if factors is None else kernels.scale_columns(csr, values, factors)


def _in_one_pass(
    loss: Loss, targets: Csr, y: Array, o: Array, q: Array | None, s: Array | None, total: float, kernels: Kernels
) -> LossSums | None:
    """By a kernel, where the device has one for this very class; its formulas are tested against ``terms``."""
    kernel = vars(type(loss)).get("cuda")  # what inherits from the class has formulas of its own
    if kernel is None:
        return None
    constants = tuple(getattr(loss, field.name) for field in fields(loss))  # type: ignore[arg-type]
    found = kernels.loss_sums(kernel, constants, targets, y, o, q, s, total)
    return None if found is None else LossSums(*found)
