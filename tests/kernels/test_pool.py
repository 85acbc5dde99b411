"""Blocks of a pool are used again once no array lies in them, and not before."""

import gc

import numpy as np
import pytest

from wordsparse.kernels.pool import CACHE_LINE, HUGE_PAGE, LARGE, ArrayPool, on_lines


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "d"), [(0, 5), (3, 0), (1, 1), (7, 33), (5000, 301), (2000, 256)])
def test_rows_are_whole_lines_apart_or_close_together(n: int, d: int, dtype: str) -> None:
    rows = ArrayPool().rows(n, d, dtype)
    assert rows.shape == (n, d)
    assert rows.dtype == np.dtype(dtype)
    assert address(rows) % CACHE_LINE == 0
    if d * rows.itemsize < 4 * CACHE_LINE:
        assert rows.flags.c_contiguous or n < 2
    else:
        assert rows.strides[0] % (2 * CACHE_LINE) == CACHE_LINE
    rows[:] = 1
    assert (rows == 1).all()
    assert on_lines(ArrayPool().rows(n, d, dtype, on_lines=True))


def test_a_block_is_used_again_when_the_last_view_of_it_is_gone() -> None:
    pool = ArrayPool()
    first = pool.empty((LARGE,), np.uint8)
    view, where = first[10:20].reshape(2, 5)[1:], address(first)
    view[:] = 7
    del first
    gc.collect()
    second = pool.empty((LARGE,), np.uint8)
    assert address(second) != where
    second[:] = 1
    assert (view == 7).all()
    del view
    gc.collect()
    # A little larger is still the same block; a second one at the same time is not.
    third = pool.empty((LARGE + LARGE // 16,), np.uint8)
    assert address(third) == where
    assert address(pool.empty((LARGE,), np.uint8)) not in (where, address(second))


def test_blocks_that_have_become_too_small_are_freed() -> None:
    pool = ArrayPool()
    for size in (LARGE, 2 * LARGE, 4 * LARGE, 8 * LARGE):
        pool.empty((size,), np.uint8)
        gc.collect()
    assert len(pool._available) == 1


def test_large_blocks_begin_where_a_huge_page_does() -> None:
    pool = ArrayPool()
    assert address(pool.empty((HUGE_PAGE // 2,), np.uint8)) % HUGE_PAGE == 0
    large = pool.rows(3000, 301, "float32")
    large[:] = 2
    assert address(large) % HUGE_PAGE == 0
    assert float(large.sum()) == 2 * large.size
