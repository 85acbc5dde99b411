/* Loops over rows of length d: sparse combinations, dot products, copies. Included by csr_rows.pyx.
 *
 * `omp simd` lets the compiler reorder a single sum, without -ffast-math for the whole file. Matrices have d contiguous
 * columns, and their rows are `ld` numbers apart. No function allocates memory. The order of additions depends only on
 * the sizes of the arrays, not on how threads share the rows.
 */
#ifndef EACH_ISA
#include "isa.hpp"

namespace wordsparse {
/* The prefetch distance for gathered rows, in rows. */
constexpr ptrdiff_t GATHERED_AHEAD = 4;
/* The number of columns that are summed at a time, so that their buffer stays in the first-level cache. */
constexpr ptrdiff_t SUMMED_COLUMNS = 1024;
/* The number of rows that a thread takes at a time: a small number, because frequent words have long rows. */
constexpr ptrdiff_t BLOCK_ROWS = 64;
} // namespace wordsparse

#define EACH_ISA "csr_rows.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(combine)
BY_ISA(pair_dots)
BY_ISA(take)
BY_ISA(add_rows)
BY_ISA(column_sums)
BY_ISA(scale_rows)
BY_ISA(row_dots)
} // namespace wordsparse

#else

/* Entries of a sparse row that are added up together: their weights, and pointers to their dense rows. */
template <typename real, int count> struct entries {
    real weight[count];
    const real *row[count];

    entries(int64_t k, const int32_t *indices, const int64_t *order, const real *weights, const real *rows,
            ptrdiff_t ld) {
        for (int i = 0; i < count; i++) {
            weight[i] = weights[order ? order[k + i] : k + i];
            row[i] = rows + indices[k + i] * ld;
        }
    }
};

/* Adds `width` columns of the entries k .. stop to sum. Each pass adds eight entries to an aligned buffer. So sums are
 * loaded and stored only once per eight rows, and never across cache lines. A store that crosses cache lines cannot be
 * forwarded to the load of the next pass: such passes took five times as long. */
template <typename real>
INLINED void add_entries(int64_t k, int64_t stop, const int32_t *indices, const int64_t *order, const real *weights,
                         const real *rows, ptrdiff_t ld, ptrdiff_t width, real *sum) {
    for (; k + 8 <= stop; k += 8) {
        const entries<real, 8> e(k, indices, order, weights, rows, ld);
        const real *w = e.weight, *const *r = e.row;
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++)
            sum[i] += ((w[0] * r[0][i] + w[1] * r[1][i]) + (w[2] * r[2][i] + w[3] * r[3][i])) +
                      ((w[4] * r[4][i] + w[5] * r[5][i]) + (w[6] * r[6][i] + w[7] * r[7][i]));
    }
    for (; k + 2 <= stop; k += 2) {
        const entries<real, 2> e(k, indices, order, weights, rows, ld);
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++) sum[i] += e.weight[0] * e.row[0][i] + e.weight[1] * e.row[1][i];
    }
    if (k < stop) {
        const entries<real, 1> e(k, indices, order, weights, rows, ld);
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++) sum[i] += e.weight[0] * e.row[0][i];
    }
}

/* out[r] = sum_k weights[order[k]] * rows[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi. If order is
 * NULL, the weight of entry k is weights[k]. If base is not NULL, adds scale[r] * base[r]. Cost: 2 d flops per entry.
 * Each entry reads d numbers. */
template <typename real>
void combine(const int64_t *indptr, const int32_t *indices, const int64_t *order, const real *weights, const real *rows,
             ptrdiff_t ld, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi, const real *base, ptrdiff_t ld_base,
             const real *scale, real *out, ptrdiff_t ld_out) {
    alignas(64) real sum[SUMMED_COLUMNS];
    for (ptrdiff_t column = 0; column < d; column += SUMMED_COLUMNS) {
        const ptrdiff_t width = d - column < SUMMED_COLUMNS ? d - column : SUMMED_COLUMNS;
        for (ptrdiff_t r = lo; r < hi; r++) {
            if (base)
                for (ptrdiff_t i = 0; i < width; i++) sum[i] = scale[r] * base[r * ld_base + column + i];
            else memset(sum, 0, width * sizeof(real));
            add_entries(indptr[r], indptr[r + 1], indices, order, weights, rows + column, ld, width, sum);
            memcpy(out + r * ld_out + column, sum, width * sizeof(real));
        }
    }
}

/* out[k] = left[r] . right[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi. Each pass processes four
 * entries, which share the loads of left[r]. The cost is as for combine. */
template <typename real>
void pair_dots(const int64_t *indptr, const int32_t *indices, const real *left, ptrdiff_t ld_left, const real *right,
               ptrdiff_t ld_right, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi, real *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const real *a = left + r * ld_left;
        const int64_t stop = indptr[r + 1];
        int64_t k = indptr[r];
        for (; k + 4 <= stop; k += 4) {
            const real *b0 = right + indices[k] * ld_right, *b1 = right + indices[k + 1] * ld_right;
            const real *b2 = right + indices[k + 2] * ld_right, *b3 = right + indices[k + 3] * ld_right;
            real s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
            for (ptrdiff_t i = 0; i < d; i++) {
                s0 += a[i] * b0[i];
                s1 += a[i] * b1[i];
                s2 += a[i] * b2[i];
                s3 += a[i] * b3[i];
            }
            out[k] = s0, out[k + 1] = s1, out[k + 2] = s2, out[k + 3] = s3;
        }
        for (; k < stop; k++) {
            const real *b = right + indices[k] * ld_right;
            real sum = 0;
#pragma omp simd reduction(+ : sum)
            for (ptrdiff_t i = 0; i < d; i++) sum += a[i] * b[i];
            out[k] = sum;
        }
    }
}

/* Prefetches row rows[r + GATHERED_AHEAD] of a matrix. */
template <typename real>
INLINED void prefetch_row(const real *matrix, ptrdiff_t ld, const int64_t *rows, ptrdiff_t r, ptrdiff_t hi,
                          ptrdiff_t d) {
    if (r + GATHERED_AHEAD >= hi) return;
    const real *row = matrix + rows[r + GATHERED_AHEAD] * ld;
    for (ptrdiff_t i = 0; i < d; i += LINE / (ptrdiff_t)sizeof(real)) prefetch(row + i);
    prefetch(row + d - 1);
}

/* out[r] = matrix[rows[r]] for lo <= r < hi. If last is not NULL, last[r] is appended as one more column. */
template <typename real>
void take(const real *matrix, ptrdiff_t ld, const int64_t *rows, const real *last, ptrdiff_t d, ptrdiff_t lo,
          ptrdiff_t hi, real *out, ptrdiff_t ld_out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        prefetch_row(matrix, ld, rows, r, hi, d);
        memcpy(out + r * ld_out, matrix + rows[r] * ld, d * sizeof(real));
        if (last) out[r * ld_out + d] = last[r];
    }
}

/* matrix[rows[r]] += scale[r] * change[r] for lo <= r < hi. The rows must be distinct. A NULL scale means 1. */
template <typename real>
void add_rows(real *matrix, ptrdiff_t ld, const int64_t *rows, const real *scale, const real *change,
              ptrdiff_t ld_change, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        prefetch_row(matrix, ld, rows, r, hi, d);
        real *target = matrix + rows[r] * ld;
        const real *source = change + r * ld_change, factor = scale ? scale[r] : 1;
#pragma omp simd
        for (ptrdiff_t i = 0; i < d; i++) target[i] += factor * source[i];
    }
}

/* out[i] += sum_r weights[r] * matrix[r][i] over lo <= r < hi. Blocks of BLOCK_ROWS rows are summed in `real`, and the
 * sums of blocks in double. */
template <typename real>
void column_sums(const real *matrix, ptrdiff_t ld, const real *weights, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi,
                 double *out) {
    real sum[SUMMED_COLUMNS];
    for (ptrdiff_t column = 0; column < d; column += SUMMED_COLUMNS) {
        const ptrdiff_t width = d - column < SUMMED_COLUMNS ? d - column : SUMMED_COLUMNS;
        for (ptrdiff_t first = lo; first < hi; first += BLOCK_ROWS) {
            const ptrdiff_t last = hi - first < BLOCK_ROWS ? hi : first + BLOCK_ROWS;
            memset(sum, 0, width * sizeof(real));
            for (ptrdiff_t r = first; r < last; r++) {
                const real weight = weights[r], *row = matrix + r * ld + column;
#pragma omp simd
                for (ptrdiff_t i = 0; i < width; i++) sum[i] += weight * row[i];
            }
            for (ptrdiff_t i = 0; i < width; i++) out[column + i] += sum[i];
        }
    }
}

/* out[r] = scale[r] * matrix[r] for lo <= r < hi. */
template <typename real>
void scale_rows(const real *matrix, ptrdiff_t ld, const real *scale, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi, real *out,
                ptrdiff_t ld_out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const real factor = scale[r], *source = matrix + r * ld;
        real *target = out + r * ld_out;
#pragma omp simd
        for (ptrdiff_t i = 0; i < d; i++) target[i] = factor * source[i];
    }
}

/* out[r] = left[r] . right[r] for lo <= r < hi, summed in double. */
template <typename real>
void row_dots(const real *left, ptrdiff_t ld_left, const real *right, ptrdiff_t ld_right, ptrdiff_t d, ptrdiff_t lo,
              ptrdiff_t hi, double *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const real *a = left + r * ld_left, *b = right + r * ld_right;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (ptrdiff_t i = 0; i < d; i++) sum += (double)a[i] * b[i];
        out[r] = sum;
    }
}
#endif
