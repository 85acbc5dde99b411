/* Products of float32 matrices on the matrix unit (AMX) of x86-64 servers. Included by products.pyx.
 *
 * The unit multiplies 16×32 by 32×16 bfloat16 numbers and adds up in float32, twenty times as many in a second as the
 * vector unit does in float32. A float32 number is the sum of three bfloat16 numbers exactly, x = x₀ + x₁ + x₂, each
 * the most that one holds of what those before leave. Of the nine products of parts, the six with i + j ≤ 2 are computed:
 *
 *     x y ≈ x₀ y₂ + x₁ y₁ + x₂ y₀ + x₀ y₁ + x₁ y₀ + x₀ y₀
 *
 * What is left out is at most 2⁻²² |x y|, of either sign and much less on average: sums are as accurate as in float32.
 * (The scheme is that of Henry, Tang & Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for
 * higher-precision computations", ARITH 2019.)
 * Infinities come out as NaN; parts below 1e-38 count as 0.
 *
 * Matrices are packed into tiles first, 32 rows of the left and 32 columns of the right one a panel:
 *
 *     panel = for each 32 of the inner dimension: for each part: two tiles of 16×32 numbers
 *     left tile   row i, then the inner dimension                    (16 rows of 32 numbers)
 *     right tile  pairs of the inner dimension, columns inside       (16 pairs of 16 columns of 2 numbers)
 *
 * so that a right tile, seen as 16×16 pairs, is the transpose of a left one.
 */
#ifndef WORDSPARSE_TILES_H
#define WORDSPARSE_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "avx.h"

/* Rows and columns of a panel, and how many steps of the inner dimension are packed at a time for a Gram matrix: of so
 * many steps a panel of either side fits the first-level cache. */
#define PANEL 32
#define PARTS 3
#define TILE_NUMBERS 512
#define STEP_NUMBERS (2 * PARTS * TILE_NUMBERS)
#define GRAM_STEPS 4
/* Rows of a product at a time: a panel of the right side serves them all before the next one. */
#define TILED_ROWS 128

static inline ptrdiff_t panels(ptrdiff_t n) { return (n + PANEL - 1) / PANEL; }

/* Numbers of work space: B packed, a thread's share of a product, a thread's share of a Gram matrix. */
static inline ptrdiff_t packed_size(ptrdiff_t inner, ptrdiff_t columns) {
    return panels(inner) * panels(columns) * STEP_NUMBERS;
}
static inline ptrdiff_t matmul_work(ptrdiff_t inner) {
    return packed_size(inner, TILED_ROWS) + 2 * PANEL * PANEL;
}
static inline ptrdiff_t gram_work(ptrdiff_t k, ptrdiff_t d) {
    return (panels(k) + panels(d)) * GRAM_STEPS * STEP_NUMBERS + panels(k) * panels(d) * 2 * PANEL * PANEL;
}

#if defined(HAS_AVX) && defined(__linux__) && \
    ((defined(__clang__) && __clang_major__ >= 13) || (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 12))

#define TILES_COMPILED 1
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILED __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq")))
#define TILED_INLINE static inline __attribute__((always_inline)) TILED

/* Whether this machine has the unit and the system lends it to this process; asked once, at import. */
static int tiles_lent(void) {
    const unsigned amx = 1u << 22 | 1u << 24, avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & amx) != amx || (b & avx512) != avx512) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return 0; /* the system saves wide registers … */
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x600e6) != 0x600e6) return 0; /* … those of AVX-512 and the tiles among them */
    return syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* tile data */) == 0;
}

typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileShapes;

TILED static void tiles_begin(void) {
    TileShapes shapes;
    memset(&shapes, 0, sizeof shapes);
    shapes.palette = 1;
    for (int tile = 0; tile < 8; tile++) {
        shapes.row_bytes[tile] = 64;
        shapes.rows[tile] = 16;
    }
    _tile_loadconfig(&shapes);
}

/* A number's parts, as the upper halves of float32 numbers: the first rounded, so that what is left out has no sign of
 * its own, the second cut off, the third what remains. */
TILED_INLINE void split(__m512 x, __m512i *parts) {
    const __m512i upper = _mm512_set1_epi32((int) 0xffff0000), half = _mm512_set1_epi32(0x8000);
    parts[0] = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
    x = _mm512_sub_ps(x, _mm512_castsi512_ps(parts[0]));
    parts[1] = _mm512_and_si512(_mm512_castps_si512(x), upper);
    parts[2] = _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(parts[1])));
}

/* 32 numbers of a row of x from x[at] on, of which `there` exist: each part as a row of a left tile. */
TILED_INLINE void split_row(const void *x, int is_double, ptrdiff_t at, ptrdiff_t there, __m512i *rows) {
    const __m512i uppers = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                            25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    __m512i low[PARTS], high[PARTS];
    split(load(x, is_double, at, lanes(there)), low);
    split(load(x, is_double, at + 16, lanes(there - 16)), high);
    for (int part = 0; part < PARTS; part++) rows[part] = _mm512_permutex2var_epi16(low[part], uppers, high[part]);
}

/* Left panels whose rows are rows of x (count, inner), a row after the other. */
TILED static void pack_rows(const float *x, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner, uint16_t *packed) {
    const ptrdiff_t size = panels(inner) * STEP_NUMBERS;
    for (ptrdiff_t row = 0; row < panels(count) * PANEL; row++) {
        uint16_t *to = packed + row / PANEL * size + row % PANEL / 16 * TILE_NUMBERS + row % 16 * 32;
        for (ptrdiff_t k = 0; k < inner; k += 32, to += STEP_NUMBERS) {
            __m512i rows[PARTS];
            split_row(x, 0, row * ld + k, row < count ? inner - k : 0, rows);
            for (int part = 0; part < PARTS; part++) _mm512_storeu_si512(to + part * 2 * TILE_NUMBERS, rows[part]);
        }
    }
}

/* Right panels whose columns are rows of x (count, inner), float32 or float64. */
TILED_INLINE void pack_along(const void *x, int is_double, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner,
                             uint16_t *packed) {
    const ptrdiff_t size = panels(inner) * STEP_NUMBERS;
    for (ptrdiff_t row = 0; row < panels(count) * PANEL; row += 16) {
        uint16_t *to = packed + row / PANEL * size + row % PANEL / 16 * TILE_NUMBERS;
        for (ptrdiff_t k = 0; k < inner; k += 32, to += STEP_NUMBERS) {
            __m512i pairs[PARTS][16];
            for (int i = 0; i < 16; i++) {
                __m512i rows[PARTS];
                split_row(x, is_double, (row + i) * ld + k, row + i < count ? inner - k : 0, rows);
                prefetch(x, is_double, (row + i) * ld + k + 64, 32);
                for (int part = 0; part < PARTS; part++) pairs[part][i] = rows[part];
            }
            for (int part = 0; part < PARTS; part++) {
                transpose(pairs[part], pairs[part]);
                for (int i = 0; i < 16; i++)
                    _mm512_storeu_si512(to + part * 2 * TILE_NUMBERS + 32 * i, pairs[part][i]);
            }
        }
    }
}

/* Panels whose rows or columns are columns of x (inner, count), x's rows times `scale` (NULL: 1): `size` numbers from
 * one panel to the next, as right ones and as left ones, either or both (NULL: not). x as above. */
TILED_INLINE void pack_across(const void *x, int is_double, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner,
                              const float *scale, ptrdiff_t size, uint16_t *left, uint16_t *right) {
    const __m512i upper = _mm512_set1_epi32((int) 0xffff0000);
    __m512i pairs[PARTS][16];
    for (ptrdiff_t k = 0; k < inner; k += 32) {
        for (ptrdiff_t column = 0; column < panels(count) * PANEL; column += 16) {
            const ptrdiff_t place = column / PANEL * size + k / 32 * STEP_NUMBERS + column % PANEL / 16 * TILE_NUMBERS;
            const __mmask16 there = lanes(count - column);
            for (int i = 0; i < 16; i++) {
                const ptrdiff_t row = k + 2 * i;
                const ptrdiff_t from = row * ld + column;
                __m512 even = load(x, is_double, from, row < inner ? there : 0);
                __m512 odd = load(x, is_double, from + ld, row + 1 < inner ? there : 0);
                __m512i of_even[PARTS], of_odd[PARTS];
                if (scale && row < inner) even = _mm512_mul_ps(even, _mm512_set1_ps(scale[row]));
                if (scale && row + 1 < inner) odd = _mm512_mul_ps(odd, _mm512_set1_ps(scale[row + 1]));
                prefetch(x, is_double, from + 32 * ld, 16);
                prefetch(x, is_double, from + 33 * ld, 16);
                split(even, of_even);
                split(odd, of_odd);
                for (int part = 0; part < PARTS; part++) /* upper | even >> 16 */
                    pairs[part][i] = _mm512_ternarylogic_epi32(upper, of_odd[part],
                                                               _mm512_srli_epi32(of_even[part], 16), 0xea);
            }
            for (int part = 0; part < PARTS; part++) {
                if (right)
                    for (int i = 0; i < 16; i++)
                        _mm512_storeu_si512(right + place + part * 2 * TILE_NUMBERS + 32 * i, pairs[part][i]);
                if (left) {
                    transpose(pairs[part], pairs[part]);
                    for (int i = 0; i < 16; i++)
                        _mm512_storeu_si512(left + place + part * 2 * TILE_NUMBERS + 32 * i, pairs[part][i]);
                }
            }
        }
    }
}

/* out (32×32) (+)= left panel · right panel over `steps` steps of 32; of columns only the first 16 where not wide. */
TILED_INLINE void multiply(const uint16_t *left, const uint16_t *right, ptrdiff_t steps, int wide, int accumulate,
                           float *out, ptrdiff_t ld) {
#define LEFT(part) \
    _tile_loadd(4, left + 2 * (part) * TILE_NUMBERS, 64); \
    _tile_loadd(5, left + (2 * (part) + 1) * TILE_NUMBERS, 64);
#define RIGHT(part) \
    _tile_loadd(6, right + 2 * (part) * TILE_NUMBERS, 64); \
    if (wide) _tile_loadd(7, right + (2 * (part) + 1) * TILE_NUMBERS, 64);
#define TERM \
    _tile_dpbf16ps(0, 4, 6); \
    _tile_dpbf16ps(2, 5, 6); \
    if (wide) { \
        _tile_dpbf16ps(1, 4, 7); \
        _tile_dpbf16ps(3, 5, 7); \
    }
    if (accumulate) {
        _tile_loadd(0, out, 4 * ld);
        _tile_loadd(1, out + 16, 4 * ld);
        _tile_loadd(2, out + 16 * ld, 4 * ld);
        _tile_loadd(3, out + 16 * ld + 16, 4 * ld);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (ptrdiff_t step = 0; step < steps; step++, left += STEP_NUMBERS, right += STEP_NUMBERS) {
        LEFT(0) RIGHT(2) TERM
        RIGHT(1) TERM
        LEFT(1) TERM
        RIGHT(0) TERM
        LEFT(2) TERM
        LEFT(0) TERM
    }
    _tile_stored(0, out, 4 * ld);
    _tile_stored(1, out + 16, 4 * ld);
    _tile_stored(2, out + 16 * ld, 4 * ld);
    _tile_stored(3, out + 16 * ld + 16, 4 * ld);
#undef LEFT
#undef RIGHT
#undef TERM
}

/* Right panels of `columns` columns of B, float32 or float64, from column `first` on; transposed: b is Bᵀ. */
TILED static void tiles_pack(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                             ptrdiff_t columns, int transposed, uint16_t *packed) {
    const ptrdiff_t size = panels(inner) * STEP_NUMBERS;
    const void *from = (const char *) b + (transposed ? first * ld : first) * (is_double ? 8 : 4);
    if (transposed && is_double) pack_along(from, 1, ld, columns, inner, packed);
    else if (transposed) pack_along(from, 0, ld, columns, inner, packed);
    else if (is_double) pack_across(from, 1, ld, columns, inner, NULL, size, NULL, packed);
    else pack_across(from, 0, ld, columns, inner, NULL, size, NULL, packed);
}

/* Left panels whose rows are columns of x (inner, count). */
TILED static void pack_columns(const float *x, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner, uint16_t *packed) {
    pack_across(x, 0, ld, count, inner, NULL, panels(inner) * STEP_NUMBERS, packed, NULL);
}

/* C = A B (+ C) for rows (≤ TILED_ROWS) rows of A (rows, inner), A packed by pack_rows or pack_columns, B by
 * tiles_pack. */
TILED static void tiles_matmul(uint16_t *work, ptrdiff_t rows, ptrdiff_t inner, const uint16_t *packed,
                               ptrdiff_t columns, int accumulate, float *c, ptrdiff_t ld_c) {
    const ptrdiff_t steps = panels(inner), size = steps * STEP_NUMBERS;
    float *block = (float *) (work + TILED_ROWS / PANEL * size);
    tiles_begin();
    for (ptrdiff_t j = 0; j < columns; j += PANEL, packed += size) {
        const __mmask16 low = lanes(columns - j), high = lanes(columns - j - 16);
        for (ptrdiff_t first = 0; first < rows; first += PANEL) {
            const uint16_t *left = work + first / PANEL * size;
            float *to = c + first * ld_c + j;
            if (high == 0xffff && rows - first >= PANEL && !accumulate) {
                multiply(left, packed, steps, 1, 0, to, ld_c);
                continue;
            }
            if (high) multiply(left, packed, steps, 1, 0, block, PANEL);
            else multiply(left, packed, steps, 0, 0, block, PANEL);
            for (ptrdiff_t i = 0; i < PANEL && i < rows - first; i++, to += ld_c) {
                __m512 x = _mm512_loadu_ps(block + i * PANEL), y = _mm512_loadu_ps(block + i * PANEL + 16);
                if (accumulate) {
                    x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(low, to));
                    y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(high, to + 16));
                }
                _mm512_mask_storeu_ps(to, low, x);
                _mm512_mask_storeu_ps(to + 16, high, y);
            }
        }
    }
    _tile_release();
}

/* P (d, d) + Pᵀ in place of P: rows from 16 i on up to the diagonal, and what mirrors them. */
TILED static void tiles_mirror(float *p, ptrdiff_t d, ptrdiff_t i) {
    const ptrdiff_t rows = d - 16 * i < 16 ? d - 16 * i : 16;
    const __mmask16 of_rows = lanes(rows);
    for (ptrdiff_t j = 0; j <= i; j++) {
        const ptrdiff_t columns = d - 16 * j < 16 ? d - 16 * j : 16;
        const __mmask16 of_columns = lanes(columns);
        float *along = p + 16 * i * d + 16 * j, *across = p + 16 * j * d + 16 * i;
        __m512i sum[16];
        for (int row = 0; row < 16; row++)
            sum[row] = _mm512_castps_si512(_mm512_maskz_loadu_ps(row < columns ? of_rows : 0, across + row * d));
        transpose(sum, sum);
        for (int row = 0; row < 16; row++) {
            const __m512 x = _mm512_maskz_loadu_ps(row < rows ? of_columns : 0, along + row * d);
            sum[row] = _mm512_castps_si512(_mm512_add_ps(x, _mm512_castsi512_ps(sum[row])));
            _mm512_mask_storeu_ps(along + row * d, row < rows ? of_columns : 0, _mm512_castsi512_ps(sum[row]));
        }
        if (j == i) continue;
        transpose(sum, sum);
        for (int row = 0; row < 16; row++)
            _mm512_mask_storeu_ps(across + row * d, row < columns ? of_rows : 0, _mm512_castsi512_ps(sum[row]));
    }
}

/* C (k, d) = Aᵀ diag(scale²) B over n rows; B NULL: A, and of C only the lower half is right. */
TILED static void tiles_gram(const float *a, ptrdiff_t ld_a, ptrdiff_t k, const float *b, ptrdiff_t ld_b, ptrdiff_t d,
                             ptrdiff_t n, const float *scale, float *c, uint16_t *work) {
    const ptrdiff_t size = GRAM_STEPS * STEP_NUMBERS, across = panels(d);
    uint16_t *left = work, *right = left + panels(k) * size;
    float *blocks = (float *) (right + across * size);
    tiles_begin();
    for (ptrdiff_t first = 0; first < n; first += GRAM_STEPS * PANEL) {
        const ptrdiff_t rows = n - first < GRAM_STEPS * PANEL ? n - first : GRAM_STEPS * PANEL, steps = panels(rows);
        const float *of_rows = scale ? scale + first : NULL;
        pack_across(a + first * ld_a, 0, ld_a, k, rows, of_rows, size, left, b ? NULL : right);
        if (b) pack_across(b + first * ld_b, 0, ld_b, d, rows, of_rows, size, NULL, right);
        for (ptrdiff_t j = 0; j < across; j++) {
            const int wide = d - j * PANEL > 16;
            for (ptrdiff_t i = b ? 0 : j; i < panels(k); i++) {
                float *block = blocks + (i * across + j) * PANEL * PANEL;
                if (wide) multiply(left + i * size, right + j * size, steps, 1, first > 0, block, PANEL);
                else multiply(left + i * size, right + j * size, steps, 0, first > 0, block, PANEL);
            }
        }
    }
    _tile_release();
    for (ptrdiff_t i = 0; i < k; i++)
        for (ptrdiff_t j = 0; j < (b ? d : i + 1); j += PANEL)
            memcpy(c + i * d + j, blocks + (i / PANEL * across + j / PANEL) * PANEL * PANEL + i % PANEL * PANEL,
                   sizeof(float) * (d - j < PANEL ? d - j : PANEL));
}

#else

#define TILES_COMPILED 0
static int tiles_lent(void) { return 0; }
static void tiles_pack(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                       ptrdiff_t columns, int transposed, uint16_t *packed) {}
static void pack_rows(const float *x, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner, uint16_t *packed) {}
static void pack_columns(const float *x, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t inner, uint16_t *packed) {}
static void tiles_matmul(uint16_t *work, ptrdiff_t rows, ptrdiff_t inner, const uint16_t *packed, ptrdiff_t columns,
                         int accumulate, float *c, ptrdiff_t ld_c) {}
static void tiles_mirror(float *p, ptrdiff_t d, ptrdiff_t i) {}
static void tiles_gram(const float *a, ptrdiff_t ld_a, ptrdiff_t k, const float *b, ptrdiff_t ld_b, ptrdiff_t d,
                       ptrdiff_t n, const float *scale, float *c, uint16_t *work) {}

#endif
#endif
