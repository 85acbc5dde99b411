# cython: language_level=3
"""A loss's terms of its targets, where array operations would pass over them a dozen times on one thread.

What      softplus   Σ y softplus(−o), and −y σ(−o) for each output o
dtypes    real = float32 or float64; each block of outputs is summed in float64
memory    outputs come from the caller
threads   OpenMP threads take blocks of BLOCK outputs, whose sums the caller adds up: no result depends on their number
"""

from cython.parallel cimport prange

ctypedef fused real:
    float
    double

cdef extern from "terms.h" nogil:
    double softplus_terms_f32(const float*, const float*, Py_ssize_t, float*)
    double softplus_terms_f64(const double*, const double*, Py_ssize_t, double*)

cdef enum:
    OUTPUTS = 4096

BLOCK = OUTPUTS


def softplus(const real[::1] y, const real[::1] o, real[::1] slope, double[::1] sums, int threads):
    """slope (entries,); sums (blocks,), one of BLOCK outputs each."""
    cdef Py_ssize_t entries = o.shape[0], blocks = sums.shape[0], block, first, count
    for block in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        first = block * OUTPUTS
        count = min(<Py_ssize_t> OUTPUTS, entries - first)
        if real is float:
            sums[block] = softplus_terms_f32(&y[first], &o[first], count, &slope[first])
        else:
            sums[block] = softplus_terms_f64(&y[first], &o[first], count, &slope[first])
