"""The batched minimisation against scipy's, one item at a time, in both of its spaces and both precisions."""

import numpy as np
import pytest
from scipy.optimize import minimize

from wordsparse.unseen import solver


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 5, 40])
def test_minima_are_those_of_each_problem(d: int, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "STEPS", 60)
    random = np.random.default_rng(d)
    sizes = np.array([0, 3, 1, 60, 7, 0, 33, 3])
    rows = random.standard_normal((sizes.sum(), d)).astype(dtype)
    weights, offsets = random.random(sizes.sum()), 3 * random.standard_normal(sizes.sum())
    linear = random.standard_normal((len(sizes), d)).astype(dtype)
    item = np.repeat(np.arange(len(sizes)), sizes)
    diagonal = (0.5 + random.random((len(sizes), d))).astype(dtype)
    found = solver.minimise(rows, weights, offsets, item, linear, diagonal)
    assert found.dtype == dtype
    ends = np.cumsum(sizes)
    for i, (first, last) in enumerate(zip(ends - sizes, ends, strict=True)):

        def cost(v: np.ndarray, i: int = i, part: slice = slice(first, last)) -> float:
            o = rows[part].astype(float) @ v + offsets[part]
            return float(weights[part] @ np.logaddexp(0, -o) + linear[i] @ v + 0.5 * diagonal[i] @ v**2)

        exact = minimize(cost, np.zeros(d), tol=1e-12).x
        np.testing.assert_allclose(found[i], exact, atol=2e-4)


def test_far_outputs_do_not_make_a_step_overshoot() -> None:
    # A Newton step from there would land where σ(−o) is flat, and go back and forth.
    row = np.array([[1.0]])
    for offset in (-50.0, 50.0, 0.0):
        args = row, np.ones(1), np.array([offset]), np.array([0]), np.zeros((1, 1)), np.full((1, 1), 1e-3)
        v = solver.minimise(*args)[0, 0]
        at = [np.logaddexp(0, -(x + offset)) + 0.5e-3 * x**2 for x in (0.0, v)]
        assert np.isfinite(v)
        assert at[1] <= at[0]
