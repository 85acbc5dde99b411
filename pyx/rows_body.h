/* The loops of rows.h for one REAL type; NAME(stem) appends the type's suffix. */

/* `width` columns of one output row: kept in registers while the row's entries stream by. */
#define COLUMNS(width)                                                                            \
    for (; column + (width) <= d; column += (width)) {                                            \
        REAL sum[width];                                                                          \
        for (int i = 0; i < (width); i++) sum[i] = 0;                                             \
        for (int64_t k = begin; k < end; k++) {                                                   \
            const REAL weight = weights[order ? order[k] : k];                                    \
            const REAL *row = rows + (ptrdiff_t)indices[k] * d + column;                          \
            for (int i = 0; i < (width); i++) sum[i] += weight * row[i];                          \
        }                                                                                         \
        memcpy(target + column, sum, sizeof sum);                                                 \
    }

/* out[r] = sum_k weights[order[k]] * rows[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi.
 * order NULL: weights[k]. Cost: 2 d flops an entry; reads d REALs an entry, from cache where rows fit in it. */
CLONES static void NAME(combine)(const int64_t *indptr, const int32_t *indices, const int64_t *order,
                                 const REAL *weights, const REAL *rows, ptrdiff_t d, ptrdiff_t lo,
                                 ptrdiff_t hi, REAL *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t begin = indptr[r], end = indptr[r + 1];
        REAL *target = out + r * d;
        ptrdiff_t column = 0;
        COLUMNS(64)
        COLUMNS(32)
        COLUMNS(16)
        COLUMNS(8)
        COLUMNS(4)
        COLUMNS(1)
    }
}

#undef COLUMNS

/* out[k] = left[r] . right[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi. Cost as combine. */
CLONES static void NAME(pair_dots)(const int64_t *indptr, const int32_t *indices, const REAL *left,
                                   const REAL *right, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi, REAL *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const REAL *a = left + r * d;
        for (int64_t k = indptr[r]; k < indptr[r + 1]; k++) {
            const REAL *b = right + (ptrdiff_t)indices[k] * d;
            REAL sum = 0;
#pragma omp simd reduction(+ : sum)
            for (ptrdiff_t i = 0; i < d; i++) sum += a[i] * b[i];
            out[k] = sum;
        }
    }
}

/* matrix[rows[r]] += scale[r] * change[r] for lo <= r < hi; rows are distinct. scale NULL: 1. */
CLONES static void NAME(add_rows)(REAL *matrix, const int64_t *rows, const REAL *scale, const REAL *change,
                                  ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        REAL *target = matrix + rows[r] * d;
        const REAL *source = change + r * d;
        const REAL factor = scale ? scale[r] : 1;
        for (ptrdiff_t i = 0; i < d; i++) target[i] += factor * source[i];
    }
}
