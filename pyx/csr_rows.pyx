"""Products of sparse rows with dense rows. In a training step, these products make up the cost per pair of words.

Functions combine      out = Γ W (+ diag(s) B)   (m, d)   Γ a CSR matrix, or ΓᵀH through its transposed structure
          pair_dots    a_jk = h_j · W[c_jk]      one number per stored entry of a CSR matrix
          sparse_gram  Γ Γᵀ              (m, m)
          row_dots     h_j · g_j             (m,)     for example q, from H and Ĥ
          sum_rows     Σ_k γ_jk              (m,)
          column_sums  Mᵀ v              (d,)
          take         out = M[rows]    (u, d)
          add_rows     M[rows] += diag(scale) change; rows are distinct
          scale_rows   diag(scale) M
          scale_columns   Γ diag(scale), entry by entry
          scaled       factor · v        (m,)     in either dtype
          totals       Σ v, for each part of v
          transpose    the CSR structure of Γᵀ and the position of each of its entries in Γ
dtypes    real = float32 or float64 for values; int64 indptr, order and rows; int32 indices (local, below 2³¹)
memory    the caller allocates every output; rows are contiguous and may have gaps between them
cost      2 d flops per entry; each entry reads one row of d values. column_blocks is faster for a matrix that is larger
          than a cache and whose rows are read many times
threads   OpenMP threads take blocks of rows; one thread computes a row, so the number of threads changes no result
"""

from cython cimport view
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t

from common cimport address, blocks_of, real, require, require_csr, rows_of, stride

ctypedef fused other_real:
    float
    double

cdef extern from "csr_rows.hpp" nogil:
    Py_ssize_t BLOCK_ROWS "wordsparse::BLOCK_ROWS"
    void prefetch_to_write "wordsparse::prefetch_to_write"(const void*)
    void combine_block "wordsparse::combine"[T](
        int, const int64_t*, const int32_t*, const int64_t*, const T*, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        Py_ssize_t, const T*, Py_ssize_t, const T*, T*, Py_ssize_t)
    void dots_of_block "wordsparse::pair_dots"[T](
        int, const int64_t*, const int32_t*, const T*, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        Py_ssize_t, T*)
    void row_dots_of_block "wordsparse::row_dots"[T](
        int, const T*, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void scale_block "wordsparse::scale_rows"[T](
        int, const T*, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, T*, Py_ssize_t)
    void add_block "wordsparse::add_rows"[T](
        int, T*, Py_ssize_t, const int64_t*, const T*, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void take_block "wordsparse::take"[T](
        int, const T*, Py_ssize_t, const int64_t*, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, T*, Py_ssize_t)
    void sums_of_part "wordsparse::column_sums"[T](
        int, const T*, Py_ssize_t, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)

cdef enum:
    # The prefetch distance, in entries. Consecutive entries are far apart in the transpose.
    ENTRIES_AHEAD = 24


cdef inline Py_ssize_t end_of(Py_ssize_t block, Py_ssize_t rows) noexcept nogil:
    return min(rows, (block + 1) * BLOCK_ROWS)


def combine(int isa, const int64_t[::1] indptr, const int32_t[::1] indices, const int64_t[::1] order,
            const real[::1] weights, const real[::view.strided, ::view.contiguous] rows,
            const real[::view.strided, ::view.contiguous] base, const real[::1] scale,
            real[::view.strided, ::view.contiguous] out, int threads):
    """Set out[r] = Σ_k weights[order[k]] · rows[indices[k]] over the entries k of row r. If there is a base, add
    scale[r] · base[r]. If there is no order, the weight of entry k is weights[k]."""
    cdef Py_ssize_t n = out.shape[0], d = out.shape[1], ld = stride(rows), ld_out = stride(out), block
    cdef Py_ssize_t ld_base = stride(base) if base is not None else 0
    cdef const int64_t* order_ = address(order)
    cdef const int32_t* indices_ = address(indices)
    cdef const real* weights_ = address(weights)
    cdef const real* rows_ = rows_of(rows)
    cdef const real* base_ = rows_of(base)
    cdef const real* scale_ = address(scale)
    require_csr(indptr, indices, order, n)
    require(weights.shape[0] >= indices.shape[0], "there must be a weight for each entry")
    require(rows.shape[1] == d and (base is None or base.shape[0] == n and base.shape[1] == d and scale.shape[0] == n),
            "rows, base and scale must have the shape of the result")
    if n == 0 or d == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        combine_block(isa, &indptr[0], indices_, order_, weights_, rows_, ld, d, block * BLOCK_ROWS, end_of(block, n),
                      base_, ld_base, scale_, &out[0, 0], ld_out)


def pair_dots(int isa, const int64_t[::1] indptr, const int32_t[::1] indices,
              const real[::view.strided, ::view.contiguous] left,
              const real[::view.strided, ::view.contiguous] right, real[::1] out, int threads):
    """Set out[k] = left[r] · right[indices[k]] for every entry k of row r of the structure."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], ld_left = stride(left), ld_right = stride(right), block
    cdef const real* left_ = rows_of(left)
    cdef const real* right_ = rows_of(right)
    require_csr(indptr, indices, None, n)
    require(right.shape[1] == d, "both matrices must have the same columns")
    require(out.shape[0] == indices.shape[0], "out must have a number for each entry")
    if out.shape[0] == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        dots_of_block(isa, &indptr[0], &indices[0], left_, ld_left, right_, ld_right, d, block * BLOCK_ROWS,
                      end_of(block, n), &out[0])


def sparse_gram(const int64_t[::1] indptr, const int32_t[::1] indices, const real[::1] weights,
                const int64_t[::1] t_indptr, const int32_t[::1] t_indices, const int64_t[::1] order,
                real[::view.strided, ::view.contiguous] out):
    """Add Γ Γᵀ to out, with one addition per pair of entries in a column. The arguments hold Γ by rows, and also by
    columns, as `transpose` returns it."""
    cdef Py_ssize_t r, k, j
    require_csr(indptr, indices, None, out.shape[0])
    require_csr(t_indptr, t_indices, order, t_indptr.shape[0] - 1)
    require(weights.shape[0] >= indices.shape[0], "there must be a weight for each entry")
    with nogil:
        for r in range(out.shape[0]):
            for k in range(indptr[r], indptr[r + 1]):
                for j in range(t_indptr[indices[k]], t_indptr[indices[k] + 1]):
                    out[r, t_indices[j]] += weights[k] * weights[order[j]]


def sum_rows(const int64_t[::1] indptr, const int64_t[::1] order, const real[::1] values, double[::1] out, int threads):
    """Set out[r] = Σ_k values[order[k]] over the entries k of row r, in float64. If there is no order, the value of
    entry k is values[k]."""
    cdef Py_ssize_t r
    cdef int64_t k
    cdef double total
    cdef const int64_t* order_ = address(order)
    cdef const real* values_ = address(values)
    require(indptr.shape[0] == out.shape[0] + 1, "indptr must have a number for each row and one more")
    require(indptr[out.shape[0]] <= (values.shape[0] if order is None else order.shape[0]),
            "indptr must stay within the entries")
    # Rows are uneven: in a minibatch of text, the longest rows, of the most frequent words, come first.
    for r in prange(out.shape[0], nogil=True, schedule="dynamic", chunksize=32, num_threads=threads):
        total = 0
        for k in range(indptr[r], indptr[r + 1]):
            total = total + values_[order_[k] if order_ != NULL else k]
        out[r] = total


def row_dots(int isa, const real[::view.strided, ::view.contiguous] left,
             const real[::view.strided, ::view.contiguous] right, double[::1] out, int threads):
    """Set out[r] = left[r] · right[r], summed in float64."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], ld_left = stride(left), ld_right = stride(right), block
    require(right.shape[0] == n and right.shape[1] == d and out.shape[0] == n, "both matrices must have the same shape")
    if n == 0 or d == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        row_dots_of_block(isa, &left[0, 0], ld_left, &right[0, 0], ld_right, d, block * BLOCK_ROWS, end_of(block, n),
                          &out[0])


def column_sums(int isa, const real[::view.strided, ::view.contiguous] matrix, const real[::1] weights,
                Py_ssize_t part_rows, double[:, ::1] parts, int threads):
    """Add Σ_r weights[r] · matrix[r] over the p-th block of part_rows rows to parts[p], which must be zero at the
    start."""
    cdef Py_ssize_t n = matrix.shape[0], d = matrix.shape[1], ld = stride(matrix), part
    require(weights.shape[0] == n and parts.shape[1] == d, "there must be a weight for each row")
    require(parts.shape[0] * part_rows >= n, "there must be a sum for each part")
    if n == 0 or d == 0:
        return
    for part in prange(parts.shape[0], nogil=True, schedule="dynamic", num_threads=threads):
        sums_of_part(isa, &matrix[0, 0], ld, &weights[0], d, part * part_rows, min(n, (part + 1) * part_rows),
                     &parts[part, 0])


def take(int isa, const real[::view.strided, ::view.contiguous] matrix, const int64_t[::1] rows, const real[::1] last,
         real[::view.strided, ::view.contiguous] out, int threads):
    """Set out[r] = matrix[rows[r]]; append last[r] as one more column unless last is None."""
    cdef Py_ssize_t n = rows.shape[0], d = matrix.shape[1], ld = stride(matrix), ld_out = stride(out), block
    cdef const real* matrix_ = &matrix[0, 0] if matrix.shape[0] and d else NULL
    cdef const real* last_ = address(last)
    require(out.shape[0] == n and (last is None or last.shape[0] == n), "there must be a place for each row")
    require(out.shape[1] == d + (last is not None), "the result must have the columns of the matrix, and last")
    if n == 0 or out.shape[1] == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        take_block(isa, matrix_, ld, &rows[0], last_, d, block * BLOCK_ROWS, end_of(block, n), &out[0, 0], ld_out)


def scale_rows(int isa, const real[::view.strided, ::view.contiguous] matrix, const real[::1] scale,
               real[::view.strided, ::view.contiguous] out, int threads):
    """Set out[r] = scale[r] · matrix[r]."""
    cdef Py_ssize_t n = matrix.shape[0], d = matrix.shape[1], ld = stride(matrix), ld_out = stride(out), block
    require(scale.shape[0] == n and out.shape[0] == n and out.shape[1] == d, "there must be a factor for each row")
    if n == 0 or d == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        scale_block(isa, &matrix[0, 0], ld, &scale[0], d, block * BLOCK_ROWS, end_of(block, n), &out[0, 0], ld_out)


def scaled(const real[::1] values, double factor, other_real[::1] out, int threads):
    """Set out[k] = factor · values[k], multiplied as float64."""
    cdef Py_ssize_t k
    require(values.shape[0] == out.shape[0], "there must be a place for each value")
    for k in prange(values.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[k] = <other_real> (factor * values[k])


def totals(const real[::1] values, Py_ssize_t part_size, double[::1] parts, int threads):
    """Set parts[p] to the sum of the p-th part_size values, added as float64."""
    cdef Py_ssize_t n = values.shape[0], part
    require(parts.shape[0] == blocks_of(n, part_size), "there must be a sum for each part")
    for part in prange(parts.shape[0], nogil=True, schedule="static", num_threads=threads):
        parts[part] = total(&values[part * part_size], min(part_size, n - part * part_size))


cdef double total(const real* values, Py_ssize_t n) noexcept nogil:
    """Return the sum of the values. The compiler may not reorder additions, so four sums run side by side."""
    cdef double first = 0, second = 0, third = 0, fourth = 0
    cdef Py_ssize_t k
    for k in range(0, n - 3, 4):
        first += values[k]
        second += values[k + 1]
        third += values[k + 2]
        fourth += values[k + 3]
    for k in range(n - n % 4, n):
        first += values[k]
    return first + second + (third + fourth)


def scale_columns(const int32_t[::1] indices, const real[::1] values, const real[::1] scale, real[::1] out,
                  int threads):
    """Set out[k] = values[k] · scale[indices[k]] for every entry of a CSR matrix."""
    cdef Py_ssize_t k
    require(indices.shape[0] == values.shape[0] == out.shape[0], "there must be a value for each entry")
    for k in prange(values.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[k] = values[k] * scale[indices[k]]


def add_rows(int isa, real[::view.strided, ::view.contiguous] matrix, const int64_t[::1] rows, const real[::1] scale,
             const real[::view.strided, ::view.contiguous] change, int threads):
    """Add scale[r] · change[r] to matrix[rows[r]]. The rows must be distinct. If scale is None, every factor is 1."""
    cdef Py_ssize_t n = rows.shape[0], d = matrix.shape[1], ld = stride(matrix), ld_change = stride(change), block
    cdef const real* scale_ = address(scale)
    require(change.shape[0] == n and change.shape[1] == d, "there must be a change for each of the rows")
    require(scale is None or scale.shape[0] == n, "there must be a factor for each of the rows")
    if n == 0 or d == 0:
        return
    for block in prange(blocks_of(n, BLOCK_ROWS), nogil=True, schedule="dynamic", num_threads=threads):
        add_block(isa, &matrix[0, 0], ld, &rows[0], scale_, &change[0, 0], ld_change, d, block * BLOCK_ROWS,
                  end_of(block, n))


def transpose(const int64_t[::1] indptr, const int32_t[::1] indices, int64_t[::1] t_indptr,
              int32_t[::1] t_indices, int64_t[::1] order):
    """Build the structure of the transpose by a counting sort. Entry k of the transpose is entry order[k] of the
    original.

    t_indptr (columns + 1) must be zero at the start. The sort is stable, so sums over a transposed row have a fixed
    order.
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1, columns = t_indptr.shape[0] - 1, r, c
    cdef int64_t k, place, last = indptr[n]
    require_csr(indptr, indices, None, n)
    require(t_indices.shape[0] == order.shape[0] == indices.shape[0], "there must be a place for each entry")
    with nogil:
        for k in range(indptr[0], last):
            t_indptr[indices[k] + 1] += 1
        for c in range(columns):
            t_indptr[c + 1] += t_indptr[c]
        for r in range(n):
            for k in range(indptr[r], indptr[r + 1]):
                if k + ENTRIES_AHEAD < last:
                    place = t_indptr[indices[k + ENTRIES_AHEAD]]
                    prefetch_to_write(&t_indices[place])
                    prefetch_to_write(&order[place])
                place = t_indptr[indices[k]]
                t_indices[place], order[place] = <int32_t> r, k
                t_indptr[indices[k]] = place + 1
        # Each t_indptr[c] has moved from the start of row c to its end, so all entries are shifted by one place.
        for c in range(columns, 0, -1):
            t_indptr[c] = t_indptr[c - 1]
        t_indptr[0] = 0
