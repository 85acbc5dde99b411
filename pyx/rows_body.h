/* The loops of rows.h for one REAL type; NAME(stem) appends the type's suffix. */

#define ENTRY(i) (weights[order ? order[k + (i)] : k + (i)])
#define ROW(i) (rows + (ptrdiff_t)indices[k + (i)] * ld + column)

/* sum[i] += the entries k .. stop, `width` columns of them from `column` on. Eight entries a pass into an aligned buffer:
 * the sum is loaded and stored once for eight rows read, and never across cache lines, where a store cannot be forwarded
 * to the next pass's load (measured: five times slower). */
INLINED void NAME(add_entries)(int64_t k, int64_t stop, const int32_t *indices, const int64_t *order,
                               const REAL *weights, const REAL *rows, ptrdiff_t ld, ptrdiff_t column, ptrdiff_t width,
                               REAL *sum) {
    for (; k + 8 <= stop; k += 8) {
        const REAL w0 = ENTRY(0), w1 = ENTRY(1), w2 = ENTRY(2), w3 = ENTRY(3);
        const REAL w4 = ENTRY(4), w5 = ENTRY(5), w6 = ENTRY(6), w7 = ENTRY(7);
        const REAL *r0 = ROW(0), *r1 = ROW(1), *r2 = ROW(2), *r3 = ROW(3);
        const REAL *r4 = ROW(4), *r5 = ROW(5), *r6 = ROW(6), *r7 = ROW(7);
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++)
            sum[i] += ((w0 * r0[i] + w1 * r1[i]) + (w2 * r2[i] + w3 * r3[i])) +
                      ((w4 * r4[i] + w5 * r5[i]) + (w6 * r6[i] + w7 * r7[i]));
    }
    for (; k + 2 <= stop; k += 2) {
        const REAL w0 = ENTRY(0), w1 = ENTRY(1);
        const REAL *r0 = ROW(0), *r1 = ROW(1);
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++) sum[i] += w0 * r0[i] + w1 * r1[i];
    }
    if (k < stop) {
        const REAL w0 = ENTRY(0);
        const REAL *r0 = ROW(0);
#pragma omp simd aligned(sum : 64)
        for (ptrdiff_t i = 0; i < width; i++) sum[i] += w0 * r0[i];
    }
}

/* out[r] = sum_k weights[order[k]] * rows[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi. order NULL:
 * weights[k]. base not NULL: plus scale[r] * base[r]. Cost: 2 d flops an entry; reads d REALs an entry. */
CLONES static void NAME(combine)(const int64_t *indptr, const int32_t *indices, const int64_t *order,
                                 const REAL *weights, const REAL *rows, ptrdiff_t ld, ptrdiff_t d, ptrdiff_t lo,
                                 ptrdiff_t hi, const REAL *base, ptrdiff_t ld_base, const REAL *scale, REAL *out,
                                 ptrdiff_t ld_out) {
    _Alignas(64) REAL sum[STRIP];
    for (ptrdiff_t column = 0; column < d; column += STRIP) {
        const ptrdiff_t width = d - column < STRIP ? d - column : STRIP;
        for (ptrdiff_t r = lo; r < hi; r++) {
            if (base)
                for (ptrdiff_t i = 0; i < width; i++) sum[i] = scale[r] * base[r * ld_base + column + i];
            else
                memset(sum, 0, width * sizeof(REAL));
            NAME(add_entries)(indptr[r], indptr[r + 1], indices, order, weights, rows, ld, column, width, sum);
            memcpy(out + r * ld_out + column, sum, width * sizeof(REAL));
        }
    }
}

#undef ENTRY
#undef ROW

/* out[k] = left[r] . right[indices[k]], k in indptr[r] .. indptr[r+1], for lo <= r < hi. Four entries a pass share the
 * loads of left[r]. Cost as combine. */
CLONES static void NAME(pair_dots)(const int64_t *indptr, const int32_t *indices, const REAL *left, ptrdiff_t ld_left,
                                   const REAL *right, ptrdiff_t ld_right, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi,
                                   REAL *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const REAL *a = left + r * ld_left;
        const int64_t stop = indptr[r + 1];
        int64_t k = indptr[r];
        for (; k + 4 <= stop; k += 4) {
            const REAL *b0 = right + (ptrdiff_t)indices[k] * ld_right;
            const REAL *b1 = right + (ptrdiff_t)indices[k + 1] * ld_right;
            const REAL *b2 = right + (ptrdiff_t)indices[k + 2] * ld_right;
            const REAL *b3 = right + (ptrdiff_t)indices[k + 3] * ld_right;
            REAL s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
            for (ptrdiff_t i = 0; i < d; i++) {
                s0 += a[i] * b0[i];
                s1 += a[i] * b1[i];
                s2 += a[i] * b2[i];
                s3 += a[i] * b3[i];
            }
            out[k] = s0;
            out[k + 1] = s1;
            out[k + 2] = s2;
            out[k + 3] = s3;
        }
        for (; k < stop; k++) {
            const REAL *b = right + (ptrdiff_t)indices[k] * ld_right;
            REAL sum = 0;
#pragma omp simd reduction(+ : sum)
            for (ptrdiff_t i = 0; i < d; i++) sum += a[i] * b[i];
            out[k] = sum;
        }
    }
}

/* Row rows[r + GATHER_AHEAD] of a matrix, all of it, on its way into the cache. */
INLINED void NAME(ask_ahead)(const REAL *matrix, ptrdiff_t ld, const int64_t *rows, ptrdiff_t r, ptrdiff_t hi,
                             ptrdiff_t d) {
    if (r + GATHER_AHEAD >= hi) return;
    const REAL *row = matrix + rows[r + GATHER_AHEAD] * ld;
    for (ptrdiff_t i = 0; i < d; i += 64 / (ptrdiff_t)sizeof(REAL)) PREFETCH(row + i);
    PREFETCH(row + d - 1);
}

/* out[r] = matrix[rows[r]] for lo <= r < hi; last not NULL: with last[r] in one more column. */
CLONES static void NAME(take)(const REAL *matrix, ptrdiff_t ld, const int64_t *rows, const REAL *last, ptrdiff_t d,
                              ptrdiff_t lo, ptrdiff_t hi, REAL *out, ptrdiff_t ld_out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        NAME(ask_ahead)(matrix, ld, rows, r, hi, d);
        memcpy(out + r * ld_out, matrix + rows[r] * ld, d * sizeof(REAL));
        if (last) out[r * ld_out + d] = last[r];
    }
}

/* matrix[rows[r]] += scale[r] * change[r] for lo <= r < hi; rows are distinct. scale NULL: 1. */
CLONES static void NAME(add_rows)(REAL *matrix, ptrdiff_t ld, const int64_t *rows, const REAL *scale,
                                  const REAL *change, ptrdiff_t ld_change, ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        NAME(ask_ahead)(matrix, ld, rows, r, hi, d);
        REAL *target = matrix + rows[r] * ld;
        const REAL *source = change + r * ld_change;
        const REAL factor = scale ? scale[r] : 1;
#pragma omp simd
        for (ptrdiff_t i = 0; i < d; i++) target[i] += factor * source[i];
    }
}

/* out[i] += sum_r weights[r] * matrix[r][i] over lo <= r < hi: in REAL over BLOCK_ROWS rows, those sums in double. */
CLONES static void NAME(column_sums)(const REAL *matrix, ptrdiff_t ld, const REAL *weights, ptrdiff_t d, ptrdiff_t lo,
                                     ptrdiff_t hi, double *out) {
    REAL sum[STRIP];
    for (ptrdiff_t column = 0; column < d; column += STRIP) {
        const ptrdiff_t width = d - column < STRIP ? d - column : STRIP;
        for (ptrdiff_t first = lo; first < hi; first += BLOCK_ROWS) {
            const ptrdiff_t last = hi - first < BLOCK_ROWS ? hi : first + BLOCK_ROWS;
            memset(sum, 0, width * sizeof(REAL));
            for (ptrdiff_t r = first; r < last; r++) {
                const REAL weight = weights[r], *row = matrix + r * ld + column;
#pragma omp simd
                for (ptrdiff_t i = 0; i < width; i++) sum[i] += weight * row[i];
            }
            for (ptrdiff_t i = 0; i < width; i++) out[column + i] += sum[i];
        }
    }
}

/* out[r] = scale[r] * matrix[r] for lo <= r < hi. */
CLONES static void NAME(scale_rows)(const REAL *matrix, ptrdiff_t ld, const REAL *scale, ptrdiff_t d, ptrdiff_t lo,
                                    ptrdiff_t hi, REAL *out, ptrdiff_t ld_out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const REAL factor = scale[r], *source = matrix + r * ld;
        REAL *target = out + r * ld_out;
#pragma omp simd
        for (ptrdiff_t i = 0; i < d; i++) target[i] = factor * source[i];
    }
}

/* out[r] = left[r] . right[r] for lo <= r < hi, summed in double. */
CLONES static void NAME(row_dots)(const REAL *left, ptrdiff_t ld_left, const REAL *right, ptrdiff_t ld_right,
                                  ptrdiff_t d, ptrdiff_t lo, ptrdiff_t hi, double *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const REAL *a = left + r * ld_left, *b = right + r * ld_right;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (ptrdiff_t i = 0; i < d; i++) sum += (double)a[i] * b[i];
        out[r] = sum;
    }
}
