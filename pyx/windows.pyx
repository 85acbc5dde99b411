# cython: language_level=3
"""Bags that are windows of one text, against dense rows: the per-token work of a CBOW step.

What      dots      a_j = h_j · W[target_j]            (m,)      h_j the mean of F over bag j, its centre left out
          means     H, row by row                      (m, d)
          sums      Cᵀ v, or with C ∘ C                (u,)
          pull      X = ΓᵀH, Z = Cᵀ diag(ζ) H, G = CᵀΓW   (u, d)    C (m, u) the bags, Γ one γ_j a bag at its target
dtypes    real = float32 or float64; tokens, positions and targets int32
memory    outputs and scratch come from the caller, all matrices with the same distance from row to row; (m, d) is never
          formed but by means; pull copies a cache line of each row at a time, five lines a word for each thread
cost      running sums over the text: a few rows of d values a token, whatever the window (windows.h)
threads   dots and means deal blocks of positions to OpenMP threads, pull strips of columns; both depend on sizes alone
rows      start on cache lines and are padded to whole ones; the padding of what is written holds any numbers
"""

from cython cimport view
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t

ctypedef fused real:
    float
    double

cdef extern from "windows.h" nogil:
    enum:
        LINE
        SUM_LINES
        OF_PLACE
        POSITIONS
    ctypedef struct windows:
        const int32_t* tokens
        const int32_t* centre
        const int32_t* start
        const int32_t* stop
        const int64_t* first
        Py_ssize_t n
        Py_ssize_t bags
        Py_ssize_t reach
        Py_ssize_t d
        Py_ssize_t ld
        Py_ssize_t features
        Py_ssize_t targets
        int past_caches
    Py_ssize_t ring_size(Py_ssize_t)
    void window_dots_f32(int, const windows*, Py_ssize_t, const float*, const int32_t*, const float*,
                         float*, float*)
    void window_dots_f64(int, const windows*, Py_ssize_t, const double*, const int32_t*, const double*,
                         double*, double*)
    void window_means_f32(int, const windows*, Py_ssize_t, const float*, float*, float*)
    void window_means_f64(int, const windows*, Py_ssize_t, const double*, double*, double*)
    Py_ssize_t panels_bytes(Py_ssize_t, Py_ssize_t)
    Py_ssize_t plan_bytes(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void window_plan_f32(int, const windows*, Py_ssize_t, const int32_t*, const float*, const float*, void*)
    void window_plan_f64(int, const windows*, Py_ssize_t, const int32_t*, const double*, const double*, void*)
    void window_pull_f32(int, const windows*, Py_ssize_t, const void*, const float*, const float*, float*, float*,
                         float*, float*, float*)
    void window_pull_f64(int, const windows*, Py_ssize_t, const void*, const double*, const double*, double*, double*,
                         double*, double*, double*)

BLOCK = POSITIONS


def scratch_bytes(Py_ssize_t reach):
    """Bytes of scratch that one thread needs."""
    return ring_size(reach) * max(<Py_ssize_t> SUM_LINES, OF_PLACE) * LINE


def panels_size(Py_ssize_t features, Py_ssize_t targets):
    """Bytes of pull's panels of one thread, whole cache lines."""
    return panels_bytes(features, targets)


def plan_size(Py_ssize_t n, Py_ssize_t reach, Py_ssize_t itemsize):
    """Bytes of pull's plan for n positions."""
    return plan_bytes(n, reach, itemsize)


cdef windows as_struct(const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
                       const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
                       const real[::view.strided, ::view.contiguous] F) noexcept:
    cdef windows w
    w.tokens, w.centre, w.start, w.stop, w.first = &tokens[0], &centre[0], &start[0], &stop[0], &first[0]
    w.n, w.bags, w.reach, w.d = tokens.shape[0], centre.shape[0], reach, F.shape[1]
    w.ld, w.features, w.targets, w.past_caches = ld, F.shape[0], 0, False
    return w


def dots(int set, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
         const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
         const real[::view.strided, ::view.contiguous] F, const int32_t[::1] target,
         const real[::view.strided, ::view.contiguous] W, real[::view.strided, ::view.contiguous] scratch,
         real[::1] out):
    """set: up to WIDEST_SET of strips; ld: numbers from row to row of all matrices (a view of a single row does not
    tell); scratch (threads, scratch_bytes), each row on a cache line; there is at least one bag and one column."""
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    cdef Py_ssize_t blocks = first.shape[0] - 1, block
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=<int> scratch.shape[0]):
        if real is float:
            window_dots_f32(set, &w, block, &F[0, 0], &target[0], &W[0, 0],
                            &scratch[threadid(), 0], &out[0])
        else:
            window_dots_f64(set, &w, block, &F[0, 0], &target[0], &W[0, 0],
                            &scratch[threadid(), 0], &out[0])


def means(int set, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
          const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
          const real[::view.strided, ::view.contiguous] F, real[::view.strided, ::view.contiguous] scratch,
          real[::view.strided, ::view.contiguous] out):
    """As dots."""
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    cdef Py_ssize_t blocks = first.shape[0] - 1, block
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=<int> scratch.shape[0]):
        if real is float:
            window_means_f32(set, &w, block, &F[0, 0], &scratch[threadid(), 0], &out[0, 0])
        else:
            window_means_f64(set, &w, block, &F[0, 0], &scratch[threadid(), 0], &out[0, 0])


def sums(const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start, const int32_t[::1] stop,
         const double[::1] values, bint squared, double[::1] change, double[::1] out):
    """Each bag's value counts as one part of its size, or of its square. change (positions + 1,) and out (columns,)
    come zeroed; there is at least one bag."""
    cdef Py_ssize_t j, p
    cdef double total = 0, value, size
    with nogil:
        # A bag's value starts to count at its first token and stops to after its last; its centre is left out.
        for j in range(centre.shape[0]):
            size = stop[j] - start[j] - 1
            value = values[j] / (size * size if squared else size)
            change[start[j]] += value
            change[stop[j]] -= value
            out[tokens[centre[j]]] -= value
        for p in range(tokens.shape[0]):
            total += change[p]
            if tokens[p] >= 0:
                out[tokens[p]] += total


def pull(int set, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
         const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
         const real[::view.strided, ::view.contiguous] F, const int32_t[::1] target,
         const real[::view.strided, ::view.contiguous] W, const real[::1] zeta, const real[::1] gamma,
         real[::view.strided, ::view.contiguous] scratch, uint8_t[::1] plan, real[:, ::1] panels,
         real[::view.strided, ::view.contiguous] X, real[::view.strided, ::view.contiguous] Z,
         real[::view.strided, ::view.contiguous] G, bint past_caches):
    """As dots; plan of plan_size bytes; panels (threads, panels_size), each row on a cache line; past_caches: X, Z and
    G are more than the last-level cache holds, and are written past it."""
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    w.targets, w.past_caches = W.shape[0], past_caches
    cdef Py_ssize_t blocks = first.shape[0] - 1, block
    cdef Py_ssize_t wide = LINE // sizeof(real), strips = (F.shape[1] + wide - 1) // wide, strip
    cdef int threads = <int> scratch.shape[0]
    for block in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        if real is float:
            window_plan_f32(set, &w, block, &target[0], &zeta[0], &gamma[0], &plan[0])
        else:
            window_plan_f64(set, &w, block, &target[0], &zeta[0], &gamma[0], &plan[0])
    for strip in prange(strips, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            window_pull_f32(set, &w, strip, &plan[0], &F[0, 0], &W[0, 0], &scratch[threadid(), 0],
                            &panels[threadid(), 0], &X[0, 0], &Z[0, 0], &G[0, 0])
        else:
            window_pull_f64(set, &w, strip, &plan[0], &F[0, 0], &W[0, 0], &scratch[threadid(), 0],
                            &panels[threadid(), 0], &X[0, 0], &Z[0, 0], &G[0, 0])
