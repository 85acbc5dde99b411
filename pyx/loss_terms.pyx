"""The terms of a loss at its targets, and the softmax. NumPy would need a dozen passes on one thread.

Functions softplus   Σ y softplus(−o), and −y σ(−o) f for each output o = f a, where f is the factor of its column
          softmax    exp(o + b − log s) for each output o of a row, and log s, where s = Σ exp(o + b)
dtypes    real = float32 or float64; softplus sums each block of outputs in float64
memory    the caller allocates outputs; softmax writes its results over its inputs
threads   OpenMP threads take rows, or blocks of BLOCK outputs, and the caller adds up the sums of the blocks, so that
          no result depends on the number of threads
"""

from cython cimport view
from cython.parallel cimport prange
from libc.stdint cimport int32_t

from common cimport address, blocks_of, real, require

cdef extern from "loss_terms.hpp" nogil:
    double softplus_terms "wordsparse::softplus_terms"[T](
        int, const T*, const T*, const int32_t*, const T*, Py_ssize_t, T*)
    double softmax_of_row "wordsparse::softmax"[T](int, T*, const T*, Py_ssize_t)

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


def softmax(int isa, real[::view.strided, ::view.contiguous] outputs, const real[::1] bias, double[::1] log_sums,
            int threads):
    """Replace each row of outputs by the softmax of the row plus bias, and write the logarithms of its sums."""
    cdef Py_ssize_t m = outputs.shape[0], n = outputs.shape[1], row
    require(bias.shape[0] == n and log_sums.shape[0] == m, "there must be a bias per column and a sum per row")
    if m == 0 or n == 0:
        return
    for row in prange(m, nogil=True, schedule="static", num_threads=threads):
        log_sums[row] = softmax_of_row(isa, &outputs[row, 0], &bias[0], n)
