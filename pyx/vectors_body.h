/* The products of vectors.h for one REAL type; NAME(stem) appends the type's suffix, OP(op) names an instruction. */

#ifdef HAS_AVX512

#define NUMBERS ((ptrdiff_t)(64 / sizeof(REAL)))
#define PANEL_NUMBERS (2 * NUMBERS)
#define LANES(n) ((MASK) (lanes(n)))

/* A tile of C (rows, up to two vectors' columns) (+)= A B over `inner`. Of columns a vector's `vectors` - 1 times, and
 * `last`. */
typedef void (*NAME(TileKernel))(const REAL *a, const REAL *b, ptrdiff_t inner, int accumulate, MASK last, REAL *c,
                                 ptrdiff_t ld_c);

AVX512_INLINE void NAME(tile)(int rows, int vectors, ptrdiff_t row, ptrdiff_t step, const REAL *a, const REAL *b,
                        ptrdiff_t inner, int accumulate, MASK last, REAL *c, ptrdiff_t ld_c) {
    VECTOR sum[TILE_ROWS][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = sum[i][1] = OP(setzero)();
        __builtin_prefetch(c + i * ld_c, 1);
        if (vectors > 1) __builtin_prefetch(c + i * ld_c + NUMBERS, 1);
    }
    for (ptrdiff_t k = 0; k < inner; k++, a += step, b += PANEL_NUMBERS) {
        const VECTOR b0 = OP(load)(b), b1 = vectors > 1 ? OP(load)(b + NUMBERS) : OP(setzero)();
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const VECTOR x = OP(set1)(a[i * row]);
            sum[i][0] = OP(fmadd)(x, b0, sum[i][0]);
            if (vectors > 1) sum[i][1] = OP(fmadd)(x, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += ld_c) {
        if (vectors > 1) {
            if (accumulate) sum[i][0] = OP(add)(sum[i][0], OP(loadu)(c));
            OP(storeu)(c, sum[i][0]);
        }
        REAL *end = c + NUMBERS * (vectors - 1);
        if (accumulate)
            sum[i][vectors - 1] = OP(add)(sum[i][vectors - 1], OP(maskz_loadu)(last, end));
        OP(mask_storeu)(end, last, sum[i][vectors - 1]);
    }
}

/* One function a number of rows and vectors: of A packed row after row, and k after k. */
#define TILES_OF(rows, vectors) \
    AVX512 static void NAME(along_##rows##_##vectors)(const REAL *a, const REAL *b, ptrdiff_t inner, int accumulate, \
                                                MASK last, REAL *c, ptrdiff_t ld_c) { \
        NAME(tile)(rows, vectors, LEFT_ROW, 1, a, b, inner, accumulate, last, c, ld_c); \
    } \
    AVX512 static void NAME(across_##rows##_##vectors)(const REAL *a, const REAL *b, ptrdiff_t inner, int accumulate, \
                                                 MASK last, REAL *c, ptrdiff_t ld_c) { \
        NAME(tile)(rows, vectors, 1, rows, a, b, inner, accumulate, last, c, ld_c); \
    }
#define EACH_HEIGHT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14)
#define BOTH_WIDTHS(rows) TILES_OF(rows, 1) TILES_OF(rows, 2)
#define ALONG(rows) {NAME(along_##rows##_1), NAME(along_##rows##_2)},
#define ACROSS(rows) {NAME(across_##rows##_1), NAME(across_##rows##_2)},
EACH_HEIGHT(BOTH_WIDTHS)
static const NAME(TileKernel) NAME(ALONG_ROWS)[TILE_ROWS][2] = {EACH_HEIGHT(ALONG)};
static const NAME(TileKernel) NAME(ACROSS_ROWS)[TILE_ROWS][2] = {EACH_HEIGHT(ACROSS)};
#undef TILES_OF
#undef EACH_HEIGHT
#undef BOTH_WIDTHS
#undef ALONG
#undef ACROSS

/* NUMBERS numbers from x[at] on; float64 ones rounded to floats where floats are asked for. */
AVX512_INLINE VECTOR NAME(take)(const void *x, int is_double, ptrdiff_t at, ptrdiff_t there) {
    if (sizeof(REAL) == 8) return OP(maskz_loadu)(LANES(there), (const REAL *)x + at);
    const __m512 floats = load(x, is_double, at, lanes(there));
    return *(const VECTOR *)&floats;
}

/* `columns` columns of B, float32 or float64, from column `first` on, into panels; transposed: b is Bᵀ. */
AVX512_INLINE void NAME(pack_panels)(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                                     ptrdiff_t columns, int transposed, REAL *packed) {
    const ptrdiff_t padded = vector_panels(columns, sizeof(REAL)) * PANEL_NUMBERS;
    for (ptrdiff_t k = 0; !transposed && k < inner; k++) {
        prefetch(b, is_double, (k + ROWS_AHEAD) * ld + first, columns);
        for (ptrdiff_t j = 0; j < padded; j += NUMBERS)
            OP(store)(packed + j / PANEL_NUMBERS * inner * PANEL_NUMBERS + k * PANEL_NUMBERS + j % PANEL_NUMBERS,
                      NAME(take)(b, is_double, k * ld + first + j, columns - j));
    }
    for (ptrdiff_t j = 0; transposed && j < padded; j += NUMBERS) {
        REAL *to = packed + j / PANEL_NUMBERS * inner * PANEL_NUMBERS + j % PANEL_NUMBERS;
        for (ptrdiff_t k = 0; sizeof(REAL) == 8 && k < inner; k++, to += PANEL_NUMBERS)
            for (ptrdiff_t i = 0; i < NUMBERS; i++)
                to[i] = j + i < columns ? ((const REAL *)b)[(first + j + i) * ld + k] : 0;
        for (ptrdiff_t k = 0; sizeof(REAL) == 4 && k < inner; k += 16) {
            __m512i square[16];
            for (int i = 0; i < 16; i++) {
                const __mmask16 inside = j + i < columns ? lanes(inner - k) : 0;
                square[i] = _mm512_castps_si512(load(b, is_double, inside ? (first + j + i) * ld + k : 0, inside));
            }
            transpose(square, square);
            for (int i = 0; i < 16 && k + i < inner; i++, to += PANEL_NUMBERS) _mm512_store_si512(to, square[i]);
        }
    }
}

AVX512 static void NAME(vectors_pack)(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                                      ptrdiff_t columns, int transposed, REAL *packed) {
    if (transposed && is_double) NAME(pack_panels)(b, 1, ld, inner, first, columns, 1, packed);
    else if (transposed) NAME(pack_panels)(b, 0, ld, inner, first, columns, 1, packed);
    else if (is_double) NAME(pack_panels)(b, 1, ld, inner, first, columns, 0, packed);
    else NAME(pack_panels)(b, 0, ld, inner, first, columns, 0, packed);
}

/* Rows of A (rows, inner), a CHUNK of all of them after the other. chosen not NULL: rows chosen[0 .. rows-1] of a; last
 * not NULL: A's last column, beside a's. left: vector_left_size numbers. */
AVX512 static void NAME(vectors_left)(const REAL *a, ptrdiff_t ld, const int64_t *chosen, const REAL *last,
                                      ptrdiff_t rows, ptrdiff_t inner, REAL *left) {
    const ptrdiff_t own = inner - (last != NULL);
    for (ptrdiff_t k = 0; k < inner; k += CHUNK)
        for (ptrdiff_t row = 0; row < rows; row++, left += LEFT_ROW) {
            const ptrdiff_t ahead = row + ROWS_AHEAD, end = k + CHUNK < own ? k + CHUNK : own;
            if (!chosen || ahead < rows)
                prefetch(a, sizeof(REAL) == 8, (chosen ? chosen[ahead] : ahead) * ld + k, CHUNK);
            if (end > k) memcpy(left, a + (chosen ? chosen[row] : row) * ld + k, (end - k) * sizeof(REAL));
            if (last && own - k < CHUNK) left[own - k] = last[row];
        }
}

/* C = A B (+ C), A (rows, inner) by vectors_left, B (inner, columns) by vectors_pack. */
AVX512 static void NAME(vectors_matmul)(const REAL *left, ptrdiff_t rows, ptrdiff_t inner, const REAL *packed,
                                  ptrdiff_t columns, int accumulate, REAL *c, ptrdiff_t ld_c) {
    for (ptrdiff_t k = 0; k < inner; k += CHUNK, left += rows * LEFT_ROW, accumulate = 1) {
        const ptrdiff_t part = inner - k < CHUNK ? inner - k : CHUNK;
        for (ptrdiff_t j = 0; j < columns; j += PANEL_NUMBERS) {
            const int second = columns - j > NUMBERS;
            const MASK last = LANES(columns - j - NUMBERS * second);
            const REAL *panel = packed + (j / PANEL_NUMBERS * inner + k) * PANEL_NUMBERS;
            for (ptrdiff_t t = 0; t < tiles_of(rows); t++) {
                const ptrdiff_t row = tile_start(rows, t), height = tile_start(rows, t + 1) - row;
                NAME(ALONG_ROWS)[height - 1][second](left + row * LEFT_ROW, panel, part, accumulate, last,
                                               c + row * ld_c + j, ld_c);
            }
        }
    }
}

/* C (k, d) = Aᵀ diag(scale²) B over n ≥ 1 rows; scale NULL: 1; half: of C the lower half only, and of what stands
 * above it no more than is convenient. own: vector_gram_size numbers. */
AVX512 static void NAME(vectors_gram)(const REAL *a, ptrdiff_t ld_a, ptrdiff_t k, const REAL *b, ptrdiff_t ld_b,
                                ptrdiff_t d, ptrdiff_t n, const REAL *scale, int half, REAL *c, REAL *own) {
    REAL *left = own, *right = own + GRAM_ROWS * ((k + TILE_ROWS + 15) / 16 * 16);
    for (ptrdiff_t first = 0; first < n; first += GRAM_ROWS) {
        const ptrdiff_t rows = n - first < GRAM_ROWS ? n - first : GRAM_ROWS;
        NAME(pack_panels)(b + first * ld_b, sizeof(REAL) == 8, ld_b, rows, 0, d, 0, right);
        for (ptrdiff_t row = 0; row < rows; row++) {
            const REAL *from = a + (first + row) * ld_a, weight = scale ? scale[first + row] * scale[first + row] : 1;
            prefetch(from, sizeof(REAL) == 8, ROWS_AHEAD * ld_a, k);
            for (ptrdiff_t t = 0; t < tiles_of(k); t++) {
                const ptrdiff_t i = tile_start(k, t), height = tile_start(k, t + 1) - i;
                for (ptrdiff_t at = 0; at < height; at += NUMBERS) {
                    const MASK there = LANES(height - at);
                    const VECTOR x = OP(maskz_loadu)(there, from + i + at);
                    OP(mask_storeu)(left + i * rows + row * height + at, there, OP(mul)(OP(set1)(weight), x));
                }
            }
        }
        for (ptrdiff_t j = 0; j < d; j += PANEL_NUMBERS) {
            const int second = d - j > NUMBERS;
            const MASK last = LANES(d - j - NUMBERS * second);
            const REAL *panel = right + j / PANEL_NUMBERS * rows * PANEL_NUMBERS;
            for (ptrdiff_t t = 0; t < tiles_of(k); t++) {
                const ptrdiff_t i = tile_start(k, t), height = tile_start(k, t + 1) - i;
                if (half && i + height <= j) continue;
                NAME(ACROSS_ROWS)[height - 1][second](left + i * rows, panel, rows, first > 0, last, c + i * d + j, d);
            }
        }
    }
}

#undef NUMBERS
#undef PANEL_NUMBERS
#undef LANES

#else

static void NAME(vectors_pack)(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                         ptrdiff_t columns, int transposed, REAL *packed) {}
static void NAME(vectors_left)(const REAL *a, ptrdiff_t ld, const int64_t *chosen, const REAL *last, ptrdiff_t rows,
                         ptrdiff_t inner, REAL *left) {}
static void NAME(vectors_matmul)(const REAL *left, ptrdiff_t rows, ptrdiff_t inner, const REAL *packed, ptrdiff_t columns,
                           int accumulate, REAL *c, ptrdiff_t ld_c) {}
static void NAME(vectors_gram)(const REAL *a, ptrdiff_t ld_a, ptrdiff_t k, const REAL *b, ptrdiff_t ld_b, ptrdiff_t d,
                         ptrdiff_t n, const REAL *scale, int half, REAL *c, REAL *own) {}

#endif
