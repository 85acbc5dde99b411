"""A pool reuses a block of memory only when no array uses the block any more."""

import gc

import numpy as np

from wordsparse.kernels.pool import LARGE, ArrayPool


def address(array):
    return int(array.__array_interface__["data"][0])


def test_a_block_is_used_again_when_the_last_view_of_it_is_gone():
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
    # A slightly larger array still gets the first block; a further array, made while the block is in use, does not.
    third = pool.empty((LARGE + LARGE // 16,), np.uint8)
    assert address(third) == where
    assert address(pool.empty((LARGE,), np.uint8)) not in (where, address(second))
