"""Windows of a text against the rows that their means are."""

from typing import Any

import numpy as np
import problems
import pytest
from numpy.typing import NDArray

from wordsparse.inputs import RowInputs, WindowInputs
from wordsparse.kernels import Csr, Kernels
from wordsparse.output import FactoredOutput

Array = NDArray[Any]
TOLERANCE = {"float64": 1e-13, "float32": 4e-6}
COLUMNS = 12


def both(
    kernels: Kernels, dtype: str, n: int = 60, d: int = 5
) -> tuple[WindowInputs, RowInputs, Array, Csr, np.random.Generator]:
    """Windows, the same inputs as rows, C (m, n) dense, one target an example, and more randomness."""
    random = np.random.default_rng(4)
    windows = problems.windows(random, n, COLUMNS, reach=3)
    C = problems.dense_bags(windows)
    features = random.standard_normal((COLUMNS, d)).astype(dtype)
    rows = (C @ features).astype(dtype)
    targets = Csr(np.arange(windows.rows + 1), windows.tokens[windows.centre], COLUMNS)
    return WindowInputs(features, windows, kernels), RowInputs(rows, kernels), C, targets, random


@pytest.mark.parametrize("signs", ["both", "one", "zero"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernels", problems.backends().values(), ids=problems.backends().keys())
@pytest.mark.parametrize("n", [0, 2, 60])
def test_windows_answer_as_their_rows_do(kernels: Kernels, dtype: str, n: int, signs: str) -> None:
    windows, rows, C, targets, random = both(kernels, dtype, n)
    m, tolerance = C.shape[0], TOLERANCE[dtype]
    assert windows.shape == rows.shape == (m, 5)
    H = C @ windows.features
    assert problems.off(windows.rows, H) < tolerance
    M, W_T = random.standard_normal((5, 5)), random.standard_normal((COLUMNS, 5)).astype(dtype)
    gamma, beta = random.standard_normal(m).astype(dtype), random.standard_normal(m)
    # The Z-loss's α has both signs; one that is nowhere negative is treated apart.
    alpha = {"both": random.standard_normal(m), "one": random.random(m), "zero": np.zeros(m)}[signs]
    Gamma = np.zeros((m, COLUMNS))
    Gamma[np.arange(m), targets.indices] = gamma
    for inputs, bags in ((windows, C), (rows, np.eye(m))):
        assert inputs.times(M).dtype == np.dtype(dtype)
        assert problems.off(inputs.times(M), H @ M) < 2 * tolerance
        a = np.einsum("jd,jd->j", H, W_T[targets.indices])
        assert problems.off(inputs.dots(targets, W_T), a, 1.0) < tolerance
        share = windows.windows.share if inputs is windows else np.ones(m)
        assert problems.off(inputs.mass(alpha), alpha * share @ bags, 1.0) < 1e-13
        back = inputs.backward(targets, gamma, W_T, alpha, beta)
        assert back.curvature.dtype == back.b.dtype == back.beta.dtype == np.float64
        np.testing.assert_array_equal(back.curvature, back.curvature.T)
        expected = {
            "curvature": H.T @ (alpha[:, None] * H),
            "b": beta @ H,
            "X": Gamma.T @ H,
            "Z": bags.T @ (2 * alpha[:, None] * H),
            "G": bags.T @ (Gamma @ W_T),
            "beta": beta @ bags,
        }
        for name, array in expected.items():
            assert problems.off(getattr(back, name), array, 1.0) < 10 * tolerance, name


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("loss", ["squared-at-1", "bounded-ns", "taylor", "zloss"])
def test_a_layer_steps_alike_on_windows_and_rows(loss: str, per_example: bool) -> None:
    results = []
    for route in problems.ROUTES:
        for kind in (0, 1):
            random = np.random.default_rng(6)
            start, pi = random.standard_normal((COLUMNS, 5)), problems.measure(random, COLUMNS)
            layer = FactoredOutput(COLUMNS, 5, problems.LOSSES[loss], pi, np.float64, weights=start, threads=2)
            given = both(layer.kernels, "float64")
            inputs, C, one_each = given[kind], given[2], given[3]
            Y = problems.one_target_each(one_each, random.uniform(0.2, 2, C.shape[0]))
            seen = problems.forward(layer, inputs.rows, Y, inputs, per_example=per_example)
            gradient = layer.gradient(seen)
            back = seen.backward
            pulled = back.Z @ layer.factors.Q + back.G + np.outer(back.beta, layer.factors.w_bar)
            with problems.route(route):
                layer.update(seen, 1e-3)
            np.testing.assert_allclose(pulled, (C if kind == 0 else np.eye(C.shape[0])).T @ gradient, atol=1e-11)
            results.append((seen.loss_sum, gradient, layer.weights(), layer.factors.Q))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
