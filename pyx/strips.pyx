# cython: language_level=3
"""The work of gather's combine and pair_dots where a matrix is large and each of its rows is asked for many times.

What      combine      out = Γ W (+ diag(s) B)   (m, d)
          pair_dots    a_jk = h_j · W[c_jk]      one number per stored entry of a CSR matrix
dtypes    real = float32 or float64 for values; int64 indptr and order; int32 indices
memory    everything is allocated by the caller; rows are contiguous and may stand further apart than their length; a
          panel, of which each thread has one, holds a few columns of all rows of W
cost      2 d flops an entry, and a strip of values read per entry and strip: from the second-level cache where all of W
          would not fit in it (strips.h)
threads   combine deals strips to OpenMP threads, or parts of rows in a strip where strips are few; pair_dots parts of
          rows, whose strips add up. A number is computed by one thread, in an order that does not depend on it
"""

from cython cimport view
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t

ctypedef fused real:
    float
    double

cdef extern from "strips.h" nogil:
    enum:
        STRIP_BYTES
    int widest_set()
    void strip_copy_f32(int, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void strip_copy_f64(int, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void strip_combine_f32(int, const int64_t*, const int32_t*, const float*, const float*, Py_ssize_t, Py_ssize_t,
                           Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, const float*, float*, Py_ssize_t)
    void strip_combine_f64(int, const int64_t*, const int32_t*, const double*, const double*, Py_ssize_t, Py_ssize_t,
                           Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, const double*, double*, Py_ssize_t)
    void strip_dots_f32(int, const int64_t*, const int32_t*, const float*, Py_ssize_t, const float*, Py_ssize_t,
                        Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void strip_dots_f64(int, const int64_t*, const int32_t*, const double*, Py_ssize_t, const double*, Py_ssize_t,
                        Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)

cdef enum:
    # Entries whose weights a thread brings into order at a time.
    ORDERED = 16384
    # Pieces of work for each thread: the last ones end at about the same time.
    PIECES = 4

# How much of the work is in the large parts that each thread begins with.
cdef double LARGE = 0.7

# The instruction sets that this machine can take its vectors from: 0 the base, 1 AVX2, 2 AVX-512.
WIDEST_SET = widest_set()


def panel_size(Py_ssize_t rows):
    """Bytes of a panel, which stands on cache lines."""
    return rows * STRIP_BYTES


cdef inline Py_ssize_t stride(const real[::view.strided, ::view.contiguous] matrix) noexcept:
    """From one row to the next, in numbers."""
    return matrix.strides[0] // <Py_ssize_t> sizeof(real)


cdef void copy(int set, const real* matrix, Py_ssize_t ld, Py_ssize_t rows, Py_ssize_t column, Py_ssize_t columns,
               real* panel) noexcept nogil:
    if real is float:
        strip_copy_f32(set, matrix, ld, 0, rows, column, columns, panel)
    else:
        strip_copy_f64(set, matrix, ld, 0, rows, column, columns, panel)


cdef Py_ssize_t row_at(const int64_t* indptr, Py_ssize_t n, double share) noexcept nogil:
    """The first of n rows before which this share of their work is done: a row's entries, and one for itself."""
    cdef Py_ssize_t lo = 0, hi = n, middle
    while lo < hi:
        middle = (lo + hi) // 2
        if indptr[middle] + middle < share * (indptr[n] + n):
            lo = middle + 1
        else:
            hi = middle
    return lo


def combine(int set, const int64_t[::1] indptr, const int32_t[::1] indices, const int64_t[::1] order,
            const real[::1] weights, const real[::view.strided, ::view.contiguous] rows,
            const real[::view.strided, ::view.contiguous] base, const real[::1] scale, real[:, ::1] panels,
            int64_t[::1] held, real[::1] ordered, real[::view.strided, ::view.contiguous] out):
    """As gather's, with at least one row, one column and one entry; set: up to WIDEST_SET; panels (threads, panel_size)
    and held (threads,) -1; ordered (entries,) where there is an order."""
    cdef Py_ssize_t n = out.shape[0], d = out.shape[1], entries = indices.shape[0], strip, column, columns, item, me
    cdef Py_ssize_t wide = STRIP_BYTES // sizeof(real), ld = stride(rows), ld_out = stride(out), part, k, lo, hi
    cdef Py_ssize_t strips = (d + wide - 1) // wide
    cdef int threads = <int> panels.shape[0]
    cdef Py_ssize_t parts = (PIECES * threads + strips - 1) // strips if threads > 1 else 1
    cdef const real* weights_ = &weights[0]
    cdef const real* base_ = &base[0, 0] if base is not None else NULL
    cdef const real* scale_ = &scale[0] if base is not None else NULL
    cdef Py_ssize_t ld_base = stride(base) if base is not None else 0
    if order is not None:
        for part in prange((entries + ORDERED - 1) // ORDERED, nogil=True, schedule="static", num_threads=threads):
            for k in range(part * ORDERED, min(entries, (part + 1) * ORDERED)):
                ordered[k] = weights[order[k]]
        weights_ = &ordered[0]
    for item in prange(strips * parts, nogil=True, schedule="dynamic", num_threads=threads):
        me, strip, part = threadid(), item // parts, item % parts
        column = strip * wide
        columns = min(wide, d - column)
        if held[me] != strip:
            copy(set, &rows[0, 0], ld, rows.shape[0], column, columns, &panels[me, 0])
            held[me] = strip
        lo = row_at(&indptr[0], n, <double> part / parts)
        hi = row_at(&indptr[0], n, (part + 1.0) / parts)
        if real is float:
            strip_combine_f32(set, &indptr[0], &indices[0], weights_, &panels[me, 0], column, columns, lo, hi, base_,
                              ld_base, scale_, &out[0, 0], ld_out)
        else:
            strip_combine_f64(set, &indptr[0], &indices[0], weights_, &panels[me, 0], column, columns, lo, hi, base_,
                              ld_base, scale_, &out[0, 0], ld_out)


cdef double share_before(Py_ssize_t part, Py_ssize_t threads) noexcept nogil:
    """What the parts before this one are of all work: one large part for each thread, then as many small ones."""
    if threads == 1:
        return part
    return LARGE * part / threads if part <= threads else LARGE + (1 - LARGE) * (part - threads) / threads


def pair_dots(int set, const int64_t[::1] indptr, const int32_t[::1] indices,
              const real[::view.strided, ::view.contiguous] left,
              const real[::view.strided, ::view.contiguous] right, real[:, ::1] panels, real[::1] out):
    """As gather's, with at least one row, one column and one entry; set and panels as for combine."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], part, lo, hi, strip, column, columns, me
    cdef Py_ssize_t wide = STRIP_BYTES // sizeof(real), ld_left = stride(left), ld_right = stride(right)
    cdef int threads = <int> panels.shape[0]
    # All strips of a part are one thread's, which adds them up; the small ones end at about the same time.
    for part in prange(2 * threads if threads > 1 else 1, nogil=True, schedule="dynamic", num_threads=threads):
        me = threadid()
        lo = row_at(&indptr[0], n, share_before(part, threads))
        hi = row_at(&indptr[0], n, share_before(part + 1, threads))
        for strip in range((d + wide - 1) // wide):
            column = strip * wide
            columns = min(wide, d - column)
            copy(set, &right[0, 0], ld_right, right.shape[0], column, columns, &panels[me, 0])
            if real is float:
                strip_dots_f32(set, &indptr[0], &indices[0], &left[0, 0], ld_left, &panels[me, 0], column, columns,
                               lo, hi, &out[0])
            else:
                strip_dots_f64(set, &indptr[0], &indices[0], &left[0, 0], ld_left, &panels[me, 0], column, columns,
                               lo, hi, &out[0])
