"""Every backend against plain loops and SciPy, the compiled one also for any number of threads."""

from functools import cache

import numpy as np
import pytest
from support import problems
from support.arrays import DTYPES, Array, close, normal, structure
from support.block_kernels import InBlocks

from wordsparse.kernels import CpuKernels, Csr, Kernels, Windows, _windows, cpu, isa
from wordsparse.kernels.cpu import PARALLEL_WORK
from wordsparse.kernels.pool import ArrayPool
from wordsparse.layer.losses import BoundedNS

# Rows, columns, d, entries: empty in each way, awkward sizes, blocks of 64 and 512 rows and of 1,024 columns
# crossed, enough work for more than one thread, and rows of thousands of entries.
SHAPES = [
    (0, 3, 4, 0),
    (3, 0, 4, 0),
    (3, 2, 1, 0),
    (1, 1, 1, 1),
    (7, 5, 37, 20),
    (65, 130, 252, 1500),
    (700, 300, 33, 9000),
    (5, 9, 1030, 60),
    (4, 70, 3, 3001),
    (2, 1500, 252, 2000),
]


def dense(csr: Csr, values: Array) -> Array:
    """The matrix, repeated entries added up."""
    out = np.zeros((csr.rows, csr.columns))
    values = values if csr.order is None else values[csr.order]
    np.add.at(out, (csr.row_of_entry, csr.indices), values)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns", "d", "entries"), SHAPES)
def test_sparse_kernels(kernels: Kernels, dtype: str, rows: int, columns: int, d: int, entries: int) -> None:
    csr = structure(rows, columns, entries)
    values, left, right = normal((entries,), dtype, 1), normal((rows, d), dtype, 2), normal((columns, d), dtype, 3)
    matrix = dense(csr, values)

    found = kernels.combine(csr, values, right)
    assert found.dtype == dtype
    close(found, matrix @ right.astype(np.float64), dtype, entries)

    scale = normal((rows,), dtype, 4)
    based = kernels.combine(csr, values, right, left, scale)
    close(based, found + scale[:, None] * left.astype(np.float64), dtype, entries)

    factors = normal((columns,), dtype, 5)
    np.testing.assert_array_equal(kernels.scale_columns(csr, values, factors), values * factors[csr.indices])

    dots = kernels.pair_dots(csr, left, right)
    assert dots.dtype == dtype
    close(dots, (left.astype(np.float64) @ right.astype(np.float64).T)[csr.row_of_entry, csr.indices], dtype, d)

    transposed = kernels.transpose(csr)
    assert (transposed.rows, transposed.columns, transposed.entries) == (columns, rows, entries)
    np.testing.assert_array_equal(dense(transposed, values), matrix.T)
    # In the original order within a row, so that sums are too.
    for c in range(columns):
        assert (np.diff(transposed.order[transposed.indptr[c] : transposed.indptr[c + 1]]) > 0).all()
    close(kernels.combine(transposed, values, left), matrix.T @ left.astype(np.float64), dtype, entries)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns", "d", "entries"), [(700, 300, 33, 9000), (65, 130, 252, 1500)])
def test_blocks_are_the_same_bytes_on_any_threads(
    monkeypatch: pytest.MonkeyPatch, dtype: str, rows: int, columns: int, d: int, entries: int
) -> None:
    monkeypatch.setattr(cpu, "PARALLEL_WORK", 0)
    csr = structure(rows, columns, entries)
    values, left, right = normal((entries,), dtype, 1), normal((rows, d), dtype, 2), normal((columns, d), dtype, 3)
    transposed = CpuKernels(1).transpose(csr)

    def found(threads: int) -> list[Array]:
        kernels = InBlocks(threads)
        dots = kernels.pair_dots(csr, left, right)
        return [kernels.combine(csr, values, right), kernels.combine(transposed, values, left), dots]

    for threads in (2, 5, 13):
        for one, other in zip(found(1), found(threads), strict=True):
            np.testing.assert_array_equal(one, other)


# Places, columns, d, reach: nothing at all, one column only, blocks of 2048 places and strips of 2 and 6 cache lines
# crossed and met, long windows, enough work for more than one thread, and two tiles of the GPU's columns.
WINDOWS = [
    (0, 3, 4, 2),
    (2, 2, 1, 1),
    (40, 1, 70, 2),
    (64, 7, 32, 5),
    (65, 9, 33, 1),
    (300, 20, 37, 5),
    (500, 3, 5, 255),
    (3000, 90, 100, 5),
    (700, 40, 96, 4),
    (2048, 50, 7, 3),
    (17000, 60, 130, 7),
    (150, 7, 530, 5),
]


@cache
def windows_of(n: int, columns: int, reach: int) -> tuple[Windows, Array]:
    """Windows, and their bags as a matrix."""
    windows = problems.windows(np.random.default_rng(7), n, columns, reach)
    return windows, problems.dense_bags(windows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "columns", "d", "reach"), WINDOWS)
def test_window_kernels(kernels: Kernels, dtype: str, n: int, columns: int, d: int, reach: int) -> None:
    windows, C = windows_of(n, columns, reach)
    m = windows.rows
    csr = windows.csr()
    np.testing.assert_allclose(dense(csr, np.repeat(windows.share, np.diff(csr.indptr))), C, atol=1e-14)
    targets = np.random.default_rng(8).integers(0, columns + 1, m).astype(np.int32)  # one output is no feature
    F, W = normal((columns, d), dtype, 9), normal((columns + 1, d), dtype, 10)
    zeta, gamma = normal((m,), dtype, 11), normal((m,), dtype, 12)
    H = C @ F.astype(np.float64)

    def near(found: Array, expected: Array, terms: int) -> None:
        assert found.dtype == dtype
        close(found, expected, dtype, terms + 2 * reach + 64)

    near(kernels.window_means(windows, F), H, 0)
    near(kernels.window_dots(windows, F, targets, W), np.einsum("jd,jd->j", H, W[targets]), d)
    X, Z, G = kernels.window_pull(windows, F, targets, W, zeta, gamma)
    expected = np.zeros(W.shape)
    np.add.at(expected, targets, gamma[:, None] * H)
    near(X, expected, m)
    near(Z, C.T @ (zeta[:, None] * H), m)
    near(G, C.T @ (gamma[:, None] * W[targets].astype(np.float64)), m)
    np.testing.assert_allclose(kernels.window_sums(windows, zeta), zeta @ C, rtol=0, atol=1e-12 * (m + 1))
    sums = kernels.window_sums(windows, zeta, squared=True)
    np.testing.assert_allclose(sums, windows.share * zeta @ C, rtol=0, atol=1e-12 * (m + 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [3, 20, 101])
def test_what_stands_behind_a_row_does_not_count(d: int, dtype: str) -> None:
    kernels, windows = CpuKernels(1), problems.windows(np.random.default_rng(7), 200, 6, 3)
    values = normal((6, d), dtype, 9)
    F = ArrayPool().rows(6, d, dtype, on_lines=True)
    np.lib.stride_tricks.as_strided(F, (6, F.strides[0] // F.itemsize), F.strides)[:] = np.nan
    F[:] = values
    targets, ones = windows.tokens[windows.centre], np.ones(windows.rows, dtype)
    for found, expected in [
        (kernels.window_means(windows, F), kernels.window_means(windows, values)),
        (kernels.window_dots(windows, F, targets, F), kernels.window_dots(windows, values, targets, values)),
        *zip(
            kernels.window_pull(windows, F, targets, F, ones, ones),
            kernels.window_pull(windows, values, targets, values, ones, ones),
            strict=True,
        ),
    ]:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns", "d", "entries"), SHAPES)
def test_row_kernels(kernels: Kernels, dtype: str, rows: int, columns: int, d: int, entries: int) -> None:
    matrix = normal((columns + rows, d), dtype, 4)
    chosen = np.random.default_rng(5).permutation(columns + rows)[:rows].astype(np.int64)
    np.testing.assert_array_equal(kernels.take(matrix, chosen), matrix[chosen])
    apart = np.hstack([matrix, matrix])[:, : matrix.shape[1]]  # rows that stand apart in memory
    np.testing.assert_array_equal(kernels.take(apart, chosen), matrix[chosen])
    last = normal((rows,), dtype, 8)
    np.testing.assert_array_equal(kernels.take(matrix, chosen, last), np.column_stack([matrix[chosen], last]))

    change, scale = normal((rows, d), dtype, 6), normal((rows,), dtype, 7)
    found = kernels.scale_rows(change, scale)
    assert found.dtype == dtype
    close(found, scale[:, None] * change.astype(np.float64), dtype, 1)
    for given in (None, scale):
        found, expected = matrix.copy(), matrix.astype(np.float64)
        kernels.add_rows(found, chosen, change, given)
        expected[chosen] += change if given is None else given[:, None] * change.astype(np.float64)
        close(found, expected, dtype, 1)
        others = np.setdiff1d(np.arange(columns + rows), chosen)
        np.testing.assert_array_equal(found[others], matrix[others])


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_of_threads_gives_the_same_bytes(dtype: str) -> None:
    rows, columns, d, entries = 900, 700, 96, 12000
    assert min(rows, columns, entries) * d * 3 > PARALLEL_WORK
    csr = structure(rows, columns, entries)
    values, left, right = normal((entries,), dtype, 1), normal((rows, d), dtype, 2), normal((columns, d), dtype, 3)
    tall, m = normal((5000, d), dtype, 4), normal((d, d), dtype, 5)
    chosen = np.random.default_rng(5).permutation(5000)[:4000].astype(np.int64)

    windows = problems.windows(np.random.default_rng(7), 3000, columns, 5)
    assert windows.rows * d > PARALLEL_WORK
    targets, ones = windows.tokens[windows.centre], np.ones(windows.rows, dtype)

    def everything(kernels: CpuKernels) -> list[bytes]:
        added = tall.copy()
        kernels.add_rows(added, chosen, tall[:4000], tall[:4000, 0].copy())
        results = [
            kernels.combine(csr, values, right),
            kernels.combine(kernels.transpose(csr), values, left),
            kernels.pair_dots(csr, left, right),
            kernels.take(tall, chosen),
            added,
            kernels.window_means(windows, right),
            kernels.window_dots(windows, right, targets, right),
            *kernels.window_pull(windows, right, targets, right, ones, ones),
            kernels.matmul(tall, m),
            kernels.gram(tall),
            kernels.weighted_gram(tall, np.linspace(0, 1, 5000)),
            kernels.gram(tall, tall[::-1].copy()),
            kernels.gram_change(tall, chosen, tall[:4000]),
            kernels.matmul(tall, m.T),
            kernels.plus_gram(np.eye(d), tall, tall[::-1].copy(), symmetric=True),
            kernels.plus_gram(np.eye(d), tall[:300], tall[300:600]),
            kernels.plus_gram(np.eye(d), tall[:300], tall[300:600], symmetric=True),
            kernels.inverse(m),
        ]
        return [result.tobytes() for result in results]

    for name, own_products in [(None, False), *((name, True) for name in isa.AVAILABLE)]:
        first = everything(CpuKernels(1, isa=name, own_products=own_products))
        for threads in (2, 3):
            assert everything(CpuKernels(threads, isa=name, own_products=own_products)) == first


def test_sums_of_many_bags_are_added_up_in_parts() -> None:
    """So many bags are more than one part; the sums have the same bytes for any number of threads."""
    windows = problems.windows(np.random.default_rng(7), 100_000, 40, 5)
    values = normal((windows.rows,), "float64", 1)
    assert _windows.sum_parts(windows.rows) > 1
    for squared in (False, True):
        found = [CpuKernels(threads).window_sums(windows, values, squared=squared) for threads in (1, 2, 3)]
        expected = Kernels().window_sums(windows, values, squared=squared)
        np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-9)
        assert all(sums.tobytes() == found[0].tobytes() for sums in found)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("entries", [0, 1, 7, 4096, 4097, 30000])
def test_terms_of_targets(kernels: Kernels, dtype: str, entries: int) -> None:
    o, y = 10 * normal((entries,), dtype, 1), abs(normal((entries,), dtype, 2))
    o[:6] = [0, -1e-30, 88, -88, 800, -800][:entries]
    found = kernels.target_terms("softplus", y, o)
    if found is None:
        pytest.skip("left to array operations")
    value, slope = BoundedNS().target(o.astype(np.float64))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found[0], (y * value).sum(), rtol=8 * eps)
    np.testing.assert_allclose(found[1], y * slope, rtol=4 * eps, atol=8 * np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_gives_no_terms(dtype: str) -> None:
    found = CpuKernels(1).target_terms("softplus", np.ones(3, dtype), np.array([1, np.nan, 2], dtype))
    assert found is not None
    assert np.isnan(found[0])
    assert np.isnan(found[1]).tolist() == [False, True, False]
