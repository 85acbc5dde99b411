"""A loss's terms of its targets, where array operations would pass over them a dozen times on one thread.

Functions softplus   Σ y softplus(−o), and −y σ(−o) for each output o
dtypes    real = float32 or float64; each block of outputs is summed in float64
memory    outputs come from the caller
threads   OpenMP threads take blocks of BLOCK outputs, whose sums the caller adds up: no result depends on their number
"""

from cython.parallel cimport prange

from common cimport blocks_of, real, require

cdef extern from "loss_terms.hpp" nogil:
    double softplus_terms "wordsparse::softplus_terms"[T](int, const T*, const T*, Py_ssize_t, T*)

cdef enum:
    OUTPUTS = 4096

BLOCK = OUTPUTS


def softplus(int isa, const real[::1] y, const real[::1] o, real[::1] slope, double[::1] sums, int threads):
    """slope (entries,); sums (blocks,), one of BLOCK outputs each."""
    cdef Py_ssize_t entries = o.shape[0], blocks = blocks_of(entries, OUTPUTS), block, first
    require(y.shape[0] == entries and slope.shape[0] == entries, "y, o and slope must have the same length")
    require(sums.shape[0] == blocks, "sums must have a number for each block")
    for block in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        first = block * OUTPUTS
        sums[block] = softplus_terms(isa, &y[first], &o[first], min(<Py_ssize_t> OUTPUTS, entries - first),
                                     &slope[first])
