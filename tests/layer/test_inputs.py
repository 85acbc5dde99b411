"""Windows of a text as inputs, compared with explicit rows that hold the means of the windows."""

import weakref

import numpy as np
import pytest
from support import problems

from wordsparse.kernels import Kernels
from wordsparse.layer.inputs import WIDE_BAG, RowInputs, WindowInputs
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.sums import pull_back

TOLERANCE = {"float64": 1e-11, "float32": 4e-5}
COLUMNS = 12


def test_the_words_of_large_bags_count_for_each_other():
    """Words that share many bags, such as the items of huge baskets, move together and must not overshoot."""
    random = np.random.default_rng(5)
    windows = problems.windows(random, 200, COLUMNS, reach=60)
    size = windows.stop - windows.start - 1
    assert size.min() < WIDE_BAG < size.max()
    values = random.standard_normal(windows.rows)
    mass = WindowInputs(np.ones((COLUMNS, 1)), windows, Kernels()).pull(values, values)[1]
    expected = (values / size * np.maximum(1, size - WIDE_BAG + 1)) @ problems.dense_bags(windows)
    assert problems.off(mass, expected, 1.0) < 1e-13


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 2, 60])
@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("loss", ["squared-at-1", "bounded-ns", "taylor", "zloss"])
def test_a_layer_steps_alike_on_windows_and_rows(loss, per_example, n, dtype):
    results, tolerance = [], TOLERANCE[dtype]
    for route in problems.ROUTES:
        for is_rows in (False, True):
            random = np.random.default_rng(6)
            start, pi = random.standard_normal((COLUMNS, 5)), problems.measure(random, COLUMNS)
            layer = FactoredOutput(COLUMNS, 5, problems.LOSSES[loss], pi, dtype, weights=start, threads=2)
            windows = problems.windows(random, n, COLUMNS, reach=3)
            C, kernels = problems.dense_bags(windows), layer.core.kernels
            given = WindowInputs(random.standard_normal((COLUMNS, 5)).astype(dtype), windows, kernels)
            if is_rows:
                given, C = RowInputs((C @ given.features).astype(dtype), kernels), np.eye(windows.rows)
            Y = problems.one_target_each(problems.one_each(windows), random.uniform(0.2, 2, windows.rows))
            seen = problems.forward(layer, given.rows(), Y, given, per_example=per_example)
            H, alpha = given.rows(), seen.terms.alpha[:, None]
            Gamma = problems.one_target_each(seen.targets.csr, seen.terms.gamma).toarray()
            sums, f = pull_back(seen), layer.core.factors
            gradient, loss_sum = sums.gradient(), layer.core.loss_sum(sums)
            Z, G, weights = sums.Z(), sums.G(), random.standard_normal(windows.rows)
            share = np.ones(windows.rows) if is_rows else windows.share
            for found, expected in (
                (given.pull(weights, weights)[1], (share * weights) @ C),
                (given.gram(weights), H.T @ (weights[:, None] * H)),
                (sums.curvature(), H.T @ (alpha * H)),
                (pull_back(seen).X(), Gamma.T @ H),
                (Z, C.T @ (2 * alpha * H)),
                (G, C.T @ Gamma @ (layer.weights() * np.sqrt(pi / pi.sum())[:, None])[seen.targets.rows]),
                # The gradient of the features is Cᵀ ∇H.
                (Z @ f.Q + G + np.outer(sums.pulled_beta(), f.w_bar), C.T @ gradient),
            ):
                assert problems.off(found, expected, 1.0) < tolerance
            # If an array stayed alive after its last use in the update, the peak memory would grow by u × d numbers.
            again = pull_back(seen)
            assert [weakref.ref(array.take())() for array in (again.X, again.Z, again.G)] == [None] * 3
            with problems.route(route):
                layer.core.apply(layer.core.update(sums, 1e-3))
            results.append((loss_sum, gradient, layer.weights(), layer.core.factors.Q))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
