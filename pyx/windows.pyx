"""Products of dense rows with bags that are the windows of one text. In a CBOW step, these products make up the cost
per token.

Functions dots      a_j = h_j · W[target_j]            (m,)      h_j is the mean of F over bag j without its centre
          means     H, row by row                      (m, d)
          sums      Cᵀ v and (C ∘ C)ᵀ s                (u,) each
          pull      X = ΓᵀH, Z = Cᵀ diag(ζ) H, G = CᵀΓW   (u, d)    C (m, u): bags; Γ: γ_j at bag j's target
dtypes    real = float32 or float64; tokens, positions and targets int32
memory    the caller allocates outputs and scratch space; all matrices have the same stride. Only `means` needs an
          (m, d) matrix. pull copies one cache line of each row at a time: at most five lines per word and thread
cost      running sums over the text cost a few rows of d values per token, whatever the window (windows.hpp)
threads   OpenMP threads take blocks of positions (dots, means), parts of the bags (sums) or strips of columns (pull);
          their bounds depend on sizes alone
rows      start on cache lines and are padded to whole lines; the padding of results holds any numbers
"""

from cython cimport view
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memset

from common cimport blocks_of, real, require, require_line, rows_of, stride

cdef extern from "window_pull.hpp" namespace "wordsparse" nogil:
    Py_ssize_t LINE
    Py_ssize_t POSITIONS
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
        bint past_caches
        bint half
    Py_ssize_t ring_size(Py_ssize_t)
    Py_ssize_t ring_bytes(Py_ssize_t)
    Py_ssize_t panels_bytes(Py_ssize_t, Py_ssize_t)
    Py_ssize_t plan_bytes(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void window_dots[T](int, const windows*, Py_ssize_t, const T*, const int32_t*, const T*, T*, T*)
    void window_means[T](int, const windows*, Py_ssize_t, const T*, T*, T*)
    void window_plan[T](int, const windows*, Py_ssize_t, const int32_t*, const T*, const T*, void*)
    void window_pull[T](int, const windows*, Py_ssize_t, const void*, const T*, const T*, T*, T*, T*, T*, T*)

BLOCK = POSITIONS

cdef enum:
    # The minimum number of bags per part of `sums`, and the maximum number of parts. Each part has a sum per column.
    PART_BAGS = 32768
    MAX_PARTS = 8


def places_of_ring(Py_ssize_t reach):
    """Return the number of places that a ring needs for windows of this reach."""
    return ring_size(reach)


def scratch_bytes(Py_ssize_t reach):
    """Return the scratch space that one thread needs, in bytes."""
    return ring_bytes(reach)


def panels_size(Py_ssize_t features, Py_ssize_t targets):
    """Return the size in bytes of one thread's panels for pull. The size is a multiple of a cache line."""
    return panels_bytes(features, targets)


def plan_size(Py_ssize_t n, Py_ssize_t reach, Py_ssize_t itemsize):
    """Return the size in bytes of pull's plan for n positions."""
    return plan_bytes(n, reach, itemsize)


cdef int require_text(const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
                      const int32_t[::1] stop, const int64_t[::1] first) except -1:
    cdef Py_ssize_t bags = centre.shape[0], blocks = blocks_of(tokens.shape[0], POSITIONS)
    require(bags > 0 and start.shape[0] == bags and stop.shape[0] == bags, "each bag must have a centre and two ends")
    require(centre[0] >= 0 and centre[bags - 1] < tokens.shape[0], "centres must stand in the text")
    return require(first.shape[0] == blocks + 1 and first[0] >= 0 and first[blocks] <= bags,
                   "first must have a number for each block of positions and one more")


cdef int require_rows(const real[::view.strided, ::view.contiguous] matrix, Py_ssize_t rows, Py_ssize_t d,
                      Py_ssize_t ld) except -1:
    """Require that rows start on cache lines, ld numbers apart. If there is only one row, there is no stride to
    check."""
    require(matrix.shape[0] == rows and matrix.shape[1] == d and d > 0, "all matrices must have the same columns")
    require(rows <= 1 or stride(matrix) == ld, "all matrices must have the same stride")
    require(ld >= d and ld * <Py_ssize_t> sizeof(real) % LINE == 0, "rows must be padded to whole cache lines")
    return require_line(rows_of(matrix))


cdef int require_scratch(const real[:, ::1] scratch, Py_ssize_t size) except -1:
    require(scratch.shape[0] > 0 and scratch.shape[1] * <Py_ssize_t> sizeof(real) >= size,
            "each thread must have its work space")
    require(scratch.shape[1] * <Py_ssize_t> sizeof(real) % LINE == 0, "work space must be padded to whole cache lines")
    return require_line(&scratch[0, 0])


cdef windows as_struct(const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
                       const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
                       const real[::view.strided, ::view.contiguous] F) noexcept:
    cdef windows w
    w.tokens, w.centre, w.start, w.stop, w.first = &tokens[0], &centre[0], &start[0], &stop[0], &first[0]
    w.n, w.bags, w.reach, w.d = tokens.shape[0], centre.shape[0], reach, F.shape[1]
    w.ld, w.features, w.targets, w.past_caches, w.half = ld, F.shape[0], 0, False, False
    return w


def dots(int isa, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
         const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
         const real[::view.strided, ::view.contiguous] F, const int32_t[::1] target,
         const real[::view.strided, ::view.contiguous] W, real[:, ::1] scratch, real[::1] out):
    """Compute h_j · W[target_j] for each bag. ld is the stride of all matrices, in numbers (a single row has no stride
    of its own). Each row of scratch (threads, scratch_bytes) must start on a cache line. There must be at least one bag
    and one column."""
    require_text(tokens, centre, start, stop, first)
    require_rows(F, F.shape[0], F.shape[1], ld)
    require_rows(W, W.shape[0], F.shape[1], ld)
    require_scratch(scratch, ring_bytes(reach))
    require(target.shape[0] == centre.shape[0] == out.shape[0], "each bag must have a target and a dot product")
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    cdef Py_ssize_t block, of_each = scratch.shape[1]
    cdef const real* F_ = &F[0, 0]
    cdef const real* W_ = &W[0, 0]
    cdef real* scratch_ = &scratch[0, 0]
    for block in prange(first.shape[0] - 1, nogil=True, schedule="dynamic", num_threads=<int> scratch.shape[0]):
        window_dots(isa, &w, block, F_, &target[0], W_, scratch_ + threadid() * of_each, &out[0])


def means(int isa, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
          const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
          const real[::view.strided, ::view.contiguous] F, real[:, ::1] scratch,
          real[::view.strided, ::view.contiguous] out):
    """Compute h_j for each bag. The arguments are as for dots."""
    require_text(tokens, centre, start, stop, first)
    require_rows(F, F.shape[0], F.shape[1], ld)
    require_rows(out, centre.shape[0], F.shape[1], ld)
    require_scratch(scratch, ring_bytes(reach))
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    cdef Py_ssize_t block, of_each = scratch.shape[1]
    cdef const real* F_ = &F[0, 0]
    cdef real* scratch_ = &scratch[0, 0]
    cdef real* out_ = &out[0, 0]
    for block in prange(first.shape[0] - 1, nogil=True, schedule="dynamic", num_threads=<int> scratch.shape[0]):
        window_means(isa, &w, block, F_, scratch_ + threadid() * of_each, out_)


def sum_parts(Py_ssize_t bags):
    """Return the number of parts in which `sums` adds up ``bags`` bags."""
    return max(1, min(MAX_PARTS, bags // PART_BAGS))


def sums(const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start, const int32_t[::1] stop,
         const double[::1] values, const double[::1] squares, Py_ssize_t reach, double[:, :, ::1] rings,
         double[:, :, ::1] parts, double[:, ::1] out, int threads):
    """Set out (2, columns) to the sums of value / size and of square / size² over the bags that contain a token. rings
    (sum_parts, ring_size places, 4) and parts (sum_parts, columns, 2) need no initial values. There must be at least
    one bag."""
    cdef Py_ssize_t n = tokens.shape[0], bags = centre.shape[0], columns = out.shape[1], part, column, count, i
    cdef double total
    require(bags > 0 and start.shape[0] == stop.shape[0] == values.shape[0] == squares.shape[0] == bags,
            "each bag must have one value and one square")
    require(parts.shape[0] > 0 and parts.shape[1] == columns and parts.shape[2] == out.shape[0] == 2,
            "parts must have the columns of the result")
    require(rings.shape[0] == parts.shape[0] and rings.shape[1] == ring_size(reach) and rings.shape[2] == 4,
            "each part must have a ring")
    count = parts.shape[0]
    with nogil, parallel(num_threads=threads):
        for part in prange(count, schedule="static"):
            part_sums(&tokens[0], n, &centre[0], &start[0], &stop[0], &values[0], &squares[0], reach,
                      bags * part // count, bags * (part + 1) // count, &rings[part, 0, 0], &parts[part, 0, 0], columns)
        for column in prange(columns, schedule="static"):
            for i in range(2):
                total = 0
                for part in range(count):
                    total = total + parts[part, column, i]
                out[i, column] = total


cdef void part_sums(const int32_t* tokens, Py_ssize_t n, const int32_t* centre, const int32_t* start,
                    const int32_t* stop, const double* values, const double* squares, Py_ssize_t reach,
                    Py_ssize_t first, Py_ssize_t last, double* ring, double* out, Py_ssize_t columns) noexcept nogil:
    """Compute sums over the bags from `first` to `last`. A place of the ring holds the change of the running sums at a
    position, and the terms of the bag centred there, which are not added for the centre token itself."""
    cdef Py_ssize_t wrap = ring_size(reach) - 1, j = first, p
    cdef double total = 0, total_square = 0, value, square, size
    cdef double* place
    memset(out, 0, 2 * columns * sizeof(double))
    memset(ring, 0, 4 * (wrap + 1) * sizeof(double))
    if first == last:
        return
    for p in range(max(0, centre[first] - reach), min(n, centre[last - 1] + reach + 1)):
        while j < last and centre[j] - reach <= p:  # windows of later bags start after p
            size = stop[j] - start[j] - 1
            value, square = values[j] / size, squares[j] / (size * size)
            add_pair(ring + 4 * (start[j] & wrap), value, square)
            add_pair(ring + 4 * (stop[j] & wrap), -value, -square)
            add_pair(ring + 4 * (centre[j] & wrap) + 2, value, square)
            j += 1
        place = ring + 4 * (p & wrap)
        total += place[0]
        total_square += place[1]
        if tokens[p] >= 0:
            add_pair(out + 2 * tokens[p], total - place[2], total_square - place[3])
        memset(place, 0, 4 * sizeof(double))


cdef inline void add_pair(double* to, double first, double second) noexcept nogil:
    to[0] += first
    to[1] += second


def pull(int isa, const int32_t[::1] tokens, const int32_t[::1] centre, const int32_t[::1] start,
         const int32_t[::1] stop, const int64_t[::1] first, Py_ssize_t reach, Py_ssize_t ld,
         const real[::view.strided, ::view.contiguous] F, const int32_t[::1] target,
         const real[::view.strided, ::view.contiguous] W, const real[::1] zeta, const real[::1] gamma,
         real[:, ::1] scratch, uint8_t[::1] plan, real[:, ::1] panels,
         real[::view.strided, ::view.contiguous] X, real[::view.strided, ::view.contiguous] Z,
         real[::view.strided, ::view.contiguous] G, bint past_caches, bint half):
    """Compute X, Z and G. The arguments are as for dots. plan has plan_size bytes. Each row of panels (threads,
    panels_size) must start on a cache line. X may be W. With `past_caches`, for results that exceed the last-level
    cache, X, Z and G are written directly to memory. With `half`, F and W, which must have equally many rows, are
    rounded to bfloat16 when they are read (only for float32 with vectors of 64 bytes)."""
    require_text(tokens, centre, start, stop, first)
    require_rows(F, F.shape[0], F.shape[1], ld)
    require_rows(W, W.shape[0], F.shape[1], ld)
    require_rows(X, W.shape[0], F.shape[1], ld)
    require_rows(Z, F.shape[0], F.shape[1], ld)
    require_rows(G, F.shape[0], F.shape[1], ld)
    require_scratch(scratch, ring_bytes(reach))
    require_scratch(panels, panels_bytes(F.shape[0], W.shape[0]))
    require(panels.shape[0] == scratch.shape[0], "each thread must have panels")
    require(plan.shape[0] >= plan_bytes(tokens.shape[0], reach, sizeof(real)), "plan must have plan_size bytes")
    require(target.shape[0] == centre.shape[0] == zeta.shape[0] == gamma.shape[0], "each bag must have a target")
    require_line(&plan[0])
    cdef windows w = as_struct(tokens, centre, start, stop, first, reach, ld, F)
    require(not half or F.shape[0] == W.shape[0], "rounded matrices must have the same rows")
    w.targets, w.past_caches, w.half = W.shape[0], past_caches, half
    cdef Py_ssize_t wide = LINE // sizeof(real), strips = blocks_of(F.shape[1], wide), strip, block
    cdef Py_ssize_t of_each = scratch.shape[1], panels_of_each = panels.shape[1]
    cdef int threads = <int> scratch.shape[0]
    cdef const real* F_ = &F[0, 0]
    cdef const real* W_ = &W[0, 0]
    cdef real* scratch_ = &scratch[0, 0]
    cdef real* panels_ = &panels[0, 0]
    cdef real* X_ = &X[0, 0]
    cdef real* Z_ = &Z[0, 0]
    cdef real* G_ = &G[0, 0]
    with nogil, parallel(num_threads=threads):
        for block in prange(first.shape[0] - 1, schedule="static"):
            window_plan(isa, &w, block, &target[0], &zeta[0], &gamma[0], &plan[0])
        for strip in prange(strips, schedule="dynamic"):
            window_pull(isa, &w, strip, &plan[0], F_, W_, scratch_ + threadid() * of_each,
                        panels_ + threadid() * panels_of_each, X_, Z_, G_)
