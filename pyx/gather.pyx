# cython: language_level=3
"""Sparse rows against dense rows: the per-pair work of a step.

What      combine      out = Γ W (+ diag(s) B)   (m, d)   Γ a CSR matrix, or ΓᵀH through its transposed structure
          pair_dots    a_jk = h_j · W[c_jk]      one number per stored entry of a CSR matrix
          sparse_gram  Γ Γᵀ              (m, m)
          row_dots     h_j · g_j             (m,)     q from H and Ĥ
          sum_rows     Σ_k γ_jk              (m,)
          column_sums  Mᵀ v              (d,)
          take         out = M[rows]    (u, d)
          add_rows     M[rows] += diag(scale) change, rows distinct
          scale_rows   diag(scale) M
          scale_columns   Γ diag(scale), by its entries
          transpose    the CSR structure of Γᵀ and where each of its entries stands in Γ
dtypes    real = float32 or float64 for values; int64 indptr, order and rows; int32 indices (local, below 2³¹)
memory    every output is allocated by the caller; rows are contiguous and may stand further apart than their length
cost      2 d flops and one row of d values read per entry; where a matrix is larger than a cache and its rows are asked
          for many times, see strips
threads   rows are dealt to OpenMP threads in blocks; a row is computed by one thread, so bytes never depend on it
"""

from cython cimport view
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t

ctypedef fused real:
    float
    double

cdef extern from "rows.h" nogil:
    enum:
        # Rows dealt to a thread at a time: few, as frequent words own long rows, and dealt as threads come free.
        BLOCK "BLOCK_ROWS"
    void combine_f32(const int64_t*, const int32_t*, const int64_t*, const float*, const float*, Py_ssize_t,
                     Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, const float*, float*, Py_ssize_t)
    void pair_dots_f32(const int64_t*, const int32_t*, const float*, Py_ssize_t, const float*, Py_ssize_t,
                       Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void row_dots_f32(const float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void scale_rows_f32(const float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*,
                        Py_ssize_t)
    void add_rows_f32(float*, Py_ssize_t, const int64_t*, const float*, const float*, Py_ssize_t, Py_ssize_t,
                      Py_ssize_t, Py_ssize_t)
    void take_f32(const float*, Py_ssize_t, const int64_t*, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*,
                  Py_ssize_t)
    void column_sums_f32(const float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void combine_f64(const int64_t*, const int32_t*, const int64_t*, const double*, const double*, Py_ssize_t,
                     Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, const double*, double*, Py_ssize_t)
    void pair_dots_f64(const int64_t*, const int32_t*, const double*, Py_ssize_t, const double*, Py_ssize_t,
                       Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void row_dots_f64(const double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void scale_rows_f64(const double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*,
                        Py_ssize_t)
    void add_rows_f64(double*, Py_ssize_t, const int64_t*, const double*, const double*, Py_ssize_t, Py_ssize_t,
                      Py_ssize_t, Py_ssize_t)
    void take_f64(const double*, Py_ssize_t, const int64_t*, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*,
                  Py_ssize_t)
    void column_sums_f64(const double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)

cdef inline Py_ssize_t stride(const real[::view.strided, ::view.contiguous] matrix) noexcept:
    """From one row to the next, in numbers."""
    return matrix.strides[0] // <Py_ssize_t> sizeof(real)


def combine(const int64_t[::1] indptr, const int32_t[::1] indices, const int64_t[::1] order,
            const real[::1] weights, const real[::view.strided, ::view.contiguous] rows,
            const real[::view.strided, ::view.contiguous] base, const real[::1] scale,
            real[::view.strided, ::view.contiguous] out, int threads):
    """out[r] = Σ_k weights[order[k]] rows[indices[k]] over row r of the structure; order None: weights[k]; base not
    None: plus scale[r] base[r]."""
    cdef Py_ssize_t n = out.shape[0], d = out.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld = stride(rows), ld_out = stride(out)
    cdef const int64_t* order_ = &order[0] if order is not None and order.shape[0] else NULL
    cdef const int32_t* indices_ = &indices[0] if indices.shape[0] else NULL
    cdef const real* weights_ = &weights[0] if weights.shape[0] else NULL
    cdef const real* rows_ = &rows[0, 0] if rows.shape[0] else NULL
    cdef bint based = base is not None and n != 0 and d != 0
    cdef const real* base_ = &base[0, 0] if based else NULL
    cdef const real* scale_ = &scale[0] if based else NULL
    cdef Py_ssize_t ld_base = stride(base) if based else 0
    if n == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            combine_f32(&indptr[0], indices_, order_, weights_, rows_, ld, d, block * BLOCK,
                        min(n, (block + 1) * BLOCK), base_, ld_base, scale_, &out[0, 0], ld_out)
        else:
            combine_f64(&indptr[0], indices_, order_, weights_, rows_, ld, d, block * BLOCK,
                        min(n, (block + 1) * BLOCK), base_, ld_base, scale_, &out[0, 0], ld_out)


def pair_dots(const int64_t[::1] indptr, const int32_t[::1] indices,
              const real[::view.strided, ::view.contiguous] left,
              const real[::view.strided, ::view.contiguous] right, real[::1] out, int threads):
    """out[k] = left[r] · right[indices[k]] for every entry k of row r of the structure."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld_left = stride(left), ld_right = stride(right)
    if out.shape[0] == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            pair_dots_f32(&indptr[0], &indices[0], &left[0, 0], ld_left, &right[0, 0], ld_right, d, block * BLOCK,
                          min(n, (block + 1) * BLOCK), &out[0])
        else:
            pair_dots_f64(&indptr[0], &indices[0], &left[0, 0], ld_left, &right[0, 0], ld_right, d, block * BLOCK,
                          min(n, (block + 1) * BLOCK), &out[0])


def sparse_gram(const int64_t[::1] indptr, const int32_t[::1] indices, const real[::1] weights,
                const int64_t[::1] t_indptr, const int32_t[::1] t_indices, const int64_t[::1] order,
                real[::view.strided, ::view.contiguous] out):
    """out += Γ Γᵀ, Γ by rows and, as `transpose` gives it, by columns: one addition for every two entries of a column.
    """
    cdef Py_ssize_t r, k, j
    with nogil:
        for r in range(out.shape[0]):
            for k in range(indptr[r], indptr[r + 1]):
                for j in range(t_indptr[indices[k]], t_indptr[indices[k] + 1]):
                    out[r, t_indices[j]] += weights[k] * weights[order[j]]


def sum_rows(const int64_t[::1] indptr, const int64_t[::1] order, const real[::1] values, double[::1] out, int threads):
    """out[r] = Σ_k values[order[k]] over row r of the structure, in float64; order None: values[k]."""
    cdef Py_ssize_t r
    cdef int64_t k
    cdef double total
    cdef const int64_t* order_ = &order[0] if order is not None and order.shape[0] else NULL
    for r in prange(out.shape[0], nogil=True, schedule="static", num_threads=threads):
        total = 0
        for k in range(indptr[r], indptr[r + 1]):
            total = total + values[order_[k] if order_ != NULL else k]
        out[r] = total


def row_dots(const real[::view.strided, ::view.contiguous] left, const real[::view.strided, ::view.contiguous] right,
             double[::1] out, int threads):
    """out[r] = left[r] · right[r], summed in float64."""
    cdef Py_ssize_t n = left.shape[0], d = left.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld_left = stride(left), ld_right = stride(right)
    if n == 0 or d == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            row_dots_f32(&left[0, 0], ld_left, &right[0, 0], ld_right, d, block * BLOCK,
                         min(n, (block + 1) * BLOCK), &out[0])
        else:
            row_dots_f64(&left[0, 0], ld_left, &right[0, 0], ld_right, d, block * BLOCK,
                         min(n, (block + 1) * BLOCK), &out[0])


def column_sums(const real[::view.strided, ::view.contiguous] matrix, const real[::1] weights, Py_ssize_t part_rows,
                double[:, ::1] parts, int threads):
    """parts[p] = Σ_r weights[r] matrix[r] over the p-th part_rows rows; parts come zeroed."""
    cdef Py_ssize_t n = matrix.shape[0], d = matrix.shape[1], part
    cdef Py_ssize_t ld = stride(matrix)
    if n == 0 or d == 0:
        return
    for part in prange(parts.shape[0], nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            column_sums_f32(&matrix[0, 0], ld, &weights[0], d, part * part_rows, min(n, (part + 1) * part_rows),
                            &parts[part, 0])
        else:
            column_sums_f64(&matrix[0, 0], ld, &weights[0], d, part * part_rows, min(n, (part + 1) * part_rows),
                            &parts[part, 0])


def take(const real[:, ::1] matrix, const int64_t[::1] rows, const real[::1] last,
         real[::view.strided, ::view.contiguous] out, int threads):
    """out[r] = matrix[rows[r]], and last[r] in one more column; last None: no such column."""
    cdef Py_ssize_t n = rows.shape[0], d = matrix.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld = d, ld_out = stride(out)
    cdef const real* last_ = &last[0] if last is not None and n else NULL
    if n == 0 or out.shape[1] == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            take_f32(&matrix[0, 0], ld, &rows[0], last_, d, block * BLOCK, min(n, (block + 1) * BLOCK), &out[0, 0],
                     ld_out)
        else:
            take_f64(&matrix[0, 0], ld, &rows[0], last_, d, block * BLOCK, min(n, (block + 1) * BLOCK), &out[0, 0],
                     ld_out)


def scale_rows(const real[::view.strided, ::view.contiguous] matrix, const real[::1] scale,
               real[::view.strided, ::view.contiguous] out, int threads):
    """out[r] = scale[r] matrix[r]."""
    cdef Py_ssize_t n = matrix.shape[0], d = matrix.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld = stride(matrix), ld_out = stride(out)
    if n == 0 or d == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            scale_rows_f32(&matrix[0, 0], ld, &scale[0], d, block * BLOCK, min(n, (block + 1) * BLOCK), &out[0, 0],
                           ld_out)
        else:
            scale_rows_f64(&matrix[0, 0], ld, &scale[0], d, block * BLOCK, min(n, (block + 1) * BLOCK), &out[0, 0],
                           ld_out)


def scale_columns(const int32_t[::1] indices, const real[::1] values, const real[::1] scale, real[::1] out,
                  int threads):
    """out[k] = values[k] scale[indices[k]] for every entry of a CSR matrix."""
    cdef Py_ssize_t k
    for k in prange(values.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[k] = values[k] * scale[indices[k]]


def add_rows(real[::view.strided, ::view.contiguous] matrix, const int64_t[::1] rows, const real[::1] scale,
             const real[::view.strided, ::view.contiguous] change, int threads):
    """matrix[rows[r]] += scale[r] change[r]; rows are distinct; scale None: 1."""
    cdef Py_ssize_t n = rows.shape[0], d = matrix.shape[1], blocks = (n + BLOCK - 1) // BLOCK, block
    cdef Py_ssize_t ld = stride(matrix), ld_change = stride(change)
    cdef const real* scale_ = &scale[0] if scale is not None and scale.shape[0] else NULL
    if n == 0 or d == 0:
        return
    for block in prange(blocks, nogil=True, schedule="dynamic", num_threads=threads):
        if real is float:
            add_rows_f32(&matrix[0, 0], ld, &rows[0], scale_, &change[0, 0], ld_change, d, block * BLOCK,
                         min(n, (block + 1) * BLOCK))
        else:
            add_rows_f64(&matrix[0, 0], ld, &rows[0], scale_, &change[0, 0], ld_change, d, block * BLOCK,
                         min(n, (block + 1) * BLOCK))


def transpose(const int64_t[::1] indptr, const int32_t[::1] indices, int64_t[::1] t_indptr,
              int32_t[::1] t_indices, int64_t[::1] order):
    """Structure of the transpose by a counting sort: entry k of it is entry order[k] of the original.

    t_indptr (columns + 1) comes zeroed. Entries of one transposed row keep the original order, so sums over them do
    too.
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1, columns = t_indptr.shape[0] - 1, r, c
    cdef int64_t k, start, total
    with nogil:
        for k in range(indptr[0], indptr[n]):
            t_indptr[indices[k]] += 1
        total = 0
        for c in range(columns + 1):
            start = total
            total += t_indptr[c]
            t_indptr[c] = start
        for r in range(n):
            for k in range(indptr[r], indptr[r + 1]):
                c = indices[k]
                t_indices[t_indptr[c]] = r
                order[t_indptr[c]] = k
                t_indptr[c] += 1
        # Each start has moved to its end: shift them back by one place.
        for c in range(columns, 0, -1):
            t_indptr[c] = t_indptr[c - 1]
        t_indptr[0] = 0
