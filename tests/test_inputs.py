"""Bags of features against the rows that they add up to."""

from typing import Any

import numpy as np
import problems
import pytest
from numpy.typing import NDArray

from wordsparse.inputs import BagInputs, RowInputs
from wordsparse.kernels import Csr, Kernels
from wordsparse.output import FactoredOutput

Array = NDArray[Any]
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


def bags(kernels: Kernels, dtype: str, m: int = 30, n: int = 12, d: int = 5) -> tuple[BagInputs, RowInputs, Array]:
    """Bag inputs, the same as rows, and C (m, n) dense; empty bags and repeated features included."""
    random = np.random.default_rng(4)
    C = problems.targets(random, m, n, 6)
    features = random.standard_normal((n, d)).astype(dtype)
    bag = Csr(C.indptr.astype(np.int64), C.indices.astype(np.int32), n)
    rows = (C.toarray() @ features).astype(dtype)
    return BagInputs(features, bag, C.data.astype(dtype), kernels), RowInputs(rows, kernels), C.toarray()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernels", problems.backends().values(), ids=problems.backends().keys())
@pytest.mark.parametrize("m", [0, 1, 30])
def test_bags_answer_as_their_rows_do(kernels: Kernels, dtype: str, m: int) -> None:
    bag, rows, C = bags(kernels, dtype, m)
    random = np.random.default_rng(5)
    tolerance = TOLERANCE[dtype]
    assert problems.off(bag.rows, rows.rows) < tolerance
    M = random.standard_normal((5, 5))
    assert bag.times(M).dtype == rows.times(M).dtype == np.dtype(dtype)
    assert problems.off(bag.times(M), rows.rows @ M) < tolerance
    assert problems.off(rows.times(M), rows.rows @ M) < tolerance
    # Both signs (the Z-loss's α), and the non-negative ones that rows treat apart.
    for weights in (random.standard_normal(m), random.random(m), np.zeros(m)):
        gram = rows.rows.T.astype(np.float64) @ (weights[:, None] * rows.rows)
        for inputs in (bag, rows):
            found = inputs.gram(weights)
            assert found.dtype == np.float64
            np.testing.assert_array_equal(found, found.T)
            assert problems.off(found, gram, 1.0) < 10 * tolerance
        assert problems.off(rows.pull_scaled(weights), weights[:, None] * rows.rows) < tolerance
        assert problems.off(bag.pull_scaled(weights), C.T @ (weights[:, None] * rows.rows), 1.0) < 10 * tolerance
    Z = random.standard_normal((m, 5)).astype(dtype)
    assert problems.off(bag.pull(Z), C.T @ Z, 1.0) < 10 * tolerance
    np.testing.assert_array_equal(rows.pull(Z), Z)


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("loss", ["squared-at-1", "bounded-ns", "taylor", "zloss"])
def test_a_layer_steps_alike_on_bags_and_rows(loss: str, per_example: bool) -> None:
    random = np.random.default_rng(6)
    start, pi, Y = random.standard_normal((40, 5)), problems.measure(random, 40), problems.targets(random, 30, 40, 4)
    results = []
    for route in problems.ROUTES:
        for kind in (0, 1):
            layer = FactoredOutput(40, 5, problems.LOSSES[loss], pi, np.float64, weights=start, threads=2)
            inputs = bags(layer.kernels, "float64")[kind]
            seen = problems.forward(layer, inputs.rows, Y, inputs, per_example=per_example)
            gradient = seen.gradient
            with problems.route(route):
                layer.update(seen, 1e-3)
            results.append((seen.loss_sum, gradient, layer.weights(), layer.factors.Q))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_features_of_rows_are_the_rows() -> None:
    _, rows, _ = bags(problems.backends()["numpy"], "float64")
    assert rows.features is rows.rows
