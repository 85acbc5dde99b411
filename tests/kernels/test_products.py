"""Dense products and inverses of every backend against NumPy in float64."""

import numpy as np
import pytest
from support.arrays import DTYPES, normal

from wordsparse.kernels import CpuKernels, Kernels, isa

ON_GPU = ("cuda-emulated", pytest.param("cuda", marks=pytest.mark.gpu))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 5, 64, 301])
@pytest.mark.parametrize("kernels", ["numpy", "blas any 2", *ON_GPU], indirect=True)  # the CPU's is LAPACK's
def test_inverse(kernels: Kernels, dtype: str, d: int) -> None:
    """Of a matrix of both signs whose diagonal has no pivots, of a definite one, and of one that has no inverse."""
    general = np.roll(normal((d, d), "float64", 1) / np.sqrt(4 * d) + np.eye(d), 1, axis=0).astype(dtype)
    rows = normal((2 * d, d), "float64", 2)
    for matrix in (general, (rows.T @ rows / d + np.eye(d)).astype(dtype)):
        before = matrix.copy()
        inverse = kernels.inverse(matrix)
        np.testing.assert_array_equal(matrix, before)
        assert inverse.dtype == dtype
        assert inverse.flags.c_contiguous
        exact = np.linalg.inv(matrix.astype(np.float64))
        limit = 8 * d * np.finfo(dtype).eps * np.abs(exact).max() * np.linalg.norm(matrix, 2)
        np.testing.assert_allclose(inverse, exact, rtol=0, atol=limit)
    assert not np.isfinite(kernels.inverse(np.zeros((d, d), dtype))).any()
    matrix[:, 0] = np.nan
    assert not np.isfinite(kernels.inverse(matrix)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "d"),
    [(0, 3), (3, 0), (1, 1), (7, 5), (112, 32), (113, 33), (1000, 37), (9999, 17), (300, 319), (300, 320), (3, 700)],
)
def test_rows_are_transformed_in_float64(kernels: Kernels, dtype: str, n: int, d: int) -> None:
    a, m, last = normal((n, d), dtype, 1), normal((d + 1, d), "float64", 2), normal((n,), "float64", 3)
    for given, exact in ((None, a.astype(np.float64) @ m[:d]), (last, np.column_stack([a, last]) @ m)):
        found = a.copy()
        kernels.transform(found, m[:d] if given is None else m, given)
        # Rounded once.
        np.testing.assert_allclose(found, exact, rtol=np.finfo(dtype).eps, atol=1e-13 * d)


@pytest.mark.parametrize("name", isa.AVAILABLE)
def test_own_products_round_no_more_than_blas(name: str) -> None:
    """Numbers of very different size, so that parts that were lost or swapped would show."""
    n, k, d = 700, 150, 90
    own, blas = CpuKernels(1, isa=name, own_products=True), CpuKernels(1, own_products=False)
    random = np.random.default_rng(0)
    a, b, m = (
        random.lognormal(0, 3, shape).astype("f4") * normal(shape, "f4", 1) for shape in ((n, k), (n, d), (k, d))
    )
    for of, exact, terms in (
        (lambda kernels: kernels.matmul(a, m), a.astype("f8") @ m, abs(a).astype("f8") @ abs(m)),
        (lambda kernels: kernels.gram(a, b), a.T.astype("f8") @ b, abs(a.T).astype("f8") @ abs(b)),
    ):
        worst = {kernels: float(np.max(abs(of(kernels) - exact) / terms)) for kernels in (own, blas)}
        assert worst[own] <= max(2 * worst[blas], 2e-7)
    # A value that is not finite is not accepted as a number.
    for bad in (np.inf, np.nan):
        spoilt = a.copy()
        spoilt[3, 5] = bad
        assert not np.isfinite(own.matmul(spoilt, m)[3]).any()
        assert not np.isfinite(own.gram(b, spoilt)[:, 5]).any()


def test_gram_of_more_rows_than_parts_are_kept_for(kernels: Kernels) -> None:
    a, b = normal((40_000, 3), "float32", 1), normal((40_000, 2), "float32", 2)
    np.testing.assert_allclose(kernels.gram(a, b), a.T.astype(np.float64) @ b, atol=0.05)
    np.testing.assert_allclose(kernels.gram(a), a.T.astype(np.float64) @ a, rtol=1e-4, atol=0.05)
