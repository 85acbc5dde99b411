"""Code that all modules use: number types, strides and addresses, counter-based random numbers, and checks.

Every array is checked before a loop uses the array's address. Sizes must match, and arrays of whole cache lines must be
aligned to cache lines."""

from cython cimport view
from libc.stdint cimport int32_t, int64_t, uint64_t

ctypedef fused real:
    float
    double

ctypedef fused number:
    float
    double
    int32_t
    int64_t

cdef enum:
    CACHE_LINE = 64


cdef inline Py_ssize_t stride(const real[::view.strided, ::view.contiguous] matrix) noexcept:
    """Return the distance from one row to the next, in numbers."""
    return matrix.strides[0] // <Py_ssize_t> sizeof(real)


cdef inline const number* address(const number[::1] vector) noexcept:
    """Return the address of the first number, or NULL if the vector is empty."""
    return &vector[0] if vector is not None and vector.shape[0] else NULL


cdef inline const real* rows_of(const real[::view.strided, ::view.contiguous] matrix) noexcept:
    """Return the address of the first row, or NULL if the matrix is empty."""
    return &matrix[0, 0] if matrix is not None and matrix.shape[0] and matrix.shape[1] else NULL


cdef inline Py_ssize_t blocks_of(Py_ssize_t rows, Py_ssize_t size) noexcept nogil:
    """Return the number of blocks of `size` rows; the last block may be shorter."""
    return (rows + size - 1) // size


cdef inline int require(bint holds, str message) except -1:
    if not holds:
        raise ValueError(message)
    return 0


cdef inline int require_line(const void* start) except -1:
    return require(<size_t> start % CACHE_LINE == 0, "work space must start on a cache line")


cdef inline int require_csr(const int64_t[::1] indptr, const int32_t[::1] indices, const int64_t[::1] order,
                            Py_ssize_t rows) except -1:
    """Check the sizes of a CSR structure. The caller guarantees that all indices are below the number of columns."""
    require(indptr.shape[0] == rows + 1, "indptr must have a number for each row and one more")
    require(indptr[0] >= 0 and indptr[rows] <= indices.shape[0], "indptr must stay within the entries")
    return require(order is None or order.shape[0] == indices.shape[0], "order must have a number for each entry")


cdef inline uint64_t mix(uint64_t key, uint64_t position) noexcept nogil:
    """Return the output of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) at `position` of stream `key`."""
    cdef uint64_t z = key + position * <uint64_t> 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)
