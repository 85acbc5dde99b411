/* The loop of sums.h for one REAL type; NAME(stem) appends the type's suffix. */

/* total = keep base + by S for rows first ≤ i < last (≤ first + STRIP_ROWS) and the first `columns` columns, S the sum
 * of `count` parts of `size` numbers each, or with `mirrored` that and its transpose. base NULL: 0; it may be total. */
CLONES static void NAME(sum_parts)(const REAL *parts, ptrdiff_t count, ptrdiff_t size, ptrdiff_t d, ptrdiff_t first,
                                   ptrdiff_t last, ptrdiff_t columns, int mirrored, const double *base, double keep,
                                   double by, double *total) {
    REAL mirror[STRIP_ROWS][STRIP_COLUMNS] = {{0}};
    for (ptrdiff_t column = 0; column < columns; column += STRIP_COLUMNS) {
        const ptrdiff_t width = columns - column < STRIP_COLUMNS ? columns - column : STRIP_COLUMNS;
        for (ptrdiff_t part = 0; part < count; part++) {
            const REAL *across = parts + part * size + column * d + first;
            for (ptrdiff_t j = 0; mirrored && j < width; j++)
                for (ptrdiff_t i = 0; i < last - first; i++) mirror[i][j] = across[j * d + i];
            for (ptrdiff_t i = 0; i < last - first; i++) {
                const ptrdiff_t at = (first + i) * d + column;
                const double *from = part ? total : base;
                const double kept = part ? 1 : keep;
                const REAL *along = parts + part * size + at;
                if (from)
#pragma omp simd
                    for (ptrdiff_t j = 0; j < width; j++)
                        total[at + j] = kept * from[at + j] + by * ((double)along[j] + mirror[i][j]);
                else
#pragma omp simd
                    for (ptrdiff_t j = 0; j < width; j++) total[at + j] = by * ((double)along[j] + mirror[i][j]);
            }
        }
    }
}
