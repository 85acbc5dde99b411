# cython: language_level=3
"""Tall matrices against d×d ones: the d² work of a step, through BLAS-3.

What      matmul    out = A M  (+ out)         A (n, k), M (k, d), out (n, d): a block of rows is one gemm
          gram      out = Aᵀ B                 A (n, k), B (n, d), out (k, d) float64
          gram_self out = Aᵀ diag(s²) A        both halves filled, computed once (syrk)
dtypes    real = float32 or float64; the sums of gram run in `real` inside a block of rows and in float64 across
          blocks, which keeps the d×d state in float64 where it is earned
memory    outputs and work space come from the caller; rows of tall matrices may stand further apart than their length
cost      2 n k d flops (gram_self n d²), A and out once through memory, M from cache
threads   OpenMP threads take whole blocks and call a single-threaded BLAS: the caller holds BLAS at one thread
          (wordsparse.threads). Blocks, and the groups that add them up, depend on n alone, so the result is the
          same to the last bit for any number of threads
"""

from cython cimport view
from cython.parallel cimport prange, threadid
from scipy.linalg.cython_blas cimport dgemm, dsyrk, sgemm, ssyrk

ctypedef fused real:
    float
    double

# A block of rows: tall enough to pay for packing M, small enough that two threads share a minibatch evenly.
cdef enum:
    BLOCK = 512
    # Rows that gram sums in `real` before the sum goes to float64: d×d additions, small beside the rows' own work.
    CHUNK = 2048

GRAM_ROWS = CHUNK


def group_count(Py_ssize_t n):
    """How many partial sums gram keeps for n rows: a function of n alone, see above."""
    return max(1, min(8, n // BLOCK))


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
    """Lower half, column-major, of C = A Aᵀ for column-major A (n, k): the row-major Gram matrix of k rows."""
    cdef real one = 1, zero = 0
    cdef char lower = c'L', plain = c'N'
    if real is float:
        ssyrk(&lower, &plain, &n, &k, &one, <float*> a, &lda, &zero, c, &n)
    else:
        dsyrk(&lower, &plain, &n, &k, &one, <double*> a, &lda, &zero, c, &n)


def matmul(const real[::view.strided, ::view.contiguous] a, const real[:, ::1] m,
           real[::view.strided, ::view.contiguous] out, bint accumulate, int threads):
    """out = a m, or out += a m."""
    cdef Py_ssize_t n = a.shape[0], block, blocks = (n + BLOCK - 1) // BLOCK
    cdef int k = <int> a.shape[1], d = <int> m.shape[1]
    cdef int ld_a = stride(a), ld_out = stride(out)
    cdef real beta = 1 if accumulate else 0
    if n == 0 or d == 0 or k == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        # Row-major (rows, k)(k, d) is column-major (d, k)(k, rows).
        gemm(c'N', c'N', d, <int> min(BLOCK, n - block * BLOCK), k, &m[0, 0], d, &a[block * BLOCK, 0], ld_a,
             beta, &out[block * BLOCK, 0], ld_out)


ctypedef fused summand:
    float
    double


cdef void add_up(const summand* partial, double* total, Py_ssize_t size, bint first) noexcept nogil:
    cdef Py_ssize_t i
    if first:
        for i in range(size):
            total[i] = partial[i]
    else:
        for i in range(size):
            total[i] += partial[i]


cdef void scale_rows(const real* a, Py_ssize_t ld, const real* scale, Py_ssize_t n, Py_ssize_t d,
                     real* out) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(d):
            out[i * d + j] = scale[i] * a[i * ld + j]


cdef void gram_rows(const real* a, int ld_a, const real* b, int ld_b, Py_ssize_t n, int k, int d, real* partial,
                    double* total) noexcept nogil:
    """total = aᵀ b over n rows."""
    cdef Py_ssize_t row = 0
    while row < n:
        # Row-major aᵀ b (k, d) is column-major bᵀ a (d, k).
        gemm(c'N', c'T', d, k, <int> min(<Py_ssize_t> CHUNK, n - row), b + row * ld_b, ld_b, a + row * ld_a, ld_a,
             <real> 0, partial, d)
        add_up(partial, total, <Py_ssize_t> k * d, row == 0)
        row += CHUNK


cdef void gram_self_rows(const real* a, int ld, const real* scale, Py_ssize_t n, int d, real* scratch, real* partial,
                         double* total) noexcept nogil:
    """The column-major lower half of total = aᵀ diag(scale²) a over n rows; scale NULL: 1."""
    cdef Py_ssize_t row = 0
    cdef int rows
    while row < n:
        rows = <int> min(<Py_ssize_t> CHUNK, n - row)
        if scale is NULL:
            syrk(d, rows, a + row * ld, ld, partial)
        else:
            scale_rows(a + row * ld, ld, scale + row, rows, d, scratch)
            syrk(d, rows, scratch, d, partial)
        add_up(partial, total, <Py_ssize_t> d * d, row == 0)
        row += rows


def gram(const real[::view.strided, ::view.contiguous] a, const real[::view.strided, ::view.contiguous] b,
         real[:, :, ::1] partial, double[:, :, ::1] total):
    """total[0] = aᵀ b, n ≥ 1 rows. partial (threads, k, d) and total (group_count(n), k, d) as they come."""
    cdef Py_ssize_t n = a.shape[0], groups = total.shape[0], g
    cdef int k = <int> a.shape[1], d = <int> b.shape[1], ld_a = stride(a), ld_b = stride(b)
    for g in prange(groups, nogil=True, schedule="static", num_threads=<int> partial.shape[0]):
        gram_rows(&a[g * n // groups, 0], ld_a, &b[g * n // groups, 0], ld_b, (g + 1) * n // groups - g * n // groups,
                  k, d, &partial[threadid(), 0, 0], &total[g, 0, 0])
    for g in range(1, groups):
        add_up(&total[g, 0, 0], &total[0, 0, 0], <Py_ssize_t> k * d, False)


def gram_self(const real[::view.strided, ::view.contiguous] a, const real[::1] scale, real[:, :, ::1] scratch,
              real[:, :, ::1] partial, double[:, :, ::1] total):
    """total[0] = aᵀ diag(scale²) a, both halves, n ≥ 1 rows; scale None: 1. As gram; scratch (threads, GRAM_ROWS, d)
    where there is a scale."""
    cdef Py_ssize_t n = a.shape[0], groups = total.shape[0], g, i, j
    cdef int d = <int> a.shape[1], ld = stride(a)
    cdef bint scaled = scale is not None
    for g in prange(groups, nogil=True, schedule="static", num_threads=<int> partial.shape[0]):
        gram_self_rows(&a[g * n // groups, 0], ld, &scale[g * n // groups] if scaled else NULL,
                       (g + 1) * n // groups - g * n // groups, d, &scratch[threadid(), 0, 0] if scaled else NULL,
                       &partial[threadid(), 0, 0], &total[g, 0, 0])
    for g in range(1, groups):
        add_up(&total[g, 0, 0], &total[0, 0, 0], <Py_ssize_t> d * d, False)
    # syrk filled the column-major lower half, the row-major upper one.
    for i in range(d):
        for j in range(i):
            total[0, i, j] = total[0, j, i]
