/* Products of matrices on the vector unit of x86-64 processors with AVX-512. Included by products.pyx.
 *
 * A BLAS is written for any shape; here one side is always d×d, small enough to stay packed in the second-level cache,
 * or both are d wide and tall, and the result is. A tile of C, up to 14 rows by two vectors, is summed in registers over
 * the inner dimension (28 of the 32; two hold B's vectors, one A's number):
 *
 *     C[i, :] += A[i, k] B[k, :]        one broadcast and two multiply-adds a row and k
 *
 * B is packed into panels of two vectors' columns, k after k, the last panel filled up with zeros; A into tiles of as
 * many rows as are summed together, either row after row (LEFT_ROW numbers apart) or, for Aᵀ B, k after k. Every number
 * of C is summed in the order of k, CHUNK of them in a register before they are added to C, so nothing depends on threads.
 */
#ifndef WORDSPARSE_VECTORS_H
#define WORDSPARSE_VECTORS_H

#include "avx512.h"

/* Rows of a tile at most; rows that one panel of B serves before the next (A's stay in the second-level cache). */
#define TILE_ROWS 14
#define VECTOR_ROWS (8 * TILE_ROWS)
/* Bytes of two vectors; how much of the inner dimension is summed in registers: a panel of so many floats stays in the
 * first-level cache, and an odd number of cache lines apart rows of A do not fall on each other there. */
#define PANEL_BYTES 128
#define CHUNK 320
#define LEFT_ROW (CHUNK + 16)
/* Rows that a Gram matrix takes at a time: packed, both sides and the result stay in the second-level cache. */
#define GRAM_ROWS 192
/* How many rows ahead packing asks for. */
#define ROWS_AHEAD 8

/* Numbers of work space, whole cache lines: B packed, a thread's tiles of A, a thread's share of a Gram matrix; `size`
 * bytes a number. */
static inline ptrdiff_t vector_panels(ptrdiff_t columns, ptrdiff_t size) {
    return (columns * size + PANEL_BYTES - 1) / PANEL_BYTES;
}
static inline ptrdiff_t vector_packed_size(ptrdiff_t inner, ptrdiff_t columns, ptrdiff_t size) {
    return vector_panels(columns, size) * inner * (PANEL_BYTES / size);
}
static inline ptrdiff_t vector_left_size(ptrdiff_t rows, ptrdiff_t inner) {
    return (inner + CHUNK - 1) / CHUNK * rows * LEFT_ROW;
}
static inline ptrdiff_t vector_gram_size(ptrdiff_t k, ptrdiff_t d, ptrdiff_t size) {
    return GRAM_ROWS * ((k + TILE_ROWS + 15) / 16 * 16) + vector_packed_size(GRAM_ROWS, d, size);
}

/* The first row of tile t, of as few tiles as `rows` rows make, all of nearly the same height. */
static inline ptrdiff_t tiles_of(ptrdiff_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }
static inline ptrdiff_t tile_start(ptrdiff_t rows, ptrdiff_t t) { return rows * t / tiles_of(rows); }

#define REAL float
#define NAME(stem) stem##_f32
#define OP(op) _mm512_##op##_ps
#define VECTOR __m512
#define MASK __mmask16
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK

#define REAL double
#define NAME(stem) stem##_f64
#define OP(op) _mm512_##op##_pd
#define VECTOR __m512d
#define MASK __mmask8
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK

#endif
