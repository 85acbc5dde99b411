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

# A block of rows: tall enough to pay for packing M, small enough that two threads share a minibatch evenly. Gram's are
# taller, since each of them costs a pass over the d×d sum.
cdef enum:
    BLOCK = 512
    TALL = 1024

GRAM_BLOCK = TALL


def group_count(Py_ssize_t n):
    """How many partial sums gram keeps for n rows: a function of n alone, see above."""
    return max(1, min(8, (n + TALL - 1) // TALL))


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


cdef void add_up(const real* partial, double* total, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        total[i] += partial[i]


def gram(const real[::view.strided, ::view.contiguous] a, const real[::view.strided, ::view.contiguous] b,
         real[:, :, ::1] partial, double[:, :, ::1] total):
    """total[0] = aᵀ b. partial is (threads, k, d), total (zeroed) (group_count(n), k, d)."""
    cdef Py_ssize_t n = a.shape[0], groups = total.shape[0], g, block, blocks = (n + TALL - 1) // TALL
    cdef int k = <int> a.shape[1], d = <int> b.shape[1], ld_a = stride(a), ld_b = stride(b)
    if n == 0 or d == 0 or k == 0:
        return
    for g in prange(groups, nogil=True, schedule="static", num_threads=<int> partial.shape[0]):
        for block in range(g * blocks // groups, (g + 1) * blocks // groups):
            # Row-major aᵀ b (k, d) is column-major bᵀ a (d, k).
            gemm(c'N', c'T', d, k, <int> min(TALL, n - block * TALL), &b[block * TALL, 0], ld_b,
                 &a[block * TALL, 0], ld_a, <real> 0, &partial[threadid(), 0, 0], d)
            add_up(&partial[threadid(), 0, 0], &total[g, 0, 0], <Py_ssize_t> k * d)
    for g in range(1, groups):
        add_up(&total[g, 0, 0], &total[0, 0, 0], <Py_ssize_t> k * d)


cdef void add_up_half(const real* partial, double* total, Py_ssize_t d) noexcept nogil:
    """The row-major upper half only."""
    cdef Py_ssize_t i, j
    for i in range(d):
        for j in range(i, d):
            total[i * d + j] += partial[i * d + j]


cdef void scale_rows(const real* a, Py_ssize_t ld, const real* scale, Py_ssize_t n, Py_ssize_t d,
                     real* out) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(d):
            out[i * d + j] = scale[i] * a[i * ld + j]


def gram_self(const real[::view.strided, ::view.contiguous] a, const real[::1] scale, real[:, :, ::1] scratch,
              real[:, :, ::1] partial, double[:, :, ::1] total):
    """total[0] = aᵀ diag(scale²) a, both halves; scale None: 1. partial as in gram; scratch (threads, GRAM_BLOCK, d)
    where there is a scale."""
    cdef Py_ssize_t n = a.shape[0], groups = total.shape[0], g, block, blocks = (n + TALL - 1) // TALL, i, j, rows
    cdef int d = <int> a.shape[1], ld = stride(a)
    cdef bint scaled = scale is not None
    if n == 0 or d == 0:
        return
    for g in prange(groups, nogil=True, schedule="static", num_threads=<int> partial.shape[0]):
        for block in range(g * blocks // groups, (g + 1) * blocks // groups):
            rows = min(TALL, n - block * TALL)
            if scaled:
                scale_rows(&a[block * TALL, 0], ld, &scale[block * TALL], rows, d, &scratch[threadid(), 0, 0])
                syrk(d, <int> rows, &scratch[threadid(), 0, 0], d, &partial[threadid(), 0, 0])
            else:
                syrk(d, <int> rows, &a[block * TALL, 0], ld, &partial[threadid(), 0, 0])
            add_up_half(&partial[threadid(), 0, 0], &total[g, 0, 0], d)
    for g in range(1, groups):
        add_up(&total[g, 0, 0], &total[0, 0, 0], <Py_ssize_t> d * d)
    # syrk filled the column-major lower half, the row-major upper one.
    for i in range(d):
        for j in range(i):
            total[0, i, j] = total[0, j, i]
