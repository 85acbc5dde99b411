/* The products of vectors.h for one REAL type and instruction set; NAME(stem) appends the suffix of both, OP(op) names
 * an instruction, FOR_SET stands before a function. */

#define NUMBERS ((ptrdiff_t)(VEC_BYTES / sizeof(REAL)))
#define PANEL_NUMBERS (2 * NUMBERS)
#define INLINED_FOR_SET static inline __attribute__((always_inline)) FOR_SET

/* The first row of tile t, of as few tiles as `rows` rows make, all of nearly the same height. */
static inline ptrdiff_t NAME(tiles_of)(ptrdiff_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }
static inline ptrdiff_t NAME(tile_start)(ptrdiff_t rows, ptrdiff_t t) { return rows * t / NAME(tiles_of)(rows); }

/* A tile of C (rows, columns up to those of two vectors) (+)= A B over `inner`. */
typedef void (*NAME(TileKernel))(const REAL *a, ptrdiff_t ld_a, const REAL *b, ptrdiff_t inner, int accumulate, ptrdiff_t columns,
                                 REAL *c, ptrdiff_t ld_c);

INLINED_FOR_SET void NAME(tile)(int rows, int vectors, ptrdiff_t row, ptrdiff_t step, const REAL *a, const REAL *b,
                                ptrdiff_t inner, int accumulate, ptrdiff_t columns, REAL *c, ptrdiff_t ld_c) {
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
    const MASK last = LANES(columns - NUMBERS * (vectors - 1));
    const int whole = columns == NUMBERS * vectors; /* AVX2 stores part of a vector slowly */
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c += ld_c) {
        if (vectors > 1) {
            if (accumulate) sum[i][0] = OP(add)(sum[i][0], OP(loadu)(c));
            OP(storeu)(c, sum[i][0]);
        }
        REAL *end = c + NUMBERS * (vectors - 1);
        if (accumulate) sum[i][vectors - 1] = OP(add)(sum[i][vectors - 1], LOAD_SOME(last, end));
        if (whole) OP(storeu)(end, sum[i][vectors - 1]);
        else STORE_SOME(end, last, sum[i][vectors - 1]);
    }
}

/* One function a number of rows and vectors: of A packed row after row, and k after k. */
#define TILES_OF(rows, vectors) \
    FOR_SET static void NAME(along_##rows##_##vectors)(const REAL *a, ptrdiff_t ld_a, const REAL *b, ptrdiff_t inner, int accumulate, \
                                                      ptrdiff_t columns, REAL *c, ptrdiff_t ld_c) { \
        NAME(tile)(rows, vectors, ld_a, 1, a, b, inner, accumulate, columns, c, ld_c); \
    } \
    FOR_SET static void NAME(across_##rows##_##vectors)(const REAL *a, ptrdiff_t ld_a, const REAL *b, ptrdiff_t inner, int accumulate, \
                                                       ptrdiff_t columns, REAL *c, ptrdiff_t ld_c) { \
        NAME(tile)(rows, vectors, 1, ld_a, a, b, inner, accumulate, columns, c, ld_c); \
    }
#define BOTH_WIDTHS(rows) TILES_OF(rows, 1) TILES_OF(rows, 2)
#define ALONG(rows) {NAME(along_##rows##_1), NAME(along_##rows##_2)},
#define ACROSS(rows) {NAME(across_##rows##_1), NAME(across_##rows##_2)},
EACH_HEIGHT(BOTH_WIDTHS)
static const NAME(TileKernel) NAME(ALONG_ROWS)[TILE_ROWS][2] = {EACH_HEIGHT(ALONG)};
static const NAME(TileKernel) NAME(ACROSS_ROWS)[TILE_ROWS][2] = {EACH_HEIGHT(ACROSS)};
#undef TILES_OF
#undef BOTH_WIDTHS
#undef ALONG
#undef ACROSS

static inline REAL NAME(one)(const void *x, int is_double, ptrdiff_t at) {
    return is_double ? (REAL) ((const double *)x)[at] : ((const REAL *)x)[at];
}

/* `columns` columns of B, float32 or float64, from column `first` on, into panels; transposed: b is Bᵀ. */
INLINED_FOR_SET void NAME(pack_panels)(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                                     ptrdiff_t columns, int transposed, REAL *packed) {
    const ptrdiff_t padded = (columns + PANEL_NUMBERS - 1) / PANEL_NUMBERS * PANEL_NUMBERS;
    for (ptrdiff_t k = 0; !transposed && k < inner; k++) {
        prefetch(b, is_double, (k + ROWS_AHEAD) * ld + first, columns);
        for (ptrdiff_t j = 0; j < padded; j += NUMBERS)
            OP(store)(packed + j / PANEL_NUMBERS * inner * PANEL_NUMBERS + k * PANEL_NUMBERS + j % PANEL_NUMBERS,
                      TAKE(b, is_double, k * ld + first + j, columns - j));
    }
    for (ptrdiff_t j = 0; transposed && j < padded; j += NUMBERS) {
        REAL *to = packed + j / PANEL_NUMBERS * inner * PANEL_NUMBERS + j % PANEL_NUMBERS;
#if defined(SQUARES)
        for (ptrdiff_t k = 0; k < inner; k += NUMBERS) {
            __m512i square[16];
            for (int i = 0; i < 16; i++) {
                const __mmask16 inside = j + i < columns ? lanes(inner - k) : 0;
                square[i] = _mm512_castps_si512(load(b, is_double, inside ? (first + j + i) * ld + k : 0, inside));
            }
            transpose(square, square);
            for (int i = 0; i < 16 && k + i < inner; i++, to += PANEL_NUMBERS) _mm512_store_si512(to, square[i]);
        }
#else
        for (ptrdiff_t k = 0; k < inner; k++, to += PANEL_NUMBERS)
            for (ptrdiff_t i = 0; i < NUMBERS; i++)
                to[i] = j + i < columns ? NAME(one)(b, is_double, (first + j + i) * ld + k) : 0;
#endif
    }
}

FOR_SET static void NAME(vectors_pack)(const void *b, int is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first,
                                      ptrdiff_t columns, int transposed, REAL *packed) {
    if (transposed && is_double) NAME(pack_panels)(b, 1, ld, inner, first, columns, 1, packed);
    else if (transposed) NAME(pack_panels)(b, 0, ld, inner, first, columns, 1, packed);
    else if (is_double) NAME(pack_panels)(b, 1, ld, inner, first, columns, 0, packed);
    else NAME(pack_panels)(b, 0, ld, inner, first, columns, 0, packed);
}

/* Rows of A (rows, inner), a CHUNK of all of them after the other. chosen not NULL: rows chosen[0 .. rows-1] of a; last
 * not NULL: A's last column, beside a's. left: vector_left_size numbers. */
FOR_SET static void NAME(vectors_left)(const REAL *a, ptrdiff_t ld, const int64_t *chosen, const REAL *last,
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
FOR_SET static void NAME(vectors_matmul)(const REAL *left, ptrdiff_t rows, ptrdiff_t inner, const REAL *packed,
                                  ptrdiff_t columns, int accumulate, REAL *c, ptrdiff_t ld_c) {
    for (ptrdiff_t k = 0; k < inner; k += CHUNK, left += rows * LEFT_ROW, accumulate = 1) {
        const ptrdiff_t part = inner - k < CHUNK ? inner - k : CHUNK;
        for (ptrdiff_t j = 0; j < columns; j += PANEL_NUMBERS) {
            const ptrdiff_t wide = columns - j < PANEL_NUMBERS ? columns - j : PANEL_NUMBERS;
            const REAL *panel = packed + (j / PANEL_NUMBERS * inner + k) * PANEL_NUMBERS;
            for (ptrdiff_t t = 0; t < NAME(tiles_of)(rows); t++) {
                const ptrdiff_t row = NAME(tile_start)(rows, t), height = NAME(tile_start)(rows, t + 1) - row;
                NAME(ALONG_ROWS)[height - 1][wide > NUMBERS](left + row * LEFT_ROW, LEFT_ROW, panel, part, accumulate,
                                                                   wide, c + row * ld_c + j, ld_c);
            }
        }
    }
}

/* Rows chosen[0 .. rows-1] of B (., d), half of A's rows added to them, into panels. */
INLINED_FOR_SET void NAME(pack_middles)(const REAL *b, ptrdiff_t ld_b, const int64_t *chosen, const REAL *a, ptrdiff_t ld_a,
                                        ptrdiff_t rows, ptrdiff_t d, REAL *packed) {
    const ptrdiff_t padded = (d + PANEL_NUMBERS - 1) / PANEL_NUMBERS * PANEL_NUMBERS;
    const VECTOR half = OP(set1)((REAL) 0.5);
    for (ptrdiff_t k = 0; k < rows; k++) {
        if (k + ROWS_AHEAD < rows) prefetch(b, sizeof(REAL) == 8, chosen[k + ROWS_AHEAD] * ld_b, d);
        for (ptrdiff_t j = 0; j < padded; j += NUMBERS)
            OP(store)(packed + j / PANEL_NUMBERS * rows * PANEL_NUMBERS + k * PANEL_NUMBERS + j % PANEL_NUMBERS,
                      OP(fmadd)(half, LOAD_SOME(LANES(d - j), a + k * ld_a + j),
                                LOAD_SOME(LANES(d - j), b + chosen[k] * ld_b + j)));
    }
}

/* C (k, d) = Aᵀ diag(scale²) B over n ≥ 1 rows; scale NULL: 1; chosen not NULL (k = d then): B is rows chosen[0 .. n-1]
 * of b and half of A; half: of C the lower half only, and of what stands above it no more than is convenient. packed:
 * vector_packed_size of GRAM_ROWS rows. */
FOR_SET static void NAME(vectors_gram)(const REAL *a, ptrdiff_t ld_a, ptrdiff_t k, const REAL *b, ptrdiff_t ld_b,
                                       const int64_t *chosen, ptrdiff_t d, ptrdiff_t n, const REAL *scale, int half, REAL *c,
                                       REAL *packed) {
    const ptrdiff_t tiles = NAME(tiles_of)(k) * ((d + PANEL_NUMBERS - 1) / PANEL_NUMBERS) / (half ? 2 : 1);
    const ptrdiff_t each = GRAM_ROWS / (tiles > 1 ? tiles : 1) + 1;
    for (ptrdiff_t first = 0; first < n; first += GRAM_ROWS) {
        const ptrdiff_t rows = n - first < GRAM_ROWS ? n - first : GRAM_ROWS;
        if (chosen) NAME(pack_middles)(b, ld_b, chosen + first, a + first * ld_a, ld_a, rows, d, packed);
        else NAME(pack_panels)(b + first * ld_b, sizeof(REAL) == 8, ld_b, rows, 0, d, 0, packed);
        for (ptrdiff_t row = 0; row < rows && scale; row++) {
            const VECTOR weight = OP(set1)(scale[first + row] * scale[first + row]);
            for (ptrdiff_t j = 0; j < d; j += NUMBERS) {
                REAL *to = packed + j / PANEL_NUMBERS * rows * PANEL_NUMBERS + row * PANEL_NUMBERS + j % PANEL_NUMBERS;
                OP(store)(to, OP(mul)(weight, OP(load)(to)));
            }
        }
        /* The rows that come next are asked for a few with each tile: of many at once a core waits for most. */
        ptrdiff_t next = first + GRAM_ROWS;
        const ptrdiff_t beyond = n - next < GRAM_ROWS ? n : next + GRAM_ROWS;
        for (ptrdiff_t j = 0; j < d; j += PANEL_NUMBERS) {
            const ptrdiff_t wide = d - j < PANEL_NUMBERS ? d - j : PANEL_NUMBERS;
            const REAL *panel = packed + j / PANEL_NUMBERS * rows * PANEL_NUMBERS;
            for (ptrdiff_t t = 0; t < NAME(tiles_of)(k); t++) {
                const ptrdiff_t i = NAME(tile_start)(k, t), height = NAME(tile_start)(k, t + 1) - i;
                if (half && i + height <= j) continue;
                for (ptrdiff_t end = next + each; next < end && next < beyond; next++) {
                    prefetch(a, sizeof(REAL) == 8, next * ld_a, k);
                    if (a != b) prefetch(b, sizeof(REAL) == 8, (chosen ? chosen[next] : next) * ld_b, d);
                }
                const ptrdiff_t some = half && i + height <= j + NUMBERS && wide > NUMBERS ? NUMBERS : wide;
                NAME(ACROSS_ROWS)[height - 1][some > NUMBERS](a + first * ld_a + i, ld_a, panel, rows, first > 0, some,
                                                              c + i * d + j, d);
            }
        }
    }
}

#undef NUMBERS
#undef PANEL_NUMBERS
#undef INLINED_FOR_SET
