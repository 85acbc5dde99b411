"""Tens of thousands of second-order steps, without autograd, which would take most of the time.

Errors that accumulate in W, Q or the squared gradients of rows become visible after a few thousand steps.
"""

import numpy as np
import pytest

from wordsparse.layer.output import FactoredOutput
from wordsparse.torch.engine import Gradients, StepOptions
from wordsparse.torch.exact import ExactEngine

D, d, BATCH, STEPS = 50, 8, 4, 30_000


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("loss", "data", "inputs_are"),
    [
        ("squared", "learnable", "tied"),  # Q drifts fastest in regression with tied rows
        ("bounded-ns", "noise", "tied"),  # if tied rows never settled, the loss would rise
        ("zloss", "noise", "tied"),  # without rescaling, W would grow without limit
        ("zloss", "learnable", "own"),  # second derivatives may be negative
        ("taylor", "noise", "own"),  # noise shrinks inputs that are not normalised
        ("spherical", "learnable", "own"),  # the loss is even in o, so weights must not start at 0
    ],
)
def test_long_runs_stay_finite(loss: str, data: str, inputs_are: str) -> None:
    random, tied = np.random.default_rng(0), inputs_are == "tied"
    table = random.standard_normal((D, d))
    start = 0.1 * random.standard_normal((D, d)) if tied else None  # from inputs of 0, nothing would be learnt
    engine = ExactEngine(FactoredOutput(D, d, loss, weights=start, threads=1), bias=False)
    step, rows, ones = StepOptions(1.0, second_order=True), np.arange(BATCH), np.ones(BATCH, np.float32)
    means = np.zeros(STEPS)
    for t in range(STEPS):
        ids, collected = random.integers(0, D, BATCH), Gradients()
        targets = (7 * ids + 3) % D if data == "learnable" else random.integers(0, D, BATCH)
        inputs, version = engine.rows(ids) if tied else (table[ids], engine.version)
        size = np.linalg.norm(inputs, axis=1, keepdims=True) / np.sqrt(d) if tied else 1.0
        h = np.roll(inputs / size, 1, 1)
        forward = engine.forward(engine.minibatch(h, rows, targets, ones))
        gradient = engine.gradient(forward, np.full(BATCH, 1 / BATCH), version, collected).astype(float)
        if tied:  # backpropagate through the normalisation of h
            gradient = (gradient - h * (h * gradient).mean(1, keepdims=True)) / size
            engine.collect_rows(ids, np.roll(gradient, -1, 1), version, collected)
        else:
            np.add.at(table, ids, -0.003 * np.sign(np.roll(gradient, -1, 1)))  # the steps are as large as Adam's
        engine.apply(collected, step)
        means[t] = forward.losses.mean()
    assert np.isfinite(means).all()
    assert np.isfinite(engine.output.weights()).all()
    # After all steps, Q still equals WᵀW.
    core, W = engine.output.core, engine.output.weights().astype(np.float64)
    np.testing.assert_allclose(core.factors.Q, W.T @ W, atol=1e-3 * np.abs(core.factors.Q).max())
    assert means[-1000:].mean() < (1.05 if data == "noise" else 0.97) * means[0]
