/* Products of matrices on the vector unit of x86-64 processors, AVX-512 or AVX2. Included by products.pyx.
 *
 * A BLAS is written for any shape; here one side is always d×d, small enough to stay packed in the second-level cache,
 * or both are d wide and tall, and the result is. A tile of C, of so many rows by two vectors as registers hold beside
 * two of B and a number of A (14 of AVX-512's 32, 6 of AVX2's 16), is summed over the inner dimension:
 *
 *     C[i, :] += A[i, k] B[k, :]        one broadcast and two multiply-adds a row and k
 *
 * B is packed into panels of two vectors' columns, k after k, the last panel filled up with zeros; A into tiles of as
 * many rows as are summed together, either row after row (LEFT_ROW numbers apart) or, for Aᵀ B, k after k. Every number
 * of C is summed in the order of k, CHUNK of them in a register before they are added to C, so nothing depends on
 * threads.
 */
#ifndef WORDSPARSE_VECTORS_H
#define WORDSPARSE_VECTORS_H

#include "avx.h"

/* Instruction sets, as a caller names them. */
#define WITH_AVX2 1
#define WITH_AVX512 2

/* Rows of a tile at most, of any set; rows that one panel of B serves before the next (A's stay in the second-level
 * cache). */
#define MOST_TILE_ROWS 14
#define VECTOR_ROWS (8 * MOST_TILE_ROWS)
/* Bytes of two vectors at most; how much of the inner dimension is summed in registers: a panel of so many floats stays
 * in the first-level cache, and an odd number of cache lines apart rows of A do not fall on each other there. */
#define PANEL_BYTES 128
#define CHUNK 320
#define LEFT_ROW (CHUNK + 16)
/* Rows that a Gram matrix takes at a time: packed, both sides and the result stay in the second-level cache. */
#define GRAM_ROWS 96
/* How many rows ahead packing asks for. */
#define ROWS_AHEAD 8

/* Numbers of work space, whole cache lines, enough for any set: B packed, a thread's tiles of A, a thread's share of a
 * Gram matrix; `size` bytes a number. */
static inline ptrdiff_t vector_panels(ptrdiff_t columns, ptrdiff_t size) {
    return (columns * size + PANEL_BYTES - 1) / PANEL_BYTES;
}
static inline ptrdiff_t vector_packed_size(ptrdiff_t inner, ptrdiff_t columns, ptrdiff_t size) {
    return vector_panels(columns, size) * inner * (PANEL_BYTES / size);
}
static inline ptrdiff_t vector_left_size(ptrdiff_t rows, ptrdiff_t inner) {
    return (inner + CHUNK - 1) / CHUNK * rows * LEFT_ROW;
}
static inline ptrdiff_t vector_gram_size(ptrdiff_t d, ptrdiff_t size) {
    return vector_packed_size(GRAM_ROWS, d, size);
}

#ifdef HAS_AVX

#define VEC_BYTES 64
#define TILE_ROWS 14
#define EACH_HEIGHT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14)
#define FOR_SET AVX512

#define REAL float
#define NAME(stem) stem##_f32_avx512
#define OP(op) _mm512_##op##_ps
#define VECTOR __m512
#define MASK __mmask16
#define LANES(n) lanes(n)
#define LOAD_SOME(mask, from) _mm512_maskz_loadu_ps(mask, from)
#define STORE_SOME(to, mask, x) _mm512_mask_storeu_ps(to, mask, x)
#define TAKE(x, is_double, at, there) load(x, is_double, at, LANES(there))
#define SQUARES
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK
#undef LANES
#undef LOAD_SOME
#undef STORE_SOME
#undef TAKE
#undef SQUARES

#define REAL double
#define NAME(stem) stem##_f64_avx512
#define OP(op) _mm512_##op##_pd
#define VECTOR __m512d
#define MASK __mmask8
#define LANES(n) ((__mmask8) lanes(n))
#define LOAD_SOME(mask, from) _mm512_maskz_loadu_pd(mask, from)
#define STORE_SOME(to, mask, x) _mm512_mask_storeu_pd(to, mask, x)
#define TAKE(x, is_double, at, there) LOAD_SOME(LANES(there), (const double *) (x) + (at))
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK
#undef LANES
#undef LOAD_SOME
#undef STORE_SOME
#undef TAKE

#undef VEC_BYTES
#undef TILE_ROWS
#undef EACH_HEIGHT
#undef FOR_SET

#define VEC_BYTES 32
#define TILE_ROWS 6
#define EACH_HEIGHT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)
#define FOR_SET AVX2

#define REAL float
#define NAME(stem) stem##_f32_avx2
#define OP(op) _mm256_##op##_ps
#define VECTOR __m256
#define MASK __m256i
#define LANES(n) lanes_of_8(n)
#define LOAD_SOME(mask, from) _mm256_maskload_ps(from, mask)
#define STORE_SOME(to, mask, x) _mm256_maskstore_ps(to, mask, x)
#define TAKE(x, is_double, at, there) load_8(x, is_double, at, there)
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK
#undef LANES
#undef LOAD_SOME
#undef STORE_SOME
#undef TAKE

#define REAL double
#define NAME(stem) stem##_f64_avx2
#define OP(op) _mm256_##op##_pd
#define VECTOR __m256d
#define MASK __m256i
#define LANES(n) lanes_of_4(n)
#define LOAD_SOME(mask, from) _mm256_maskload_pd(from, mask)
#define STORE_SOME(to, mask, x) _mm256_maskstore_pd(to, mask, x)
#define TAKE(x, is_double, at, there) LOAD_SOME(LANES(there), (const double *) (x) + (at))
#include "vectors_body.h"
#undef REAL
#undef NAME
#undef OP
#undef VECTOR
#undef MASK
#undef LANES
#undef LOAD_SOME
#undef STORE_SOME
#undef TAKE

#undef VEC_BYTES
#undef TILE_ROWS
#undef EACH_HEIGHT
#undef FOR_SET

#define BY_SET(stem, arguments) \
    if (set == WITH_AVX512) stem##_avx512 arguments; \
    else stem##_avx2 arguments
#else
#define BY_SET(stem, arguments)
#endif

/* The functions of vectors_body.h, on one of the sets. */
#define CHOICES(REAL, type) \
    static void vectors_pack_##type(int set, const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, \
                                    ptrdiff_t first, ptrdiff_t columns, int transposed, REAL *packed) { \
        BY_SET(vectors_pack_##type, (b, is_double, ld, inner, first, columns, transposed, packed)); \
    } \
    static void vectors_left_##type(int set, const REAL *a, ptrdiff_t ld, const int64_t *chosen, const REAL *last, \
                                    ptrdiff_t rows, ptrdiff_t inner, REAL *left) { \
        BY_SET(vectors_left_##type, (a, ld, chosen, last, rows, inner, left)); \
    } \
    static void vectors_matmul_##type(int set, const REAL *left, ptrdiff_t rows, ptrdiff_t inner, const REAL *packed, \
                                      ptrdiff_t columns, int accumulate, REAL *c, ptrdiff_t ld_c) { \
        BY_SET(vectors_matmul_##type, (left, rows, inner, packed, columns, accumulate, c, ld_c)); \
    } \
    static void vectors_gram_##type(int set, const REAL *a, ptrdiff_t ld_a, ptrdiff_t k, const REAL *b, ptrdiff_t ld_b, \
                                    const int64_t *chosen, ptrdiff_t d, ptrdiff_t n, const REAL *scale, int half, REAL *c, \
                                    REAL *own) { \
        BY_SET(vectors_gram_##type, (a, ld_a, k, b, ld_b, chosen, d, n, scale, half, c, own)); \
    }
CHOICES(float, f32)
CHOICES(double, f64)
#undef BY_SET
#undef CHOICES

#endif
