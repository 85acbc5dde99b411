"""Guarantees that only the compiled kernels make: threads, instruction sets, copies, and refused arrays."""

import re

import numpy as np
import pytest
from support import problems
from support.arrays import normal, structure
from support.block_kernels import InBlocks

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, Csr, Kernels, _csr_rows, isa


def test_an_instruction_set_is_chosen_by_name_or_environment(monkeypatch):
    monkeypatch.delenv(isa.VARIABLE, raising=False)
    assert CpuKernels(1).isa == isa.AVAILABLE[0]
    for name in isa.AVAILABLE:
        monkeypatch.setenv(isa.VARIABLE, name)
        assert CpuKernels(1).isa == name
        assert CpuKernels(1, isa=isa.AVAILABLE[-1]).isa == isa.AVAILABLE[-1]
    available = ", ".join(isa.AVAILABLE)
    with pytest.raises(
        InputError, match=re.escape(f"isa: the instruction set 'x86-64-v9' is not available: choose one of {available}")
    ):
        CpuKernels(1, isa="x86-64-v9")
    monkeypatch.setenv(isa.VARIABLE, "neon2")
    with pytest.raises(InputError, match="WORDSPARSE_ISA: the instruction set 'neon2' is not available"):
        CpuKernels(1)


@pytest.mark.skipif(not isa.AVAILABLE[0].endswith("+amx"), reason="this processor has no matrix unit")
def test_some_rows_of_a_product_have_the_bytes_of_the_whole_product():
    """A process that has a quarter of the rows computes them on the matrix unit too."""
    whole, quarter = (CpuKernels(1, isa=isa.AVAILABLE[0], bfloat16=True) for _ in range(2))
    a, right = normal((1024, 70), "float32", 1), normal((70, 70), "float64", 2)
    assert quarter.matmul(a[:256], right).tobytes() != whole.matmul(a, right)[:256].tobytes()
    quarter.processes = 4
    assert quarter.matmul(a[:256], right).tobytes() == whole.matmul(a, right)[:256].tobytes()


@pytest.mark.skipif(not isa.AVAILABLE[0].endswith("+amx"), reason="this processor has no matrix unit")
@pytest.mark.parametrize(("n", "k", "d"), [(1024, 64, 64), (1031, 67, 301), (1040, 300, 65), (4099, 301, 300)])
def test_bfloat16_products_of_split_numbers(n, k, d):
    """Kernels with bfloat16 split each float32 into two numbers. The error of a product is then at most 2⁻¹⁴."""
    split, whole = CpuKernels(2, isa=isa.AVAILABLE[0], bfloat16=True), CpuKernels(2, isa=isa.AVAILABLE[0])
    narrower = CpuKernels(1, isa=isa.AVAILABLE[1])
    a, b, right = normal((n, k), "float32", 1), normal((n, d), "float32", 2), normal((k, d), "float64", 3)
    rows, last, weights = np.random.default_rng(4).permutation(n), normal((n,), "float32", 5), np.linspace(0, 1, n)
    change, below = normal((n, k), "float32", 6), np.vstack([right, right[:1]])
    exact = a.astype(np.float64)
    beside = np.column_stack([exact[rows], last])
    changed = exact.copy()
    changed[rows] += change
    for product, expected, terms in (
        (lambda kernels: kernels.matmul(a, right), exact @ right, k),
        (lambda kernels: kernels.matmul(a, np.asfortranarray(right), b.copy()), exact @ right + b, k),
        (lambda kernels: kernels.matmul(a, right.astype(np.float32)), exact @ right, k),
        (lambda kernels: kernels.matmul_rows(a, rows, below, last), beside @ below, k),
        (lambda kernels: kernels.gram(a, b), exact.T @ b, n),
        (lambda kernels: kernels.gram(a), exact.T @ exact, n),
        (lambda kernels: kernels.weighted_gram(a, weights), (exact.T * weights) @ exact, n),
        (lambda kernels: kernels.gram_change(a, rows, change), changed.T @ changed - exact.T @ exact, n),
        (lambda kernels: kernels.plus_gram(np.eye(k), a, change, 0.5, 2.0), 0.5 * np.eye(k) + 2 * exact.T @ change, n),
    ):
        found = product(split)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2**-14 * np.sqrt(terms) + 1e-6 * terms)
        assert np.abs(found - expected).max() > 2 * np.abs(product(whole) - expected).max()
        assert found.tobytes() == product(CpuKernels(1, isa=isa.AVAILABLE[0], bfloat16=True)).tobytes()
        assert product(whole).tobytes() == product(narrower).tobytes()
    spoilt = a.copy()
    spoilt[3, 5] = np.nan
    assert np.isnan(split.matmul(spoilt, right)[3]).all()
    assert np.isnan(split.gram(b, spoilt)[:, 5]).all()


def test_arrays_whose_sizes_do_not_belong_together_are_refused():
    """Without this check, kernels would read past the end of a CSR structure whose last rows are missing."""
    kernels, csr = CpuKernels(1), structure(7, 5, 20)
    values, rows = normal((20,), "float32", 1), normal((5, 3), "float32", 2)
    cut, out = Csr(csr.indptr[:4], csr.indices, 5), np.empty((7, 3), "float32")
    with pytest.raises(ValueError, match="indptr must have a number for each row"):
        _csr_rows.combine(0, cut.indptr, cut.indices, None, values, rows, None, None, out, 1)
    with pytest.raises(ValueError, match="indptr must stay within the entries"):
        kernels.combine(Csr(csr.indptr, csr.indices[:9], 5), values, rows)
    with pytest.raises(ValueError, match="sizes must match"):
        kernels.matmul(rows, normal((4, 3), "float64", 3))
    windows = problems.windows(np.random.default_rng(7), 40, 6, 3)
    with pytest.raises(ValueError, match="each bag must have a target"):
        kernels.window_dots(windows, normal((6, 3), "float32", 2), np.zeros(2, np.int32), rows)


@pytest.mark.skipif("x86-64-v4" not in isa.AVAILABLE, reason="this processor has no 64-byte vectors")
@pytest.mark.parametrize(("rows", "columns", "d", "entries"), [(1, 1, 1, 1), (30, 9, 31, 400), (300, 70, 301, 9000)])
def test_rows_that_are_read_as_bfloat16(rows, columns, d, entries):
    """Only kernels that use bfloat16 round the numbers of rows, to 8 significant bits; other kernels keep full
    precision."""
    csr = structure(rows, columns, entries)
    transposed = CpuKernels(1).transpose(csr)
    half, whole = InBlocks(2, isa="x86-64-v4", bfloat16=True), InBlocks(2, isa="x86-64-v4")
    left, right, weights = (normal(shape, "float32", 1) for shape in ((rows, d), (columns, d), (entries,)))
    # Small integers are not rounded, and float32 sums them exactly.
    few, other, some = (np.rint(8 * array) for array in (left, right, weights))
    scale = np.full(rows, 3, np.float32)
    for kernels in (half, whole):
        for found, expected in (
            (kernels.combine(csr, some, other, few, scale), Kernels().combine(csr, some, other, few, scale)),
            (kernels.combine(transposed, some, few), Kernels().combine(transposed, some, few)),
            (kernels.pair_dots(csr, few, other), Kernels().pair_dots(csr, few, other)),
        ):
            np.testing.assert_array_equal(found, expected)
    sums, dots = half.combine(csr, weights, right), half.pair_dots(csr, left, right)
    exact = Kernels().combine(csr, weights, right), Kernels().pair_dots(csr, left, right)
    most = abs(weights).max() * abs(right).max() * 2**-9 * 1.01, abs(left).max() * abs(right).max() * 2**-9 * 1.01
    assert abs(sums - exact[0]).max() <= most[0] * max(np.diff(csr.indptr))
    assert abs(dots - exact[1]).max() <= most[1] * d
    if entries > 100:
        assert abs(dots - exact[1]).max() > 1e-4
        assert abs(np.mean(dots - exact[1])) < 1e-3  # positive and negative errors cancel
    assert dots.tobytes() == InBlocks(1, isa="x86-64-v4", bfloat16=True).pair_dots(csr, left, right).tobytes()


@pytest.mark.skipif("x86-64-v4" not in isa.AVAILABLE, reason="this processor has no 64-byte vectors")
@pytest.mark.parametrize(("n", "columns", "d", "reach"), [(40, 6, 3, 3), (700, 40, 96, 4), (3000, 90, 301, 5)])
def test_rows_of_windows_that_are_read_as_bfloat16(n, columns, d, reach):
    """Kernels with bfloat16 give the result for F and W rounded to 8 significant bits."""
    windows = problems.windows(np.random.default_rng(7), n, columns, reach)
    F, W = normal((columns, d), "float32", 1), normal((columns, d), "float32", 2)
    zeta, gamma = normal((windows.rows,), "float32", 3), normal((windows.rows,), "float32", 4)
    half, whole = (InBlocks(2, isa="x86-64-v4", bfloat16=bfloat16) for bfloat16 in (True, False))
    own = windows.tokens[windows.centre]
    for targets in (own, np.random.default_rng(5).permutation(columns).astype(np.int32)[own]):
        pulled = half.window_pull(windows, F, targets, W, zeta, gamma)
        expected = whole.window_pull(windows, rounded(F), targets, rounded(W), zeta, gamma)
        one_thread = InBlocks(1, isa="x86-64-v4", bfloat16=True).window_pull(windows, F, targets, W, zeta, gamma)
        for found, sums, same in zip(pulled, expected, one_thread, strict=True):
            np.testing.assert_array_equal(found, sums)
            np.testing.assert_array_equal(found, same)
    # If F and W have different numbers of rows, kernels with bfloat16 round nothing.
    more = np.vstack([W, W[:1]])
    for found, sums in zip(
        half.window_pull(windows, F, own, more, zeta, gamma),
        whole.window_pull(windows, F, own, more, zeta, gamma),
        strict=True,
    ):
        np.testing.assert_array_equal(found, sums)


def rounded(matrix):
    """Round to bfloat16, halves to even."""
    bits = matrix.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)
