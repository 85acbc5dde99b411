/* The loop of sums.h for one REAL type; NAME(stem) appends the type's suffix. */

/* total = keep base + by S for rows first ≤ i < last (≤ first + STRIP_ROWS) and the first `columns` columns, S the sum
 * of `count` parts of `size` numbers each, or with `mirrored` that and its transpose. base NULL: 0; it may be total. */
CLONES static void NAME(sum_parts)(const REAL *parts, ptrdiff_t count, ptrdiff_t size, ptrdiff_t d, ptrdiff_t first,
                                   ptrdiff_t last, ptrdiff_t columns, int mirrored, const double *base, double keep,
                                   double by, double *total) {
    double mirror[STRIP_COLUMNS][STRIP_ROWS], sum[STRIP_COLUMNS];
    for (ptrdiff_t column = 0; column < columns; column += STRIP_COLUMNS) {
        const ptrdiff_t width = columns - column < STRIP_COLUMNS ? columns - column : STRIP_COLUMNS;
        for (ptrdiff_t part = 0; mirrored && part < count; part++)
            for (ptrdiff_t j = 0; j < width; j++) {
                const REAL *across = parts + part * size + (column + j) * d + first;
                for (ptrdiff_t i = 0; i < last - first; i++) mirror[j][i] = (part ? mirror[j][i] : 0) + across[i];
            }
        for (ptrdiff_t i = 0; i < last - first; i++) {
            const ptrdiff_t at = (first + i) * d + column;
            for (ptrdiff_t j = 0; j < width; j++) sum[j] = parts[at + j];
            for (ptrdiff_t part = 1; part < count; part++)
                for (ptrdiff_t j = 0; j < width; j++) sum[j] += parts[part * size + at + j];
            for (ptrdiff_t j = 0; mirrored && j < width; j++) sum[j] += mirror[j][i];
            if (base)
#pragma omp simd
                for (ptrdiff_t j = 0; j < width; j++) total[at + j] = keep * base[at + j] + by * sum[j];
            else
                for (ptrdiff_t j = 0; j < width; j++) total[at + j] = by * sum[j];
        }
    }
}
