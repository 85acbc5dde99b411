/* Products of float32 matrices on the vector unit of x86-64 processors with AVX-512. Included by products.pyx.
 *
 * A BLAS is written for any shape; here one side is always d×d, small enough to stay packed in the second-level cache,
 * or both are d wide and tall, and the result is. A tile of C, up to 14 rows by two vectors of 16 columns, is summed in
 * registers over the inner dimension (28 of the 32; two hold B's vectors, one A's number):
 *
 *     C[i, :] += A[i, k] B[k, :]        one broadcast and two multiply-adds a row and k
 *
 * B is packed into panels of 32 columns, k after k, the last panel filled up with zeros; A into tiles of as many rows as
 * are summed together, either row after row (LEFT_ROW numbers apart) or, for Aᵀ B, k after k. Every number of C is
 * summed in the order of k, CHUNK numbers of it in a register before they are added to C, so nothing depends on threads.
 */
#ifndef WORDSPARSE_VECTORS_H
#define WORDSPARSE_VECTORS_H

#include "avx512.h"

/* Rows of a tile at most; tiles that one panel of B serves before the next (A's stay in the second-level cache). */
#define TILE_ROWS 14
#define VECTOR_ROWS (8 * TILE_ROWS)
/* Columns of a panel; how much of the inner dimension is summed in registers: a panel of so many stays in the first-level
 * cache, and an odd number of cache lines apart rows of A do not fall on each other there. */
#define VECTOR_PANEL 32
#define CHUNK 320
#define LEFT_ROW (CHUNK + 16)
/* Rows that a Gram matrix takes at a time: packed, both sides and the result stay in the second-level cache. */
#define GRAM_ROWS 192
/* How many rows ahead packing asks for. */
#define ROWS_AHEAD 8

/* Numbers of work space, whole cache lines: B packed, a thread's tiles of A, a thread's share of a Gram matrix. */
static inline ptrdiff_t vector_panels(ptrdiff_t columns) { return (columns + VECTOR_PANEL - 1) / VECTOR_PANEL; }
static inline ptrdiff_t vector_packed_size(ptrdiff_t inner, ptrdiff_t columns) {
    return vector_panels(columns) * inner * VECTOR_PANEL;
}
static inline ptrdiff_t vector_left_size(ptrdiff_t rows, ptrdiff_t inner) {
    return (inner + CHUNK - 1) / CHUNK * rows * LEFT_ROW;
}
static inline ptrdiff_t vector_gram_size(ptrdiff_t k, ptrdiff_t d) {
    return GRAM_ROWS * ((k + TILE_ROWS + 15) / 16 * 16 + vector_panels(d) * VECTOR_PANEL);
}

#ifdef HAS_AVX512

/* A tile of C (rows, up to 32 columns) (+)= A B over `inner`. Of columns the first 16 `vectors` - 1 times, and `last`. */
typedef void (*TileKernel)(const float *a, const float *b, ptrdiff_t inner, int accumulate, __mmask16 last, float *c,
                           ptrdiff_t ld_c);

AVX512_INLINE void tile(int rows, int vectors, ptrdiff_t row, ptrdiff_t step, const float *a, const float *b,
                        ptrdiff_t inner, int accumulate, __mmask16 last, float *c, ptrdiff_t ld_c) {
    __m512 sum[TILE_ROWS][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (ptrdiff_t k = 0; k < inner; k++, a += step, b += VECTOR_PANEL) {
        const __m512 b0 = _mm512_load_ps(b), b1 = vectors > 1 ? _mm512_load_ps(b + 16) : _mm512_setzero_ps();
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const __m512 x = _mm512_set1_ps(a[i * row]);
            sum[i][0] = _mm512_fmadd_ps(x, b0, sum[i][0]);
            if (vectors > 1) sum[i][1] = _mm512_fmadd_ps(x, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += ld_c) {
        if (vectors > 1) {
            if (accumulate) sum[i][0] = _mm512_add_ps(sum[i][0], _mm512_loadu_ps(c));
            _mm512_storeu_ps(c, sum[i][0]);
        }
        float *end = c + 16 * (vectors - 1);
        if (accumulate)
            sum[i][vectors - 1] = _mm512_add_ps(sum[i][vectors - 1], _mm512_maskz_loadu_ps(last, end));
        _mm512_mask_storeu_ps(end, last, sum[i][vectors - 1]);
    }
}

/* One function a number of rows and vectors: of A packed row after row, and k after k. */
#define TILES_OF(rows, vectors) \
    AVX512 static void along_##rows##_##vectors(const float *a, const float *b, ptrdiff_t inner, int accumulate, \
                                                __mmask16 last, float *c, ptrdiff_t ld_c) { \
        tile(rows, vectors, LEFT_ROW, 1, a, b, inner, accumulate, last, c, ld_c); \
    } \
    AVX512 static void across_##rows##_##vectors(const float *a, const float *b, ptrdiff_t inner, int accumulate, \
                                                 __mmask16 last, float *c, ptrdiff_t ld_c) { \
        tile(rows, vectors, 1, rows, a, b, inner, accumulate, last, c, ld_c); \
    }
#define EACH_HEIGHT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14)
#define BOTH_WIDTHS(rows) TILES_OF(rows, 1) TILES_OF(rows, 2)
#define ALONG(rows) {along_##rows##_1, along_##rows##_2},
#define ACROSS(rows) {across_##rows##_1, across_##rows##_2},
EACH_HEIGHT(BOTH_WIDTHS)
static const TileKernel ALONG_ROWS[TILE_ROWS][2] = {EACH_HEIGHT(ALONG)};
static const TileKernel ACROSS_ROWS[TILE_ROWS][2] = {EACH_HEIGHT(ACROSS)};
#undef TILES_OF
#undef EACH_HEIGHT
#undef BOTH_WIDTHS
#undef ALONG
#undef ACROSS

/* The first row of tile t, of as few tiles as `rows` rows make, all of nearly the same height. */
static inline ptrdiff_t tiles_of(ptrdiff_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }
static inline ptrdiff_t tile_start(ptrdiff_t rows, ptrdiff_t t) { return rows * t / tiles_of(rows); }

/* `columns` columns of B, float32 or float64, from column `first` on, into panels; transposed: b is Bᵀ. */
AVX512_INLINE void pack_panels(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                               ptrdiff_t columns, int transposed, float *packed) {
    const ptrdiff_t padded = vector_panels(columns) * VECTOR_PANEL;
    for (ptrdiff_t k = 0; !transposed && k < inner; k++) {
        prefetch(b, is_double, (k + ROWS_AHEAD) * ld + first, columns);
        for (ptrdiff_t j = 0; j < padded; j += 16)
            _mm512_store_ps(packed + j / VECTOR_PANEL * inner * VECTOR_PANEL + k * VECTOR_PANEL + j % VECTOR_PANEL,
                            load(b, is_double, k * ld + first + j, lanes(columns - j)));
    }
    for (ptrdiff_t j = 0; transposed && j < padded; j += 16) {
        float *to = packed + j / VECTOR_PANEL * inner * VECTOR_PANEL + j % VECTOR_PANEL;
        for (ptrdiff_t k = 0; k < inner; k += 16) {
            __m512i square[16];
            for (int i = 0; i < 16; i++) {
                const __mmask16 inside = j + i < columns ? lanes(inner - k) : 0;
                square[i] = _mm512_castps_si512(load(b, is_double, inside ? (first + j + i) * ld + k : 0, inside));
            }
            transpose(square, square);
            for (int i = 0; i < 16 && k + i < inner; i++, to += VECTOR_PANEL)
                _mm512_store_ps(to, _mm512_castsi512_ps(square[i]));
        }
    }
}

AVX512 static void vectors_pack(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                                ptrdiff_t columns, int transposed, float *packed) {
    if (transposed && is_double) pack_panels(b, 1, ld, inner, first, columns, 1, packed);
    else if (transposed) pack_panels(b, 0, ld, inner, first, columns, 1, packed);
    else if (is_double) pack_panels(b, 1, ld, inner, first, columns, 0, packed);
    else pack_panels(b, 0, ld, inner, first, columns, 0, packed);
}

/* Rows of A (rows, inner), a CHUNK of all of them after the other. left: vector_left_size numbers. */
AVX512 static void vectors_left(const float *a, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t inner, float *left) {
    for (ptrdiff_t k = 0; k < inner; k += CHUNK)
        for (ptrdiff_t row = 0; row < rows; row++, left += LEFT_ROW)
            memcpy(left, a + row * ld + k, (inner - k < CHUNK ? inner - k : CHUNK) * sizeof(float));
}

/* C = A B (+ C), A (rows, inner) by vectors_left, B (inner, columns) by vectors_pack. */
AVX512 static void vectors_matmul(const float *left, ptrdiff_t rows, ptrdiff_t inner, const float *packed,
                                  ptrdiff_t columns, int accumulate, float *c, ptrdiff_t ld_c) {
    for (ptrdiff_t k = 0; k < inner; k += CHUNK, left += rows * LEFT_ROW, accumulate = 1) {
        const ptrdiff_t part = inner - k < CHUNK ? inner - k : CHUNK;
        for (ptrdiff_t j = 0; j < columns; j += VECTOR_PANEL) {
            const int second = columns - j > 16;
            const __mmask16 last = lanes(columns - j - 16 * second);
            const float *panel = packed + (j / VECTOR_PANEL * inner + k) * VECTOR_PANEL;
            for (ptrdiff_t t = 0; t < tiles_of(rows); t++) {
                const ptrdiff_t row = tile_start(rows, t), height = tile_start(rows, t + 1) - row;
                ALONG_ROWS[height - 1][second](left + row * LEFT_ROW, panel, part, accumulate, last,
                                               c + row * ld_c + j, ld_c);
            }
        }
    }
}

/* C (k, d) = Aᵀ diag(scale²) B over n ≥ 1 rows; scale NULL: 1; half: of C the lower half only, and of what stands
 * above it no more than is convenient. own: vector_gram_size numbers. */
AVX512 static void vectors_gram(const float *a, ptrdiff_t ld_a, ptrdiff_t k, const float *b, ptrdiff_t ld_b,
                                ptrdiff_t d, ptrdiff_t n, const float *scale, int half, float *c, float *own) {
    float *left = own, *right = own + GRAM_ROWS * ((k + TILE_ROWS + 15) / 16 * 16);
    for (ptrdiff_t first = 0; first < n; first += GRAM_ROWS) {
        const ptrdiff_t rows = n - first < GRAM_ROWS ? n - first : GRAM_ROWS;
        pack_panels(b + first * ld_b, 0, ld_b, rows, 0, d, 0, right);
        for (ptrdiff_t row = 0; row < rows; row++) {
            const float *from = a + (first + row) * ld_a, weight = scale ? scale[first + row] * scale[first + row] : 1;
            prefetch(from, 0, ROWS_AHEAD * ld_a, k);
            for (ptrdiff_t t = 0; t < tiles_of(k); t++) {
                const ptrdiff_t i = tile_start(k, t), height = tile_start(k, t + 1) - i;
                _mm512_mask_storeu_ps(left + i * rows + row * height, lanes(height),
                                      _mm512_mul_ps(_mm512_set1_ps(weight),
                                                    _mm512_maskz_loadu_ps(lanes(height), from + i)));
            }
        }
        for (ptrdiff_t j = 0; j < d; j += VECTOR_PANEL) {
            const int second = d - j > 16;
            const __mmask16 last = lanes(d - j - 16 * second);
            const float *panel = right + j / VECTOR_PANEL * rows * VECTOR_PANEL;
            for (ptrdiff_t t = 0; t < tiles_of(k); t++) {
                const ptrdiff_t i = tile_start(k, t), height = tile_start(k, t + 1) - i;
                if (half && i + height <= j) continue;
                ACROSS_ROWS[height - 1][second](left + i * rows, panel, rows, first > 0, last, c + i * d + j, d);
            }
        }
    }
}

#else

static void vectors_pack(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                         ptrdiff_t columns, int transposed, float *packed) {}
static void vectors_left(const float *a, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t inner, float *left) {}
static void vectors_matmul(const float *left, ptrdiff_t rows, ptrdiff_t inner, const float *packed, ptrdiff_t columns,
                           int accumulate, float *c, ptrdiff_t ld_c) {}
static void vectors_gram(const float *a, ptrdiff_t ld_a, ptrdiff_t k, const float *b, ptrdiff_t ld_b, ptrdiff_t d,
                         ptrdiff_t n, const float *scale, int half, float *c, float *own) {}

#endif
#endif
