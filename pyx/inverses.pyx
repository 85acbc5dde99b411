# cython: language_level=3
"""Inverses of d×d matrices.

Functions symmetric   several symmetric positive definite ones, each in its own place
dtypes    float64
memory    in place
cost      d³ multiply-adds each, by LAPACK (Cholesky)
threads   each matrix is one thread's
"""

from cython.parallel cimport prange
from scipy.linalg.cython_lapack cimport dpotrf, dpotri


def symmetric(double[::1] matrices, int[::1] sizes, int[::1] failed, int threads):
    """Square matrices of these sizes one after the other; failed[i] is not 0 where the i-th was not positive definite,
    and its output is not an inverse then."""
    cdef Py_ssize_t i, j, start
    cdef int count = <int> sizes.shape[0]
    for i in prange(count, nogil=True, schedule="dynamic", num_threads=threads):
        start = 0
        for j in range(i):
            start = start + <Py_ssize_t> sizes[j] * sizes[j]
        failed[i] = invert(&matrices[start], sizes[i])


cdef int invert(double* matrix, int n) noexcept nogil:
    cdef int failed = 0
    cdef Py_ssize_t i, j
    # The lower triangle in LAPACK's order of columns is the upper one here.
    dpotrf(b"L", &n, matrix, &n, &failed)
    if failed == 0:
        dpotri(b"L", &n, matrix, &n, &failed)
    for i in range(n):
        for j in range(i):
            matrix[i * n + j] = matrix[j * n + i]
    return failed
