"""Every backend compared with plain loops and SciPy, and the compiled kernels with several numbers of threads."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from support import operations, problems
from support.arrays import DTYPES, normal, structure
from support.block_kernels import InBlocks
from support.operations import SHAPES, dense

from wordsparse.kernels import CpuKernels, Csr, Kernels, _windows, isa
from wordsparse.kernels.pool import ArrayPool
from wordsparse.layer.losses import BoundedNS


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "shape"), SHAPES, ids=lambda value: getattr(value, "__name__", None))
def test_operations(kernels, dtype, kind, shape):
    for operation in kind(dtype, *shape):
        operation.check(kernels)


@pytest.mark.parametrize(("rows", "columns", "entries"), [(0, 3, 0), (3, 0, 0), (700, 300, 9000), (2, 1500, 2000)])
def test_the_transpose_reads_the_values_in_their_order(kernels, rows, columns, entries):
    """The transpose keeps the order of the entries of a column, so that sums over a column have a fixed order."""
    csr, values = structure(rows, columns, entries), normal((entries,), "float64", 1)
    transposed = kernels.transpose(csr)
    assert (transposed.rows, transposed.columns, transposed.entries) == (columns, rows, entries)
    np.testing.assert_array_equal(dense(transposed, values), dense(csr, values).T)
    for c in range(columns):
        assert (np.diff(transposed.order[transposed.indptr[c] : transposed.indptr[c + 1]]) > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (operations.sparse, (900, 700, 96, 12000)),
        (operations.windows, (3000, 700, 96, 5)),
        (operations.products, (2500, 96, 40)),
    ],
)
def test_any_number_of_threads_gives_the_same_bytes(dtype, kind, shape):
    for kernels, name in (*((CpuKernels, each) for each in isa.AVAILABLE), (InBlocks, None)):
        one, *others = (
            [operation.call(kernels(threads, isa=name)).tobytes() for operation in kind(dtype, *shape)]
            for threads in (1, 2, 3)
        )
        assert all(found == one for found in others)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [3, 20, 101])
def test_padding_after_rows_is_ignored(d, dtype):
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


def test_sums_of_many_bags_are_added_up_in_parts():
    """Threads sum parts of the bags. The parts, and so the bytes of the sums, do not depend on the number of
    threads."""
    windows = problems.windows(np.random.default_rng(7), 100_000, 40, 5)
    values = normal((windows.rows,), "float64", 1)
    assert _windows.sum_parts(windows.rows) > 1
    found = [np.stack(CpuKernels(threads).window_sums(windows, values, 1 - values)) for threads in (1, 2, 3)]
    expected = np.stack(Kernels().window_sums(windows, values, 1 - values))
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-9)
    assert all(sums.tobytes() == found[0].tobytes() for sums in found)


def test_totals_of_many_values_are_added_up_in_parts():
    values = normal((100_003,), "float32", 1)
    found = [CpuKernels(threads).total(values) for threads in (1, 2, 3)]
    assert found[0] == pytest.approx(values.sum(dtype=np.float64), abs=1e-9)
    assert found == 3 * found[:1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("entries", [0, 1, 7, 4096, 4097, 30000])
def test_terms_of_targets(kernels, dtype, entries):
    o, y = 10 * normal((entries,), dtype, 1), abs(normal((entries,), dtype, 2))
    o[:6] = [0, -1e-30, 88, -88, 800, -800][:entries]
    csr = Csr(np.arange(entries + 1), np.arange(entries, dtype=np.int32) % 3, 3)
    eps = np.finfo(dtype).eps
    for factors in (None, np.array([1, 0.5, 2], dtype)):  # powers of two, so that products are exact
        f = np.ones(entries) if factors is None else factors[csr.indices]
        found = kernels.target_terms("softplus", csr, y, (o / f).astype(dtype), factors)
        if found is None:
            pytest.skip("this backend has no kernel for this operation")
        value, slope = BoundedNS().target(o.astype(np.float64))
        np.testing.assert_allclose(found[0], (y * value).sum(), rtol=8 * eps)
        np.testing.assert_allclose(found[1], y * slope * f, rtol=4 * eps, atol=8 * np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (3, 31), (7, 32), (300, 257)])
def test_softmax(kernels, dtype, shape):
    random, (m, n) = np.random.default_rng(4), shape
    outputs = (20 * random.standard_normal((m, n + 3))).astype(dtype)[:, :n]  # rows have gaps
    outputs[:1, :1] = 3000  # all other probabilities of this row are below the smallest number
    bias = random.standard_normal(n).astype(dtype)
    exact = (outputs + bias).astype(np.float64)
    p, eps = kernels.to_device(outputs), np.finfo(dtype).eps
    log_sums = kernels.to_host(kernels.softmax(p, kernels.to_device(bias)))
    np.testing.assert_allclose(log_sums, logsumexp(exact, axis=1), rtol=8 * eps)
    np.testing.assert_allclose(kernels.to_host(p), softmax(exact, axis=1), rtol=200 * eps, atol=1e-26)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_that_are_not_finite_give_nan_probabilities(dtype, value):
    outputs = np.array([[1, value, 2], [1, 2, 3]], dtype)
    CpuKernels(1).softmax(outputs, np.zeros(3, dtype))
    assert np.isnan(outputs).all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (3, 31), (7, 32), (40, 100)])
def test_places_of_large_entries(kernels, dtype, shape):
    random = np.random.default_rng(3)
    matrix = random.integers(-4, 5, (shape[0], shape[1] + 3)).astype(dtype)[:, : shape[1]]  # rows have gaps
    of_rows, of_columns = (random.integers(2, 5, size).astype(dtype) for size in shape)
    expected = [
        i for i, entry in enumerate(matrix.ravel()) if entry > min(of_rows[i // shape[1]], of_columns[i % shape[1]])
    ]
    places = kernels.exceeding(*map(kernels.to_device, (matrix, of_rows, of_columns)))
    assert kernels.to_host(places).tolist() == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_outputs_give_nan_terms(dtype):
    csr = Csr(np.arange(4), np.zeros(3, np.int32), 1)
    found = CpuKernels(1).target_terms("softplus", csr, np.ones(3, dtype), np.array([1, np.nan, 2], dtype), None)
    assert np.isnan(found[0])
    assert np.isnan(found[1]).tolist() == [False, True, False]
