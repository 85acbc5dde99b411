/* Sparse combinations and dot products of many rows, a strip of columns at a time. Included by strips.pyx.
 *
 * Rows of a minibatch's words are read once for each pair that they are in, and all of them are more than a cache of a
 * core's own holds. Their first STRIP_LINES cache lines, copied side by side into a panel, mostly are not; then the next
 * ones; and frequent words' strips, which most pairs ask for, stay closest.
 *
 * Every number is summed in an order that depends on sizes alone.
 */
#ifndef WORDSPARSE_STRIPS_H
#define WORDSPARSE_STRIPS_H

#include "compiler.h"

/* Cache lines of a strip: few, so that a panel is small, and for each entry its index and weight are read but once. */
#define STRIP_LINES 2
#define STRIP_BYTES (STRIP_LINES * LINE)
/* How many rows ahead their strips are asked for: those to copy, and those that are read or written once. */
#define COPIED_AHEAD 16
#define ROWS_AHEAD 8

#define BODY "strips_body.h"
#include "sets.h"
#undef BODY

#define CHOICES(REAL, type)                                                                                            \
    static void strip_copy_##type(int set, const REAL *matrix, ptrdiff_t ld, ptrdiff_t lo, ptrdiff_t hi,               \
                                  ptrdiff_t column, ptrdiff_t columns, REAL *panel) {                                  \
        BY_SET(strip_copy_##type, (matrix, ld, lo, hi, column, columns, panel))                                        \
    }                                                                                                                  \
    static void strip_combine_##type(int set, const int64_t *indptr, const int32_t *indices, const REAL *weights,      \
                                     const REAL *panel, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo,             \
                                     ptrdiff_t hi, const REAL *base, ptrdiff_t ld_base, const REAL *scale, REAL *out,  \
                                     ptrdiff_t ld_out) {                                                               \
        BY_SET(strip_combine_##type, (indptr, indices, weights, panel, column, columns, lo, hi, base, ld_base, scale,  \
                                      out, ld_out))                                                                    \
    }                                                                                                                  \
    static void strip_dots_##type(int set, const int64_t *indptr, const int32_t *indices, const REAL *left,            \
                                  ptrdiff_t ld, const REAL *panel, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo,  \
                                  ptrdiff_t hi, REAL *out) {                                                           \
        BY_SET(strip_dots_##type, (indptr, indices, left, ld, panel, column, columns, lo, hi, out))                    \
    }
CHOICES(float, f32)
CHOICES(double, f64)
#undef CHOICES

#endif
