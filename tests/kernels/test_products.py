"""Dense products and inverses of every backend against NumPy in float64."""

import numpy as np
import pytest
from support.arrays import DTYPES, close, normal

from wordsparse.kernels import CpuKernels, Kernels, isa
from wordsparse.kernels.pool import ArrayPool

ON_GPU = ("cuda-emulated", pytest.param("cuda", marks=pytest.mark.gpu))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "k", "d"),
    # Blocks of 96, 112, 448 and 512 rows, tiles of 6 and 14 rows and of 2 vectors, 320 terms of a sum in registers:
    # filled, begun, and crossed by one.
    [
        (0, 3, 4),
        (1, 1, 1),
        (7, 3, 5),
        (511, 9, 9),
        (1024, 37, 37),
        (9999, 17, 33),
        (128, 64, 32),
        (129, 65, 48),
        (161, 97, 49),
        (400, 300, 301),
        (449, 14, 17),
        (193, 641, 15),
        (576, 320, 43),
    ],
)
def test_products(kernels: Kernels, dtype: str, n: int, k: int, d: int) -> None:
    a, b, m = normal((n, k), dtype, 1), normal((n, d), dtype, 2), normal((k, d), "float64", 3)
    expected = a.astype(np.float64) @ m
    found = kernels.matmul(a, m)
    assert found.dtype == dtype
    close(found, expected, dtype, k)
    out = np.ones((n, d), dtype)
    assert kernels.matmul(a, m, out) is out
    close(out, expected + 1, dtype, k)
    close(kernels.matmul(a, m.astype("f4")), a.astype(np.float64) @ m.astype("f4"), dtype, k)
    rows, last = np.random.default_rng(6).permutation(n)[: n // 2], normal((n // 2,), dtype, 7)
    close(kernels.matmul_rows(a, rows, m), a[rows].astype(np.float64) @ m, dtype, k)
    above = np.column_stack([a[rows], last]).astype(np.float64)
    close(kernels.matmul_rows(a, rows, np.vstack([m, m[:1]]), last), above @ np.vstack([m, m[:1]]), dtype, k + 1)
    # A transposed view is a matrix as good as any other.
    close(kernels.matmul(a, np.asfortranarray(m)), expected, dtype, k)
    close(kernels.matmul(a, np.asfortranarray(m), out), 2 * expected + 1, dtype, k)

    for found, expected, terms in (
        (kernels.gram(a, b), a.T.astype(np.float64) @ b, n),
        # On its diagonal no terms cancel: a BLAS that adds them one after the other rounds more.
        (kernels.gram(a), a.T.astype(np.float64) @ a, 2 * n),
    ):
        assert found.dtype == np.float64
        close(found, expected, dtype, terms)
    scaled = a * a[:, :1]
    found = kernels.gram(a, scaled, symmetric=True)
    assert (found == found.T).all()
    close(found, a.T.astype(np.float64) @ scaled, dtype, 3 * n)
    base, product = normal((k, d), "float64", 5), a.T.astype(np.float64) @ b
    close(kernels.plus_gram(base, a, b), base + product, dtype, n)
    close(kernels.plus_gram(base, a, b, 0.5, -0.25), base / 2 - product / 4, dtype, n)
    base, product = normal((k, k), "float64", 5), a.T.astype(np.float64) @ (a + 1)
    base = base + base.T
    found = kernels.plus_gram(base, a, a + 1, 0.5, -0.25, symmetric=True)
    assert found.dtype == np.float64
    close(found, base / 2 - (product + product.T) / 4, dtype, n)
    np.testing.assert_array_equal(found, found.T)
    # In an array of a pool, whose rows stand apart, and close together; the result is where a was.
    square = normal((k, k), "float64", 10)
    for place in (ArrayPool().rows(n, k, dtype), np.empty((n, k), dtype)):
        place[:] = a
        assert kernels.matmul_in_place(place, square) is place
        close(place, a.astype(np.float64) @ square, dtype, k)
    larger, chosen = normal((2 * n + 1, k), dtype, 8), np.random.default_rng(9).permutation(2 * n + 1)[:n]
    before, after = larger.astype(np.float64), larger.astype(np.float64)
    after[chosen] += a
    found = kernels.gram_change(larger, chosen, a)
    assert found.dtype == np.float64
    close(found, after.T @ after - before.T @ before, dtype, 4 * n)
    np.testing.assert_array_equal(found, found.T)
    weights = np.random.default_rng(4).random(n)
    found = kernels.weighted_gram(a, weights)
    close(found, a.T.astype(np.float64) @ (weights[:, None] * a), dtype, n)
    for symmetric in (found, kernels.gram(a)):
        np.testing.assert_array_equal(symmetric, symmetric.T)
    # Rows may stand further apart than their length.
    close(kernels.matmul(a[:, :-1], m[:-1], np.ones((n, d + 2), dtype)[:, 1:-1]), a[:, :-1] @ m[:-1] + 1, dtype, k)
    close(kernels.gram(a[:, 1:], b[:, 1:]), a[:, 1:].T.astype(np.float64) @ b[:, 1:], dtype, n)

    found = kernels.column_sums(a, weights)
    assert found.dtype == np.float64
    close(found, a.T.astype(np.float64) @ weights, dtype, n if dtype == "float64" else 64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 5, 64, 301])
@pytest.mark.parametrize("kernels", ["numpy", "default any 1", *ON_GPU], indirect=True)  # the CPU's is LAPACK's
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
