"""Products of tall matrices with d×d matrices. These products are the O(d²) work of a training step, and are computed
in the vector registers (gemm.hpp).

Functions matmul    out = A M  (+ out)         A (n, k), M (k, d), out (n, d): a block of rows is one gemm
          matmul_rows   out = [A v][rows] M    rows are gathered while they are packed
          gram      out = by·Aᵀ B (+ keep·C)   A (n, k), B (n, d), C and out (k, d) float64; or Aᵀ B + Bᵀ A. B may be
                                               rows of a larger matrix plus A / 2. A symmetric product such as
                                               Aᵀ diag(s²) A is computed in one half and copied to the other
dtypes    real = float32 or float64. gram sums in `real` inside a block of rows and in float64 across blocks, so the
          d×d state is as accurate as float64 allows
memory    the caller allocates outputs; rows of tall matrices may have gaps between them
cost      2 n k d flops (half as many if symmetric). A and out pass through memory once; M stays in cache
threads   OpenMP threads take whole blocks. The blocks and the order of their sums depend only on n, so the result is
          the same to the last bit for any number of threads
"""

from cython cimport view
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport int64_t, uint8_t

from common cimport address, blocks_of, real, require, rows_of, stride

cdef extern from "work_space.hpp" namespace "wordsparse":
    cdef cppclass work_space:
        uint8_t* of(Py_ssize_t) except +

cdef extern from "gemm.hpp" namespace "wordsparse" nogil:
    Py_ssize_t PANEL_BYTES
    Py_ssize_t GEMM_ROWS
    Py_ssize_t panels_of(Py_ssize_t, Py_ssize_t)
    Py_ssize_t right_bytes(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    Py_ssize_t left_bytes(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    Py_ssize_t gram_bytes(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void pack_right[T](int, const void*, bint, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, bint, T*)
    void pack_left[T](int, const T*, Py_ssize_t, const int64_t*, const T*, Py_ssize_t, Py_ssize_t, T*)
    void multiply[T](int, const T*, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, bint, T*, Py_ssize_t)
    void gram_part[T](int, const T*, Py_ssize_t, Py_ssize_t, const T*, Py_ssize_t, const int64_t*, Py_ssize_t,
                      Py_ssize_t, const T*, bint, T*, T*)
    Py_ssize_t PARTS_ROWS
    void sum_parts[T](int, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, bint,
                      const double*, double, double, double*)

# The type of the right factor of a product whose left factor is of type `real`.
ctypedef fused right:
    float
    double

cdef enum:
    # The size of a block of rows. A block is large enough to pay for packing M, and small enough for two threads to
    # share a minibatch evenly.
    BLOCK = 512
    # The maximum number of rows that gram sums in `real` before it adds the sum to a float64 total, and the number of
    # these sums in one round.
    MAX_ROWS = 4096
    MAX_PARTS = 16


cdef inline Py_ssize_t part_rows(Py_ssize_t n) noexcept nogil:
    """Return how many rows gram sums in `real` at a time. The number depends only on n, and divides the n rows into as
    few rounds of MAX_PARTS sums as possible."""
    cdef Py_ssize_t rounds = max(1, blocks_of(n, MAX_PARTS * MAX_ROWS))
    return max(BLOCK, blocks_of(n, rounds * MAX_PARTS))


cdef struct Work:
    # The work space in bytes: the part that all threads share, and the part of each thread.
    Py_ssize_t shared, own


cdef inline bint few(Py_ssize_t n) noexcept nogil:
    """Return whether there are so few rows that threads share the columns of the d×d matrix, not the rows. Shared
    columns are packed just before they are used."""
    return n <= 4 * GEMM_ROWS


cdef Work of_matmul(Py_ssize_t size, Py_ssize_t n, Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    if few(n):
        return Work(left_bytes(n, k, size), right_bytes(k, PANEL_BYTES // size, size))
    return Work(right_bytes(k, d, size), left_bytes(GEMM_ROWS, k, size))


def matmul(int isa, const real[::view.strided, ::view.contiguous] a, const right[:, ::1] m, bint transposed,
           real[::view.strided, ::view.contiguous] out, bint accumulate, int threads):
    """Set out to the product a · m, or add the product to out (accumulate). With `transposed`, use mᵀ in place of m. If
    a is float32, m may be float64."""
    cdef Py_ssize_t n = a.shape[0], k = a.shape[1], d = out.shape[1]
    cdef const real* a_ = rows_of(a)
    cdef const void* m_ = &m[0, 0] if m.shape[0] and m.shape[1] else NULL
    cdef real* out_ = &out[0, 0] if n and d else NULL
    require(out.shape[0] == n and m.shape[transposed] == k and m.shape[not transposed] == d, "sizes must match")
    if n == 0 or d == 0 or k == 0:
        return
    cdef Work sizes = of_matmul(sizeof(real), n, k, d)
    cdef work_space work
    multiply_packed(isa, a_, stride(a), NULL, <const real*> NULL, n, k, m_, right is double, m.shape[1], d, transposed,
                    out_, stride(out), accumulate, threads, sizes, work.of(sizes.shared + threads * sizes.own))


def matmul_rows(int isa, const real[:, ::1] a, const int64_t[::1] rows, const real[::1] last, const double[:, ::1] m,
                real[::view.strided, ::view.contiguous] out, int threads):
    """Set out = a[rows] · m, or out = [a[rows] last] · m unless last is None. m is as for matmul."""
    cdef Py_ssize_t n = rows.shape[0], k = m.shape[0], d = out.shape[1]
    cdef const real* a_ = &a[0, 0] if a.shape[0] and a.shape[1] else NULL
    require(out.shape[0] == n and m.shape[1] == d and k == a.shape[1] + (last is not None), "sizes must match")
    require(last is None or last.shape[0] == n, "there must be a number in last for each row")
    if n == 0 or d == 0 or k == 0:
        return
    cdef Work sizes = of_matmul(sizeof(real), n, k, d)
    cdef work_space work
    multiply_packed(isa, a_, a.shape[1], &rows[0], address(last), n, k, &m[0, 0], True, d, d, False, &out[0, 0],
                    stride(out), False, threads, sizes, work.of(sizes.shared + threads * sizes.own))


cdef void multiply_packed(int isa, const real* a, Py_ssize_t ld_a, const int64_t* chosen, const real* last,
                          Py_ssize_t n, Py_ssize_t k, const void* m, bint is_double, Py_ssize_t ld_m, Py_ssize_t d,
                          bint transposed, real* out, Py_ssize_t ld_out, bint accumulate, int threads, Work sizes,
                          uint8_t* work) noexcept nogil:
    cdef Py_ssize_t size = sizeof(real), panel = PANEL_BYTES // size, block, row, rows, column, columns
    cdef real* shared = <real*> work
    cdef uint8_t* own = work + sizes.shared
    cdef real* mine
    if few(n):
        pack_left(isa, a, ld_a, chosen, last, n, k, shared)
        for block in prange(panels_of(d, size), schedule="static", num_threads=threads):
            mine = <real*> (own + threadid() * sizes.own)
            column = block * panel
            columns = min(panel, d - column)
            pack_right(isa, m, is_double, ld_m, k, column, columns, transposed, mine)
            multiply(isa, shared, n, k, mine, columns, accumulate, out + column, ld_out)
        return
    pack_right(isa, m, is_double, ld_m, k, 0, d, transposed, shared)
    for block in prange(blocks_of(n, GEMM_ROWS), schedule="dynamic", num_threads=threads):
        mine = <real*> (own + threadid() * sizes.own)
        row = block * GEMM_ROWS
        rows = min(GEMM_ROWS, n - row)
        pack_left(isa, a if chosen != NULL else a + row * ld_a, ld_a, chosen + row if chosen != NULL else NULL,
                  last + row if last != NULL else NULL, rows, k, mine)
        multiply(isa, mine, rows, k, shared, d, accumulate, out + row * ld_out, ld_out)


def gram(int isa, const real[::view.strided, ::view.contiguous] a, const real[::view.strided, ::view.contiguous] b,
         const int64_t[::1] chosen, const real[::1] scale, bint half, bint mirrored, const double[:, ::1] base,
         double keep, double by, double[:, ::1] total, int threads):
    """Set total = keep · base + by · aᵀ b over n ≥ 1 rows. `b` defaults to `a`, and `base` to 0.

    With `mirrored`, use aᵀ b + bᵀ a in place of aᵀ b. With `half`, aᵀ b is symmetric, so one half is computed and
    copied to the other. With `scale` (only with half and without b), use aᵀ diag(scale²) a. With `chosen`, use
    b[chosen] + a/2 in place of b. total (k, d) needs no initial values."""
    cdef Py_ssize_t n = a.shape[0], first, part, count, row, strip, stop, i, j, size = sizeof(real)
    cdef Py_ssize_t rows = part_rows(n), parts = min(MAX_PARTS, blocks_of(n, rows)), round
    cdef bint other = b is not None
    cdef Py_ssize_t k = a.shape[1], d = b.shape[1] if other else k, of_part = k * d, of_each = gram_bytes(k, d, size)
    cdef Py_ssize_t ld_a = stride(a), ld_b = stride(b if other else a)
    require(n > 0 and k > 0 and d > 0 and (k == d or not (mirrored or half)), "sizes must match")
    require(b is None or b.shape[0] == n if chosen is None else chosen.shape[0] == n and k == d,
            "sizes must match")
    require(scale is None or half and not other and scale.shape[0] == n, "there must be a number in scale for each row")
    require(total.shape[0] == k and total.shape[1] == d, "total must have the shape of the product")
    require(base is None or base.shape[0] == k and base.shape[1] == d, "base must have the shape of the product")
    cdef const real* a_ = &a[0, 0]
    cdef const real* b_ = &b[0, 0] if other else a_
    cdef const int64_t* chosen_ = address(chosen)
    cdef const real* scale_ = address(scale)
    cdef double* total_ = &total[0, 0]
    cdef const double* base_ = &base[0, 0] if base is not None else NULL
    cdef work_space work, sums
    cdef uint8_t* work_ = work.of(threads * of_each)
    cdef real* parts_ = <real*> sums.of(parts * of_part * size)
    with nogil, parallel(num_threads=threads):
        for round in range(blocks_of(n, parts * rows)):
            first = round * parts * rows
            count = min(parts, blocks_of(n - first, rows))
            for part in prange(count, schedule="dynamic"):
                row = first + part * rows
                gram_part(isa, a_ + row * ld_a, ld_a, k, b_ if chosen_ != NULL else b_ + row * ld_b, ld_b,
                          chosen_ + row if chosen_ != NULL else NULL, d, min(rows, n - row),
                          scale_ + row if scale_ != NULL else NULL, half, parts_ + part * of_part,
                          <real*> (work_ + threadid() * of_each))
            for strip in prange(blocks_of(k, PARTS_ROWS), schedule="static"):
                row = strip * PARTS_ROWS
                stop = min(k, row + PARTS_ROWS)
                sum_parts(isa, parts_, count, of_part, d, row, stop, stop if half else d, mirrored,
                          base_ if round == 0 else total_, keep if round == 0 else 1, by, total_)
    for i in range(d if half else 0):
        for j in range(i):
            total_[j * d + i] = total_[i * d + j]
