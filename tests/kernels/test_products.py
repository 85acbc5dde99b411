"""Dense products and inverses of every backend compared with NumPy in float64."""

import numpy as np
import pytest
from support.arrays import DTYPES, normal

from wordsparse.kernels import isa

ON_GPU = ("cuda-emulated", pytest.param("cuda", marks=pytest.mark.gpu))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 5, 64, 301])
# One instruction set suffices: on the CPU, LAPACK computes the inverse.
@pytest.mark.parametrize("kernels", ["numpy", f"compiled {isa.AVAILABLE[0]} 2", *ON_GPU], indirect=True)
def test_inverse(kernels, dtype, d):
    """Invert an indefinite matrix whose diagonal has no pivots, a definite matrix and a singular matrix."""
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


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_nan_spreads_to_its_row_and_column(kernels, bad):
    a, b, m = (normal(shape, "float32", 1) for shape in ((700, 150), (700, 90), (150, 90)))
    spoilt = a.copy()
    spoilt[3, 5] = bad
    assert not np.isfinite(kernels.matmul(spoilt, m)[3]).any()
    assert not np.isfinite(kernels.gram(b, spoilt)[:, 5]).any()


def test_gram_of_more_rows_than_parts_are_kept_for(kernels):
    a, b = normal((40_000, 3), "float32", 1), normal((40_000, 2), "float32", 2)
    np.testing.assert_allclose(kernels.gram(a, b), a.T.astype(np.float64) @ b, atol=0.05)
    np.testing.assert_allclose(kernels.gram(a), a.T.astype(np.float64) @ a, rtol=1e-4, atol=0.05)
