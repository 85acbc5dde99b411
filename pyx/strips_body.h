/* The loops of strips.h; see sets.h. */

#include "vec_body.h"

#define VECS (STRIP_BYTES / (int)sizeof(VEC))
#define NUMBERS (STRIP_BYTES / (ptrdiff_t)sizeof(REAL))
#define EACH UNROLLED for (int v = 0; v < VECS; v++)
#define STRIP(k) ((const VEC *)(panel + (ptrdiff_t)indices[k] * NUMBERS))

/* `columns` numbers of a row, filled up with zeros, and back. */
INLINED void NAME(read)(VEC *strip, const REAL *row, ptrdiff_t columns) {
    if (columns == NUMBERS) {
        memcpy(strip, row, STRIP_BYTES);
        return;
    }
    memset(strip, 0, STRIP_BYTES);
    memcpy(strip, row, columns * sizeof(REAL));
}

INLINED void NAME(write)(REAL *row, const VEC *strip, ptrdiff_t columns) {
    if (columns == NUMBERS) memcpy(row, strip, STRIP_BYTES);
    else memcpy(row, strip, columns * sizeof(REAL));
}

/* Rows lo .. hi of the panel: `columns` columns of a matrix from `column` on. */
FOR_SET static void NAME(strip_copy)(const REAL *matrix, ptrdiff_t ld, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t column,
                                     ptrdiff_t columns, REAL *panel) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const char *ahead = (const char *)(matrix + (r + COPIED_AHEAD) * ld + column);
        for (int i = 0; i < STRIP_LINES; i++) PREFETCH(ahead + i * LINE);
        NAME(read)((VEC *)(panel + r * NUMBERS), matrix + r * ld + column, columns);
    }
}

/* out[r] = sum_k weights[k] * row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi; base
 * not NULL: plus scale[r] * base[r]. Cost: 2 flops an entry and column; an entry's strip read from the panel. */
FOR_SET static void NAME(strip_combine)(const int64_t *indptr, const int32_t *indices, const REAL *weights,
                                        const REAL *panel, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo,
                                        ptrdiff_t hi, const REAL *base, ptrdiff_t ld_base, const REAL *scale, REAL *out,
                                        ptrdiff_t ld_out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(out + (r + ROWS_AHEAD) * ld_out + column);
        VEC even[VECS], odd[VECS];
        for (int i = 0; i < STRIP_LINES; i++) PREFETCH_TO_WRITE(ahead + i * LINE);
        EACH even[v] = odd[v] = (VEC){0};
        if (base) {
            NAME(read)(even, base + r * ld_base + column, columns);
            EACH even[v] *= scale[r];
        }
        for (; k + 4 <= end; k += 4) {
            const VEC *r0 = STRIP(k), *r1 = STRIP(k + 1), *r2 = STRIP(k + 2), *r3 = STRIP(k + 3);
            const REAL w0 = weights[k], w1 = weights[k + 1], w2 = weights[k + 2], w3 = weights[k + 3];
            EACH {
                even[v] += w0 * r0[v];
                odd[v] += w1 * r1[v];
                even[v] += w2 * r2[v];
                odd[v] += w3 * r3[v];
            }
        }
        for (; k < end; k++) {
            const VEC *row = STRIP(k);
            EACH even[v] += weights[k] * row[v];
        }
        EACH even[v] += odd[v];
        NAME(write)(out + r * ld_out + column, even, columns);
    }
}

/* out[k] = left[r] . row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi: what the first
 * strip's columns add to it, and the others' added to that. Cost as strip_combine. */
FOR_SET static void NAME(strip_dots)(const int64_t *indptr, const int32_t *indices, const REAL *left, ptrdiff_t ld,
                                     const REAL *panel, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi,
                                     REAL *out) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(left + (r + ROWS_AHEAD) * ld + column);
        VEC h[VECS];
        for (int i = 0; i < STRIP_LINES; i++) PREFETCH(ahead + i * LINE);
        NAME(read)(h, left + r * ld + column, columns);
        for (; k + 4 <= end; k += 4) {
            const VEC *r0 = STRIP(k), *r1 = STRIP(k + 1), *r2 = STRIP(k + 2), *r3 = STRIP(k + 3);
            VEC sum[4] = {(VEC){0}, (VEC){0}, (VEC){0}, (VEC){0}};
            REAL dots[4];
            EACH {
                sum[0] += h[v] * r0[v];
                sum[1] += h[v] * r1[v];
                sum[2] += h[v] * r2[v];
                sum[3] += h[v] * r3[v];
            }
            NAME(four_sums)(sum, dots);
            for (int i = 0; i < 4; i++) out[k + i] = column ? out[k + i] + dots[i] : dots[i];
        }
        for (; k < end; k++) {
            const VEC *row = STRIP(k);
            VEC sum[4] = {(VEC){0}, (VEC){0}, (VEC){0}, (VEC){0}};
            REAL dots[4];
            EACH sum[0] += h[v] * row[v];
            NAME(four_sums)(sum, dots);
            out[k] = column ? out[k] + dots[0] : dots[0];
        }
    }
}

#undef VEC
#undef LANES
#undef VECS
#undef NUMBERS
#undef EACH
#undef STRIP
