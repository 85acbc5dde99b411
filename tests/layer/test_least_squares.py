"""Recursive least squares on a layer against the closed form, and what it refuses."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray
from support import problems

import wordsparse as ws
from wordsparse.errors import InputError, TrainingError
from wordsparse.layer import losses

Array = NDArray[Any]
D, d = 60, 8
TOLERANCE = {"float32": 1e-5, "float64": 1e-11}


def regression(seed: int, n: int, dtype: str, condition: float = 1.0) -> tuple[Array, sp.csr_array]:
    """Inputs whose singular values spread over ``condition``, along no axis; real-valued targets."""
    random = np.random.default_rng(seed)
    rotation = np.linalg.qr(random.standard_normal((d, d)))[0]
    H = (random.standard_normal((n, d)) * np.geomspace(1, 1 / condition, d)) @ rotation
    Y = problems.targets(random, n, D, 3)
    Y.data -= 1
    return H.astype(dtype), Y.astype(dtype)


def closed_form(H: Array, Y: Any, ridge: float, W: Array | None = None) -> Array:
    H = H.astype(np.float64)
    right = Y.astype(np.float64).T @ H + (0 if W is None else ridge * W)
    return np.asarray(np.linalg.solve(H.T @ H + ridge * np.eye(d), right.T).T)


def minibatches(n: int, sizes: tuple[int, ...]) -> list[slice]:
    """Slices of the given sizes, over and over, until n rows are passed."""
    found, at = [], 0
    while at < n:
        size = sizes[len(found) % len(sizes)]
        found.append(slice(at, at + size))
        at += size
    return found


@pytest.mark.parametrize("sizes", [(1,), (7,), (300,), (1, 40, 3)])
@pytest.mark.parametrize(("ridge", "condition"), [(1.0, 1.0), (1e-4, 1.0), (1e-3, 30.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_minibatches_give_the_closed_form(
    dtype: str, ridge: float, condition: float, sizes: tuple[int, ...]
) -> None:
    """In float32 the product H C⁻¹ was rounded before its terms cancelled: minibatches of 1 were off by 3e-4 at ridge
    1e-3, and by all of W at 1e-6."""
    H, Y = regression(1, 300, dtype, condition)
    layer = ws.FactoredOutput(D, d, "squared", dtype=dtype, threads=1)
    fit = ws.RecursiveLeastSquares(layer, ridge)
    for rows in minibatches(300, sizes):
        fit.step(H[rows], Y[rows])
    expected = closed_form(H, Y, ridge)
    assert np.linalg.norm(layer.weights() - expected) < 10 * TOLERANCE[dtype] * np.linalg.norm(expected)
    np.testing.assert_allclose(fit.moment, H.astype(np.float64).T @ H + ridge * np.eye(d), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 7])
def test_a_ridge_far_below_the_inputs_is_not_taken_for_a_singular_step(dtype: str, m: int) -> None:
    """A = C C'⁻¹ takes W's first directions away all but wholly, which a gradient step may not."""
    H, Y = regression(2, 100, dtype)
    layer = ws.FactoredOutput(D, d, "squared", dtype=dtype, threads=1)
    fit = ws.RecursiveLeastSquares(layer, ridge=1e-9)
    for rows in minibatches(100, (m,)):
        fit.step(H[rows], Y[rows])
    expected = closed_form(H, Y, 1e-9)
    assert np.linalg.norm(layer.weights() - expected) < 1e-4 * np.linalg.norm(expected)


def test_losses_and_gradients_are_those_before_the_step() -> None:
    H, Y = regression(3, 40, "float64")
    layer = ws.FactoredOutput(D, d, "squared", dtype=np.float64, threads=1)
    fit = ws.RecursiveLeastSquares(layer)
    fit.step(H, Y)
    expected = layer.loss_and_grad(H, Y)
    for found, x in zip(fit.step(H, Y), expected, strict=True):
        np.testing.assert_allclose(found, x, rtol=1e-12)


def test_it_pulls_towards_the_weights_that_the_layer_had_and_weighs_by_the_measure() -> None:
    H, Y = regression(4, 90, "float64")
    random = np.random.default_rng(4)
    start, pi = random.standard_normal((D, d)), problems.measure(random, D)
    root = np.sqrt(pi / pi.sum())[:, None]
    layer = ws.FactoredOutput(D, d, "squared", pi, np.float64, weights=start, threads=1)
    fit = ws.RecursiveLeastSquares(layer, ridge=0.5)
    for rows in minibatches(90, (13,)):
        fit.step(H[rows], Y[rows])
    # Σ π_i o_i² − 2 Σ y_i o_i in terms of √π W: the targets are y_i / √π_i.
    expected = closed_form(H, Y @ sp.diags_array(1 / root[:, 0]), 0.5, root * start) / root
    assert problems.off(layer.weights(), expected) < 1e-9


def test_target_values_weigh_examples() -> None:
    H, Y = regression(5, 80, "float64")
    Y.data = np.abs(Y.data) + 0.1
    layer = ws.FactoredOutput(D, d, losses.Squared(2.0), dtype=np.float64, threads=1)
    fit = ws.RecursiveLeastSquares(layer, ridge=0.5)
    for rows in minibatches(80, (9,)):
        fit.step(H[rows], Y[rows])
    weights = np.asarray(Y.sum(1))
    expected = (2 * Y.T @ H) @ np.linalg.inv(H.T @ (weights[:, None] * H) + 0.5 * np.eye(d))
    assert problems.off(layer.weights(), expected) < 1e-10


def test_copies_go_on_as_the_original() -> None:
    H, Y = regression(6, 60, "float32")
    fit = ws.RecursiveLeastSquares(ws.FactoredOutput(D, d, threads=1))
    fit.step(H[:30], Y[:30])
    for copied in (copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        copied.step(H[30:], Y[30:])
        assert copied.layer is not fit.layer
        assert problems.off(copied.layer.weights(), closed_form(H, Y, 1.0)) < TOLERANCE["float32"]


def test_an_empty_minibatch_changes_nothing() -> None:
    layer = ws.FactoredOutput(D, d, threads=1)
    fit = ws.RecursiveLeastSquares(layer)
    before = problems.state(layer)
    found, gradient = fit.step(np.empty((0, d)), sp.csr_array((0, D)))
    assert (found.shape, gradient.shape) == ((0,), (0, d))
    assert problems.state(layer) == before


@pytest.mark.parametrize(
    ("layer", "ridge", "message"),
    [
        (ws.FactoredOutput(5, 2, "taylor"), 1.0, "recursive least squares needs the loss squared, not taylor"),
        (ws.FactoredOutput(5, 2), 0.0, "ridge must be positive"),
        (ws.FactoredOutput(5, 2), -1.0, "ridge must be a finite number of at least 0, not -1"),
        (ws.FactoredOutput(5, 2), float("nan"), "ridge must be a finite number"),
        (np.eye(2), 1.0, r"layer must be a wordsparse.FactoredOutput, not ndarray"),
    ],
)
def test_arguments_that_cannot_be_are_refused(layer: Any, ridge: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.RecursiveLeastSquares(layer, ridge)


def test_a_refused_minibatch_changes_nothing() -> None:
    H, Y = regression(7, 40, "float64")
    layer = ws.FactoredOutput(D, d, dtype=np.float64, threads=1)
    fit = ws.RecursiveLeastSquares(layer, ridge=1e-13)
    fit.step(H, Y)
    before, moment = problems.state(layer), fit.moment.copy()
    with pytest.raises(
        TrainingError, match=r"the ridge 1e-13 is too small: .* has condition number .* raise the ridge"
    ):
        fit.step(1e8 * np.eye(1, d), Y[:1])
    with pytest.raises(InputError, match=r"H must have shape \(any, 8\)"):
        fit.step(H[:, :3], Y)
    negative = sp.csr_array(-np.eye(1, D))
    weighted = ws.RecursiveLeastSquares(ws.FactoredOutput(D, d, losses.Squared(1.0)))
    with pytest.raises(InputError, match="Y holds a negative weight"):
        weighted.step(np.ones((1, d)), negative)
    assert problems.state(layer) == before
    np.testing.assert_array_equal(fit.moment, moment)
