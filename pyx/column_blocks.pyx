"""Variants of combine and pair_dots (csr_rows.pyx) for a large matrix whose rows are each read many times.

Functions combine      out = Γ W (+ diag(s) B)   (m, d)
          pair_dots    a_jk = h_j · W[c_jk]      one number per stored entry of a CSR matrix
dtypes    real = float32 or float64 for values; int64 indptr and order; int32 indices
memory    the caller allocates all arrays; rows are contiguous and may have gaps between them. A panel holds a few
          columns of all rows of W; with `half`, twice as many columns, rounded to bfloat16 (only for float32 with
          vectors of 64 bytes)
cost      2 d flops per entry. Each entry reads one block of values per panel, from the second-level cache even if W
          as a whole does not fit into it (column_blocks.hpp)
threads   for each block of columns, all threads copy the panel, then share the rows. Each number is computed by one
          thread, in an order that does not depend on the thread
"""

from cython cimport view
from cython.parallel cimport parallel, prange
from libc.stdint cimport int32_t, int64_t

from common cimport address, blocks_of, real, require, require_csr, require_line, rows_of, stride

cdef extern from "column_blocks.hpp" nogil:
    Py_ssize_t BLOCK_BYTES "wordsparse::BLOCK_BYTES"
    void copy_block "wordsparse::copy_block"[T](
        int, bint, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, T*)
    void combine_block "wordsparse::combine_block"[T](
        int, bint, const int64_t*, const int32_t*, const T*, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const T*, Py_ssize_t, const T*, T*, Py_ssize_t)
    void dots_of_block "wordsparse::dots_of_block"[T](
        int, bint, const int64_t*, const int32_t*, const T*, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        Py_ssize_t, T*)

cdef enum:
    # The number of entries whose weights a thread reorders at a time.
    ORDERED = 16384
    # The number of pieces of work per thread. With several pieces, all threads finish at about the same time.
    PIECES = 8
    # The number of rows that a thread copies at a time.
    COPIED = 1024


def panel_size(Py_ssize_t rows):
    """Return the size of the panel in bytes. The panel must be aligned to cache lines."""
    return rows * BLOCK_BYTES


cdef Py_ssize_t row_at(const int64_t* indptr, Py_ssize_t n, double share) noexcept nogil:
    """Return the row r such that the rows before r make up about `share` of the work. The work of a row is its
    number of entries plus one."""
    cdef Py_ssize_t lo = 0, hi = n, middle
    while lo < hi:
        middle = (lo + hi) // 2
        if indptr[middle] + middle < share * (indptr[n] + n):
            lo = middle + 1
        else:
            hi = middle
    return lo


cdef int require_operands(const int64_t[::1] indptr, const int32_t[::1] indices, Py_ssize_t rows,
                          const real[::view.strided, ::view.contiguous] matrix, const real[::1] panel) except -1:
    require_csr(indptr, indices, None, rows)
    require(rows > 0 and indices.shape[0] > 0 and matrix.shape[1] > 0, "there must be a row, a column and an entry")
    require(panel.shape[0] * <Py_ssize_t> sizeof(real) >= matrix.shape[0] * BLOCK_BYTES,
            "the panel must have panel_size bytes")
    return require_line(&panel[0])


def combine(int isa, bint half, const int64_t[::1] indptr, const int32_t[::1] indices, const int64_t[::1] order,
            const real[::1] weights, const real[::view.strided, ::view.contiguous] rows,
            const real[::view.strided, ::view.contiguous] base, const real[::1] scale, real[::1] panel,
            real[::1] ordered, real[::view.strided, ::view.contiguous] out, int threads):
    """Compute what csr_rows.combine computes. There must be at least one row, column and entry. panel has panel_size
    bytes. If there is an order, ordered (entries,) is scratch space."""
    cdef Py_ssize_t n = out.shape[0], d = out.shape[1], entries = indices.shape[0], block, column, columns, part, k
    cdef Py_ssize_t wide = (BLOCK_BYTES << half) // sizeof(real), ld_out = stride(out)
    cdef Py_ssize_t parts = PIECES * threads if threads > 1 else 1
    cdef const real* weights_ = address(weights if order is None else ordered)
    cdef const real* base_ = rows_of(base)
    cdef const real* scale_ = address(scale)
    cdef Py_ssize_t ld_base = stride(base) if base is not None else 0, ld = stride(rows), copied = rows.shape[0]
    cdef bint reorders = order is not None
    require_operands(indptr, indices, n, rows, panel)
    require(weights.shape[0] >= entries and (order is None or order.shape[0] == ordered.shape[0] == entries),
            "there must be a weight for each entry")
    require(rows.shape[1] == d and (base is None or base.shape[0] == n and base.shape[1] == d and scale.shape[0] == n),
            "rows, base and scale must have the shape of the result")
    with nogil, parallel(num_threads=threads):
        if reorders:
            for part in prange(blocks_of(entries, ORDERED), schedule="static"):
                for k in range(part * ORDERED, min(entries, (part + 1) * ORDERED)):
                    ordered[k] = weights[order[k]]
        for block in range(blocks_of(d, wide)):
            column = block * wide
            columns = min(wide, d - column)
            for part in prange(blocks_of(copied, COPIED), schedule="static"):
                copy_block(isa, half, &rows[0, 0], ld, part * COPIED, min(copied, (part + 1) * COPIED), column, columns,
                           &panel[0])
            for part in prange(parts, schedule="dynamic"):
                combine_block(isa, half, &indptr[0], &indices[0], weights_, &panel[0], column, columns,
                              row_at(&indptr[0], n, <double> part / parts),
                              row_at(&indptr[0], n, (part + 1.0) / parts), base_, ld_base, scale_, &out[0, 0], ld_out)


def pair_dots(int isa, bint half, const int64_t[::1] indptr, const int32_t[::1] indices,
              const real[::view.strided, ::view.contiguous] left,
              const real[::view.strided, ::view.contiguous] right, real[::1] panel, real[::1] out, int threads):
    """Compute what csr_rows.pair_dots computes. There must be at least one row, column and entry. panel is as for
    combine."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], part, block, column, columns
    cdef Py_ssize_t wide = (BLOCK_BYTES << half) // sizeof(real), ld_left = stride(left), ld_right = stride(right)
    cdef Py_ssize_t copied = right.shape[0]
    cdef Py_ssize_t parts = PIECES * threads if threads > 1 else 1
    require_operands(indptr, indices, n, right, panel)
    require(right.shape[1] == d, "both matrices must have the same columns")
    require(out.shape[0] == indices.shape[0], "out must have a number for each entry")
    with nogil, parallel(num_threads=threads):
        for block in range(blocks_of(d, wide)):
            column = block * wide
            columns = min(wide, d - column)
            for part in prange(blocks_of(copied, COPIED), schedule="static"):
                copy_block(isa, half, &right[0, 0], ld_right, part * COPIED, min(copied, (part + 1) * COPIED), column,
                           columns, &panel[0])
            for part in prange(parts, schedule="dynamic"):
                dots_of_block(isa, half, &indptr[0], &indices[0], &left[0, 0], ld_left, &panel[0], column, columns,
                              row_at(&indptr[0], n, <double> part / parts),
                              row_at(&indptr[0], n, (part + 1.0) / parts), &out[0])
