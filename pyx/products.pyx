# cython: language_level=3
"""Tall matrices against d×d ones: the d² work of a step, on the machine's matrix or vector unit, or through BLAS-3.

What      matmul    out = A M  (+ out)         A (n, k), M (k, d), out (n, d): a block of rows is one gemm
          gram      out = by Aᵀ B (+ keep C)   A (n, k), B (n, d), C and out (k, d) float64; or Aᵀ B + Bᵀ A; B may be
                                               rows of a larger matrix and half of A
          gram_half out = Aᵀ diag(s²) A, or Aᵀ B where that is symmetric: half computed, both filled
          transform A ← [A v] M                A (n, d), v (n,), M (d + 1, d), in float64
dtypes    real = float32 or float64; the sums of gram run in `real` inside a block of rows and in float64 across
          blocks, which keeps the d×d state in float64 where it is earned
memory    outputs and work space come from the caller; rows of tall matrices may lie further apart
cost      2 n k d flops (gram_half n d²), A and out once through memory, M from cache
unit      float32 products run on the matrix unit where there is one (tiles.h), these and float64 ones by AVX-512 or
          AVX2 (vectors.h), as accurate as through BLAS; the caller chooses by `unit` and gives work space
threads   OpenMP threads take whole blocks and call a single-threaded BLAS: the caller holds BLAS at one thread
          (wordsparse.machine.threads). Blocks, and how they are added up, depend on n alone, so the result is the
          same to the last bit for any number of threads
"""

from cython cimport view
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t, uint16_t
from scipy.linalg.cython_blas cimport dgemm, dsyrk, sgemm, ssyrk

cdef extern from "tiles.h" nogil:
    enum:
        PANEL
        TILED_ROWS
        TILES_COMPILED
    int tiles_lent()
    Py_ssize_t panels(Py_ssize_t)
    Py_ssize_t packed_size(Py_ssize_t, Py_ssize_t)
    Py_ssize_t matmul_work(Py_ssize_t)
    Py_ssize_t gram_work(Py_ssize_t, Py_ssize_t)
    void tiles_pack(const void*, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, uint16_t*)
    void pack_rows(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, uint16_t*)
    void pack_columns(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, uint16_t*)
    void tiles_matmul(uint16_t*, Py_ssize_t, Py_ssize_t, const uint16_t*, Py_ssize_t, int, float*, Py_ssize_t)
    void tiles_mirror(float*, Py_ssize_t, Py_ssize_t)
    void tiles_gram(const float*, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                    const float*, float*, uint16_t*)

cdef extern from "vectors.h" nogil:
    enum:
        PANEL_BYTES
        VECTOR_ROWS
        AVX_COMPILED
        WITH_AVX2
        WITH_AVX512
    int avx2_lent()
    int avx512_lent()
    Py_ssize_t vector_panels(Py_ssize_t, Py_ssize_t)
    Py_ssize_t vector_packed_size(Py_ssize_t, Py_ssize_t, Py_ssize_t)
    Py_ssize_t vector_left_size(Py_ssize_t, Py_ssize_t)
    Py_ssize_t vector_gram_size(Py_ssize_t, Py_ssize_t)
    void vectors_pack_f32(int, const void*, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, float*)
    void vectors_pack_f64(int, const void*, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, double*)
    void vectors_left_f32(int, const float*, Py_ssize_t, const int64_t*, const float*, Py_ssize_t, Py_ssize_t, float*)
    void vectors_left_f64(int, const double*, Py_ssize_t, const int64_t*, const double*, Py_ssize_t, Py_ssize_t,
                          double*)
    void vectors_matmul_f32(int, const float*, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, int, float*,
                            Py_ssize_t)
    void vectors_matmul_f64(int, const double*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, int, double*,
                            Py_ssize_t)
    void vectors_gram_f32(int, const float*, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, const int64_t*,
                          Py_ssize_t, Py_ssize_t, const float*, int, float*, float*)
    void vectors_gram_f64(int, const double*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, const int64_t*,
                          Py_ssize_t, Py_ssize_t, const double*, int, double*, double*)

cdef extern from "sums.h" nogil:
    enum:
        STRIP_ROWS
    void sum_parts_f32(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int,
                       const double*, double, double, double*)
    void sum_parts_f64(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int,
                       const double*, double, double, double*)

ctypedef fused real:
    float
    double

# What the matrix unit takes on the right, beside a float32 left side.
ctypedef fused right:
    float
    double

cdef enum:
    # A block of rows: tall enough to pay for packing M, small enough that two threads share a minibatch evenly.
    BLOCK = 512
    # Rows that gram sums in `real` before the sum goes to float64, and the number of such sums kept at a time.
    MOST_ROWS = 4096

    # What computes a product.
    ON_BLAS = 0
    ON_AVX2 = WITH_AVX2
    ON_AVX512 = WITH_AVX512
    ON_TILES = 3
    # Few rows against a d×d matrix: threads share out its columns, each packed just before it is used.
    FEW_ROWS = 4 * VECTOR_ROWS

BLAS, AVX2, AVX512, TILES = ON_BLAS, ON_AVX2, ON_AVX512, ON_TILES
# Those beside BLAS that the compiler could build.
COMPILED = frozenset(((AVX2, AVX512) if AVX_COMPILED else ()) + ((TILES,) if TILES_COMPILED else ()))
# Those beside BLAS that this machine has and lends to this process.
LENT = frozenset(unit for unit, lent in ((AVX2, avx2_lent()), (AVX512, avx512_lent()), (TILES, tiles_lent())) if lent)
MOST_PARTS = 8


cdef inline bint on_vectors(int unit) noexcept nogil:
    return unit == ON_AVX2 or unit == ON_AVX512


def part_rows(Py_ssize_t n):
    """How many of n rows gram sums in `real`: a function of n alone, see above. Rounds of MOST_PARTS are whole."""
    cdef Py_ssize_t rounds = max(1, (n + MOST_PARTS * MOST_ROWS - 1) // (MOST_PARTS * MOST_ROWS))
    return max(BLOCK, (n + rounds * MOST_PARTS - 1) // (rounds * MOST_PARTS))


def tiles_pay(Py_ssize_t n, Py_ssize_t k, Py_ssize_t d):
    """Whether (n, k)(k, d), or (n, k)ᵀ(n, d), takes less time on the matrix unit than without it."""
    # ns: 2 flops a multiplication at 450 GFLOP/s, but tiles are 32 rows and columns, filled or not; packing; the rest.
    # The others are taken at 140 GFLOP/s. Ratios, not rates, decide, and those are much the same on all that have it.
    cdef double tiles = panels(n) * panels(k) * panels(d) * (32**3 / 225.0)
    return tiles + 0.3 * ((n + 2 * k) * d + n * k) + 3000 < <double> n * k * d / 70


cdef struct Work:
    # Work space of a unit, in 16-bit numbers: what threads share comes first, then each one's own.
    Py_ssize_t shared, own


cdef Work of_matmul(int unit, Py_ssize_t size, Py_ssize_t n, Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    if unit == ON_TILES:
        return Work(packed_size(k, d if n > TILED_ROWS else PANEL), matmul_work(k))
    if n <= FEW_ROWS:
        return Work(size // 2 * vector_left_size(n, k), size // 2 * vector_packed_size(k, PANEL_BYTES // size, size))
    return Work(size // 2 * vector_packed_size(k, d, size), size // 2 * vector_left_size(VECTOR_ROWS, k))


cdef Work of_gram(int unit, Py_ssize_t size, Py_ssize_t n, Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    if on_vectors(unit):
        return Work(0, size // 2 * vector_gram_size(d, size))
    return Work(packed_size(n, d), matmul_work(n)) if n <= TILED_ROWS else Work(0, gram_work(k, d))


def work_size(int unit, Py_ssize_t size, Py_ssize_t n, Py_ssize_t k, Py_ssize_t d, int threads):
    """16-bit numbers of work space for any product of such sizes, numbers of `size` bytes, on a unit; 0 for BLAS."""
    cdef Work matmul = of_matmul(unit, size, n, k, d), gram = of_gram(unit, size, n, k, d)
    if unit == ON_BLAS:
        return 0
    return max(matmul.shared + threads * matmul.own, gram.shared + threads * gram.own,
               threads * gram_work(k, d) if unit == ON_TILES else 0)


def transform_work_size(int unit, Py_ssize_t k, Py_ssize_t d, int threads):
    """The same for transform, whatever the rows."""
    cdef Work sizes = of_transform(k, d)
    return sizes.shared + threads * sizes.own if on_vectors(unit) else 0


cdef inline Work of_transform(Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    return of_matmul(ON_AVX2, sizeof(double), FEW_ROWS + 1, k, d)


cdef inline int stride(const real[::view.strided, ::view.contiguous] matrix) noexcept:
    """From one row to the next, in numbers."""
    return <int> (matrix.strides[0] // <Py_ssize_t> sizeof(real))


cdef void gemm(char transa, char transb, int m, int n, int k, const real* a, int lda, const real* b, int ldb,
               real beta, real* c, int ldc) noexcept nogil:
    """Column-major C = op(A) op(B) + beta C."""
    cdef real one = 1
    if real is float:
        sgemm(&transa, &transb, &m, &n, &k, &one, <float*> a, &lda, <float*> b, &ldb, &beta, c, &ldc)
    else:
        dgemm(&transa, &transb, &m, &n, &k, &one, <double*> a, &lda, <double*> b, &ldb, &beta, c, &ldc)


cdef void syrk(int n, int k, const real* a, int lda, real* c) noexcept nogil:
    """Upper half, column-major, of C = A Aᵀ for column-major A (n, k): the lower one, row-major, of the Gram matrix
    of k rows. (OpenBLAS takes a quarter more time for the other half.)"""
    cdef real one = 1, zero = 0
    cdef char upper = c'U', plain = c'N'
    if real is float:
        ssyrk(&upper, &plain, &n, &k, &one, <float*> a, &lda, &zero, c, &n)
    else:
        dsyrk(&upper, &plain, &n, &k, &one, <double*> a, &lda, &zero, c, &n)


def matmul(const real[::view.strided, ::view.contiguous] a, const right[:, ::1] m, bint transposed,
           real[::view.strided, ::view.contiguous] out, bint accumulate, int threads, int unit=ON_BLAS,
           uint16_t[::1] work=None):
    """out = a m, or out += a m; transposed: mᵀ for m. On a unit with work, see work_size; m may be float64 beside a
    float32 a then."""
    cdef Py_ssize_t n = a.shape[0], block, blocks = (n + BLOCK - 1) // BLOCK
    cdef int k = <int> a.shape[1], d = <int> out.shape[1], ld_m = <int> m.shape[1]
    cdef int ld_a = stride(a), ld_out = stride(out)
    cdef char order = c'T' if transposed else c'N'
    cdef real beta = 1 if accumulate else 0
    if n == 0 or d == 0 or k == 0:
        return
    if real is float and unit == ON_TILES:
        matmul_on_tiles(&a[0, 0], ld_a, n, k, &m[0, 0], right is double, ld_m, d, transposed, &out[0, 0], ld_out,
                        accumulate, threads, &work[0])
    elif on_vectors(unit):
        matmul_on_vectors(unit, &a[0, 0], ld_a, NULL, <const real*> NULL, n, k, &m[0, 0], right is double, ld_m, d,
                          transposed, &out[0, 0], ld_out, accumulate, threads, <real*> &work[0])
    else:
        for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
            # Row-major (rows, k)(k, d) is column-major (d, k)(k, rows).
            gemm(order, c'N', d, <int> min(BLOCK, n - block * BLOCK), k, <const real*> &m[0, 0], ld_m,
                 &a[block * BLOCK, 0], ld_a, beta, &out[block * BLOCK, 0], ld_out)


cdef void matmul_on_tiles(const float* a, Py_ssize_t ld_a, Py_ssize_t n, Py_ssize_t k, const void* m, bint is_double,
                          Py_ssize_t ld_m, Py_ssize_t d, bint transposed, float* out, Py_ssize_t ld_out,
                          bint accumulate, int threads, uint16_t* packed) noexcept nogil:
    cdef Work sizes = of_matmul(ON_TILES, 4, n, k, d)
    cdef uint16_t* own = packed + sizes.shared
    cdef Py_ssize_t block, rows, column, columns
    if n <= TILED_ROWS:
        # A panel of the right side at a time, multiplied while it is in the cache.
        pack_rows(a, ld_a, n, k, own)
        for block in range(panels(d)):
            column = block * PANEL
            columns = min(PANEL, d - column)
            tiles_pack(m, is_double, ld_m, k, column, columns, transposed, packed)
            tiles_matmul(own, n, k, packed, columns, accumulate, out + column, ld_out)
        return
    tiles_pack(m, is_double, ld_m, k, 0, d, transposed, packed)
    for block in prange((n + TILED_ROWS - 1) // TILED_ROWS, schedule="dynamic", num_threads=threads):
        rows = min(TILED_ROWS, n - block * TILED_ROWS)
        pack_rows(a + block * TILED_ROWS * ld_a, ld_a, rows, k, own + threadid() * sizes.own)
        tiles_matmul(own + threadid() * sizes.own, rows, k, packed, d, accumulate, out + block * TILED_ROWS * ld_out,
                     ld_out)


def matmul_rows(const real[:, ::1] a, const int64_t[::1] rows, const real[::1] last, const double[:, ::1] m,
                real[::view.strided, ::view.contiguous] out, int threads, int unit,
                uint16_t[::1] work):
    """out = a[rows] m, or [a[rows] last] m; on a vector unit only, which gathers rows as it goes. m as for matmul."""
    cdef Py_ssize_t n = rows.shape[0], k = m.shape[0], d = out.shape[1]
    cdef const real* last_ = &last[0] if last is not None and n else NULL
    if n == 0 or d == 0 or k == 0:
        return
    matmul_on_vectors(unit, &a[0, 0], a.shape[1], &rows[0], last_, n, k, &m[0, 0], True, d, d, False, &out[0, 0],
                      stride(out), False, threads, <real*> &work[0])


cdef void matmul_on_vectors(int unit, const real* a, Py_ssize_t ld_a, const int64_t* chosen, const real* last,
                            Py_ssize_t n, Py_ssize_t k, const void* m, bint is_double, Py_ssize_t ld_m, Py_ssize_t d,
                            bint transposed, real* out, Py_ssize_t ld_out, bint accumulate, int threads,
                            real* shared) noexcept nogil:
    cdef Py_ssize_t size = sizeof(real), panel = PANEL_BYTES // size, block, row, rows, column, columns
    cdef Work sizes = of_matmul(unit, size, n, k, d)
    cdef Py_ssize_t of_each = sizes.own // (size // 2)
    cdef real* own = shared + sizes.shared // (size // 2)
    if n <= FEW_ROWS:
        vectors_left(unit, a, ld_a, chosen, last, n, k, shared)
        for block in prange(vector_panels(d, size), schedule="static", num_threads=threads):
            column = block * panel
            columns = min(panel, d - column)
            vectors_pack(unit, m, is_double, ld_m, k, column, columns, transposed, own + threadid() * of_each)
            vectors_matmul(unit, shared, n, k, own + threadid() * of_each, columns, accumulate, out + column, ld_out)
        return
    vectors_pack(unit, m, is_double, ld_m, k, 0, d, transposed, shared)
    for block in prange((n + VECTOR_ROWS - 1) // VECTOR_ROWS, schedule="dynamic", num_threads=threads):
        row = block * VECTOR_ROWS
        rows = min(VECTOR_ROWS, n - row)
        vectors_left(unit, a if chosen != NULL else a + row * ld_a, ld_a, chosen + row if chosen != NULL else NULL,
                     last + row if last != NULL else NULL, rows, k, own + threadid() * of_each)
        vectors_matmul(unit, own + threadid() * of_each, rows, k, shared, d, accumulate, out + row * ld_out, ld_out)


def transform(real[:, ::1] v, const double[::1] last, const double[:, ::1] m, double[:, ::1] scratch, int threads,
              int unit=ON_BLAS, uint16_t[::1] work=None):
    """v ← [v last] m in place, each row in float64 and then rounded; last None: v m. scratch (threads, transform_size);
    on a vector unit with work, see transform_work_size."""
    cdef Py_ssize_t n = v.shape[0], d = v.shape[1], k = m.shape[0], block, row, rows, i, j
    cdef Work sizes = of_matmul(unit, sizeof(double), FEW_ROWS + 1, k, d)
    cdef Py_ssize_t of_each = sizes.own // 4
    cdef double* packed = <double*> &work[0] if on_vectors(unit) else NULL
    cdef double* own = packed + sizes.shared // 4
    cdef double* wide
    cdef double* product
    if on_vectors(unit):
        vectors_pack_f64(unit, &m[0, 0], True, d, k, 0, d, False, packed)
    for block in prange((n + VECTOR_ROWS - 1) // VECTOR_ROWS, nogil=True, schedule="dynamic", num_threads=threads):
        row = block * VECTOR_ROWS
        rows = min(VECTOR_ROWS, n - row)
        wide = &scratch[threadid(), 0]
        product = wide + VECTOR_ROWS * k
        for i in range(rows):
            for j in range(d):
                wide[i * k + j] = v[row + i, j]
            if last is not None:
                wide[i * k + d] = last[row + i]
        if on_vectors(unit):
            vectors_left_f64(unit, wide, k, NULL, NULL, rows, k, own + threadid() * of_each)
            vectors_matmul_f64(unit, own + threadid() * of_each, rows, k, packed, d, False, product, d)
        else:
            gemm(c'N', c'N', <int> d, <int> rows, <int> k, &m[0, 0], <int> d, <const double*> wide, <int> k, <double> 0,
                 product, <int> d)
        for i in range(rows):
            for j in range(d):
                v[row + i, j] = <real> product[i * d + j]


def transform_size(Py_ssize_t k, Py_ssize_t d):
    """Numbers of scratch for each thread of transform."""
    return VECTOR_ROWS * (k + d)


cdef void vectors_pack(int unit, const void* b, int is_double, Py_ssize_t ld, Py_ssize_t inner, Py_ssize_t first,
                       Py_ssize_t columns, int transposed, real* packed) noexcept nogil:
    if real is float:
        vectors_pack_f32(unit, b, is_double, ld, inner, first, columns, transposed, packed)
    else:
        vectors_pack_f64(unit, b, is_double, ld, inner, first, columns, transposed, packed)


cdef void vectors_left(int unit, const real* a, Py_ssize_t ld, const int64_t* chosen, const real* last, Py_ssize_t rows,
                       Py_ssize_t inner, real* left) noexcept nogil:
    if real is float:
        vectors_left_f32(unit, a, ld, chosen, last, rows, inner, left)
    else:
        vectors_left_f64(unit, a, ld, chosen, last, rows, inner, left)


cdef void vectors_matmul(int unit, const real* left, Py_ssize_t rows, Py_ssize_t inner, const real* packed,
                         Py_ssize_t columns, int accumulate, real* c, Py_ssize_t ld_c) noexcept nogil:
    if real is float:
        vectors_matmul_f32(unit, left, rows, inner, packed, columns, accumulate, c, ld_c)
    else:
        vectors_matmul_f64(unit, left, rows, inner, packed, columns, accumulate, c, ld_c)


cdef void vectors_gram(int unit, const real* a, Py_ssize_t ld_a, Py_ssize_t k, const real* b, Py_ssize_t ld_b,
                       const int64_t* chosen, Py_ssize_t d, Py_ssize_t n, const real* scale, int half, real* c,
                       real* own) noexcept nogil:
    if real is float:
        vectors_gram_f32(unit, a, ld_a, k, b, ld_b, chosen, d, n, scale, half, c, own)
    else:
        vectors_gram_f64(unit, a, ld_a, k, b, ld_b, chosen, d, n, scale, half, c, own)


cdef void scale_rows(const real* a, Py_ssize_t ld, const real* scale, Py_ssize_t n, Py_ssize_t d,
                     real* out) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(d):
            out[i * d + j] = scale[i] * a[i * ld + j]


cdef void sum_parts(const real* parts, Py_ssize_t count, Py_ssize_t size, Py_ssize_t d, Py_ssize_t first,
                    Py_ssize_t last, Py_ssize_t columns, bint mirrored, const double* base, double keep, double by,
                    double* total) noexcept nogil:
    if real is float:
        sum_parts_f32(parts, count, size, d, first, last, columns, mirrored, base, keep, by, total)
    else:
        sum_parts_f64(parts, count, size, d, first, last, columns, mirrored, base, keep, by, total)


cdef void gram_panel(const real* a, Py_ssize_t ld, Py_ssize_t n, Py_ssize_t k, Py_ssize_t d, Py_ssize_t panel,
                     const uint16_t* packed, uint16_t* work, real* product, bint mirrored, const double* base,
                     double keep, double by, double* total) noexcept nogil:
    """Rows of aᵀ b, a panel of them; added up unless the product is to be mirrored."""
    cdef Py_ssize_t first = panel * PANEL, rows = min(PANEL, k - first), strip, row
    if real is float:
        pack_columns(a + first, ld, rows, n, work)
        tiles_matmul(work, rows, n, packed, d, False, product, d)
    if mirrored:
        return
    for strip in range((rows + STRIP_ROWS - 1) // STRIP_ROWS):
        row = strip * STRIP_ROWS
        sum_parts(product, 1, 0, d, row, min(rows, row + STRIP_ROWS), d, False,
                  base + first * d if base != NULL else NULL, keep, by, total + first * d)


def gram(const real[::view.strided, ::view.contiguous] a, const real[::view.strided, ::view.contiguous] b,
         Py_ssize_t rows, real[:, :, ::1] parts, const double[:, ::1] base, double keep, double by, bint mirrored,
         double[:, ::1] total, int threads, int unit=ON_BLAS, uint16_t[::1] work=None,
         const int64_t[::1] chosen=None):
    """total = keep base + by aᵀ b over n ≥ 1 rows, base None: 0; mirrored: aᵀ b + bᵀ a; chosen, on a vector unit only:
    with b[chosen] + a/2 for b. parts (up to MOST_PARTS, k, d) and total (k, d) as they come; rows is part_rows(n). On a
    unit with work, see work_size."""
    cdef Py_ssize_t n = a.shape[0], first = 0, part, count, row, strip
    cdef int k = <int> a.shape[1], d = <int> b.shape[1], ld_a = stride(a), ld_b = stride(b)
    cdef const double* base_ = &base[0, 0] if base is not None else NULL
    cdef Work sizes = of_gram(unit, sizeof(real), n, k, d)
    cdef bint gathers = chosen is not None
    cdef uint16_t* packed = &work[0] if work is not None else NULL
    cdef uint16_t* own = packed + sizes.shared
    if real is float and unit == ON_TILES and n <= TILED_ROWS:
        # A panel of rows of the product at a time, added up while it is in the cache; all of them if they are mirrored.
        tiles_pack(&b[0, 0], False, ld_b, n, 0, d, False, packed)
        for part in prange(panels(k), nogil=True, schedule="static",
                           num_threads=threads if mirrored else max(1, min(threads, k // PANEL))):
            gram_panel(&a[0, 0], ld_a, n, k, d, part, packed, own + threadid() * sizes.own,
                       &parts[0, 0, 0] + (part if mirrored else threadid()) * PANEL * d, mirrored, base_, keep, by,
                       &total[0, 0])
        if not mirrored:
            return
        first = n
        for strip in prange((d + 15) // 16, nogil=True, schedule="dynamic", num_threads=threads):
            tiles_mirror(<float*> &parts[0, 0, 0], d, strip)
        for strip in prange((k + STRIP_ROWS - 1) // STRIP_ROWS, nogil=True, schedule="static", num_threads=threads):
            row = strip * STRIP_ROWS
            sum_parts(&parts[0, 0, 0], 1, k * d, d, row, min(k, row + STRIP_ROWS), d, False, base_, keep, by,
                      &total[0, 0])
    while first < n:
        count = min(parts.shape[0], (n - first + rows - 1) // rows)
        for part in prange(count, nogil=True, schedule="dynamic", num_threads=threads):
            row = first + part * rows
            if real is float and unit == ON_TILES:
                tiles_gram(&a[row, 0], ld_a, k, &b[row, 0], ld_b, d, min(rows, n - row), NULL, &parts[part, 0, 0],
                           own + threadid() * sizes.own)
            elif on_vectors(unit):
                vectors_gram(unit, &a[row, 0], ld_a, k, &b[0 if gathers else row, 0], ld_b,
                             &chosen[row] if gathers else NULL, d, min(rows, n - row), NULL, False, &parts[part, 0, 0],
                             <real*> (own + threadid() * sizes.own))
            else:
                # Row-major aᵀ b (k, d) is column-major bᵀ a (d, k).
                gemm(c'N', c'T', d, k, <int> min(rows, n - row), &b[row, 0], ld_b, &a[row, 0], ld_a,
                     <real> 0, &parts[part, 0, 0], d)
        for strip in prange((k + STRIP_ROWS - 1) // STRIP_ROWS, nogil=True, schedule="static", num_threads=threads):
            row = strip * STRIP_ROWS
            sum_parts(&parts[0, 0, 0], count, k * d, d, row, min(k, row + STRIP_ROWS), d, mirrored, base_, keep, by,
                      &total[0, 0])
        base_ = &total[0, 0]
        keep = 1
        first += count * rows


def gram_half(const real[::view.strided, ::view.contiguous] a, const real[::view.strided, ::view.contiguous] b,
              const real[::1] scale, real[:, :, ::1] scratch, Py_ssize_t rows, real[:, :, ::1] parts,
              double[:, ::1] total, int threads, int unit=ON_BLAS, uint16_t[::1] work=None):
    """total = aᵀ diag(scale²) a, or aᵀ b where that is symmetric, both halves. One of b and scale is None, or both; a
    scale takes scratch (threads, rows, d) on BLAS, and there the whole of aᵀ b is computed. As gram."""
    cdef Py_ssize_t n = a.shape[0], first = 0, part, count, row, strip, i, j
    cdef int d = <int> a.shape[1], ld = stride(a), ld_b = stride(b) if b is not None else 0
    cdef const double* base = NULL
    cdef bint scaled = scale is not None, other = b is not None
    cdef const real* b_
    while first < n:
        count = min(parts.shape[0], (n - first + rows - 1) // rows)
        for part in prange(count, nogil=True, schedule="dynamic", num_threads=threads):
            row = first + part * rows
            b_ = &b[row, 0] if other else NULL
            if real is float and unit == ON_TILES:
                tiles_gram(&a[row, 0], ld, d, b_, ld_b, d, min(rows, n - row), &scale[row] if scaled else NULL,
                           &parts[part, 0, 0], &work[threadid() * gram_work(d, d)])
            elif on_vectors(unit):
                vectors_gram(unit, &a[row, 0], ld, d, b_ if other else &a[row, 0], ld_b if other else ld, NULL,
                             d, min(rows, n - row), &scale[row] if scaled else NULL, True, &parts[part, 0, 0],
                             <real*> &work[threadid() * (sizeof(real) // 2) * vector_gram_size(d, sizeof(real))])
            elif other:
                gemm(c'N', c'T', d, d, <int> min(rows, n - row), b_, ld_b, &a[row, 0], ld, <real> 0,
                     &parts[part, 0, 0], d)
            elif scaled:
                scale_rows(&a[row, 0], ld, &scale[row], min(rows, n - row), d, &scratch[threadid(), 0, 0])
                syrk(d, <int> min(rows, n - row), &scratch[threadid(), 0, 0], d, &parts[part, 0, 0])
            else:
                syrk(d, <int> min(rows, n - row), &a[row, 0], ld, &parts[part, 0, 0])
        for strip in prange((d + STRIP_ROWS - 1) // STRIP_ROWS, nogil=True, schedule="static", num_threads=threads):
            row = strip * STRIP_ROWS
            sum_parts(&parts[0, 0, 0], count, d * d, d, row, min(d, row + STRIP_ROWS), min(d, row + STRIP_ROWS), False,
                      base, 1, 1, &total[0, 0])
        base = &total[0, 0]
        first += count * rows
    for i in range(d):
        for j in range(i):
            total[j, i] = total[i, j]
