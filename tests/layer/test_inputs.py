"""Windows of a text against the rows that their means are."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import problems

from wordsparse.kernels import CpuKernels, Csr, Kernels
from wordsparse.layer.inputs import WIDE_BAG, RowInputs, WindowInputs
from wordsparse.layer.output import FactoredOutput

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernels", [Kernels(), CpuKernels(1), CpuKernels(2)], ids=["numpy", "cpu-1", "cpu-2"])
@pytest.mark.parametrize("n", [0, 2, 60])
def test_windows_answer_as_their_rows_do(kernels: Kernels, dtype: str, n: int) -> None:
    windows, rows, C, targets, random = both(kernels, dtype, n)
    m, tolerance = C.shape[0], TOLERANCE[dtype]
    H = C @ windows.features
    assert problems.off(windows.rows(), H) < tolerance
    M, W_T = random.standard_normal((5, 5)), random.standard_normal((COLUMNS, 5)).astype(dtype)
    values = random.standard_normal(m)
    for inputs, bags in ((windows, C), (rows, np.eye(m))):
        assert inputs.shape == (m, 5)
        assert inputs.dtype == inputs.times(M).dtype == np.dtype(dtype)
        assert problems.off(inputs.times(M), H @ M) < 2 * tolerance
        a = np.einsum("jd,jd->j", H, W_T[targets.indices])
        assert problems.off(inputs.dots(targets, W_T), a, 1.0) < tolerance
        assert problems.off(inputs.total(inputs.pull(values)), H.T @ values, 1.0) < 10 * tolerance
        q, s, _ = inputs.moments(M @ M.T, M[0])
        assert problems.off(q, np.einsum("jd,jd->j", H @ (M @ M.T), H), 1.0) < 10 * tolerance
        assert problems.off(s, H @ M[0], 1.0) < 2 * tolerance
        assert not inputs.moments(M, None)[1].any()
        assert problems.off(inputs.pull(values), values @ bags, 1.0) < 1e-13
        share = windows.windows.share if inputs is windows else np.ones(m)
        assert problems.off(inputs.mass(values), values * share @ bags, 1.0) < 1e-13
        # Both signs (the Z-loss's α), and those that rows treat apart.
        for weights in (values, random.random(m), np.ones(m), np.zeros(m)):
            gram = inputs.gram(weights)
            assert gram.dtype == np.float64
            np.testing.assert_array_equal(gram, gram.T)
            assert problems.off(gram, H.T @ (weights[:, None] * H), 1.0) < 10 * tolerance


def test_the_words_of_large_bags_count_for_each_other() -> None:
    """So that those that move together, as in baskets with hundreds of items in common, do not overshoot."""
    random = np.random.default_rng(5)
    windows = problems.windows(random, 200, COLUMNS, reach=60)
    size = windows.stop - windows.start - 1
    assert size.min() < WIDE_BAG < size.max()
    values = random.standard_normal(windows.rows)
    mass = WindowInputs(np.ones((COLUMNS, 1)), windows, Kernels()).mass(values)
    expected = (values / size * np.maximum(1, size - WIDE_BAG + 1)) @ problems.dense_bags(windows)
    assert problems.off(mass, expected, 1.0) < 1e-13


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("loss", ["squared-at-1", "bounded-ns", "taylor", "zloss"])
def test_a_layer_steps_alike_on_windows_and_rows(loss: str, per_example: bool) -> None:
    results = []
    for route in problems.ROUTES:
        for kind in (0, 1):
            random = np.random.default_rng(6)
            start, pi = random.standard_normal((COLUMNS, 5)), problems.measure(random, COLUMNS)
            layer = FactoredOutput(COLUMNS, 5, problems.LOSSES[loss], pi, np.float64, weights=start, threads=2)
            given = both(layer.core.kernels, "float64")
            inputs, C, one_each = given[kind], given[2], given[3]
            C = C if kind == 0 else np.eye(C.shape[0])
            Y = problems.one_target_each(one_each, random.uniform(0.2, 2, C.shape[0]))
            seen = problems.forward(layer, inputs.rows(), Y, inputs, per_example=per_example)
            H, alpha = inputs.rows(), seen.terms.alpha[:, None]
            Gamma = problems.one_target_each(seen.targets.csr, seen.terms.gamma).toarray()
            sums, f = problems.sums_of(seen), layer.core.factors
            gradient, loss_sum = sums.gradient(), layer.core.loss_sum(sums)
            Z, G = sums.Z(), sums.G()
            for found, expected in (
                (sums.curvature(), H.T @ (alpha * H)),
                (problems.sums_of(seen).X(), Gamma.T @ H),
                (Z, C.T @ (2 * alpha * H)),
                (G, C.T @ Gamma @ (layer.weights() * np.sqrt(pi / pi.sum())[:, None])[seen.targets.rows]),
                # The gradient of the features is Cᵀ ∇H.
                (Z @ f.Q + G + np.outer(sums.pulled_beta(), f.w_bar), C.T @ gradient),
            ):
                assert problems.off(found, expected, 1.0) < 1e-11
            with problems.route(route):
                layer.core.apply(layer.core.update(sums, 1e-3))
            results.append((loss_sum, gradient, layer.weights(), layer.core.factors.Q))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
