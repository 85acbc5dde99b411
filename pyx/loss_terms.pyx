"""The terms of a loss at its targets, computed in one pass. NumPy would need a dozen passes on one thread.

Functions softplus   Σ y softplus(−o), and −y σ(−o) f for each output o = f a, where f is the factor of its column
dtypes    real = float32 or float64; each block of outputs is summed in float64
memory    the caller allocates outputs
threads   OpenMP threads take blocks of BLOCK outputs, and the caller adds up the sums of the blocks, so that no result
          depends on the number of threads
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t

from common cimport address, blocks_of, real, require

cdef extern from "loss_terms.hpp" nogil:
    double softplus_terms "wordsparse::softplus_terms"[T](
        int, const T*, const T*, const int32_t*, const T*, Py_ssize_t, T*)

cdef enum:
    OUTPUTS = 4096

BLOCK = OUTPUTS


def softplus(int isa, const real[::1] y, const real[::1] a, const int32_t[::1] columns, const real[::1] factors,
             real[::1] slope, double[::1] sums, int threads):
    """Write slope (entries,) and sums (blocks,), which has one sum per BLOCK outputs. If factors is None, every factor
    is 1."""
    cdef Py_ssize_t entries = a.shape[0], blocks = blocks_of(entries, OUTPUTS), block, first
    cdef const real* factors_ = address(factors)
    require(y.shape[0] == columns.shape[0] == slope.shape[0] == entries, "each output must have its y and its column")
    require(sums.shape[0] == blocks, "sums must have a number for each block")
    for block in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        first = block * OUTPUTS
        sums[block] = softplus_terms(isa, &y[first], &a[first], &columns[first], factors_,
                                     min(<Py_ssize_t> OUTPUTS, entries - first), &slope[first])
