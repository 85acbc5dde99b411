/* Products of matrices in the vector registers. Included by products.pyx.
 *
 * A BLAS must handle all shapes. This file handles only two cases: one factor is d×d, small enough to stay packed in
 * the second-level cache; or both factors are tall with d columns, and the result is d×d. A tile of C is two vectors
 * wide. A tile has as many rows as fit in the registers next to two vectors of B and one number of A: 14 rows with 32
 * registers, 6 with 16. A tile is summed over the inner dimension:
 *
 *     C[i, :] += A[i, k] B[k, :]        one broadcast and two multiply-adds per row and k
 *
 * B is packed into panels as wide as two vectors, each stored in the order of k. Zeros pad the last panel. A is packed
 * into tiles of rows that are summed together, stored either row by row (LEFT_ROW numbers apart) or, for Aᵀ B, in the
 * order of k. Every number of C is summed in the order of k, with CHUNK terms in a register at a time. So the result
 * does not depend on the number of threads.
 */
#ifndef EACH_ISA
#include "vec.hpp"

namespace wordsparse {

/* The number of rows of A that are multiplied by one panel of B before the next panel. These rows of A stay in the
 * second-level cache. */
constexpr ptrdiff_t GEMM_ROWS = 112;
/* Bytes of two vectors of the widest instruction set. */
constexpr ptrdiff_t PANEL_BYTES = 128;
/* The part of the inner dimension that is summed in registers at a time, so that a panel of CHUNK floats stays in the
 * first-level cache. Rows of A are an odd number of cache lines apart, so that they do not compete for the same places
 * in the cache. */
constexpr ptrdiff_t CHUNK = 320, LEFT_ROW = CHUNK + 16;
/* The number of rows that gram_part packs at a time, so that both factors and the result stay in the second-level
 * cache. */
constexpr ptrdiff_t GRAM_ROWS = 96;
/* Prefetch distance of packing, in rows. */
constexpr ptrdiff_t PACKED_AHEAD = 8;
/* The number of rows that a thread takes at a time in sum_parts (a cache line of float32), and the number of columns
 * that a thread sums at a time. */
constexpr ptrdiff_t PARTS_ROWS = 16, PARTS_COLUMNS = 512;

/* The work space, in bytes, for packed B, for tiles of A, and for a Gram matrix on one thread. Each work space consists
 * of whole cache lines, and is enough for any instruction set. A number takes `size` bytes. Tiles of the matrix unit
 * have 32 rows. */
static inline ptrdiff_t panels_of(ptrdiff_t columns, ptrdiff_t size) {
    return (columns * size + PANEL_BYTES - 1) / PANEL_BYTES;
}
static inline ptrdiff_t right_bytes(ptrdiff_t inner, ptrdiff_t columns, ptrdiff_t size) {
    return panels_of(columns, size) * ((inner + 31) / 32 * 32) * PANEL_BYTES;
}
static inline ptrdiff_t left_bytes(ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t size) {
    return (inner + CHUNK - 1) / CHUNK * ((rows + 31) / 32 * 32) * LEFT_ROW * size;
}

} // namespace wordsparse

#define EACH_ISA "gemm.hpp"
#include "foreach_isa.hpp"

#include "amx.hpp"

namespace wordsparse {
static inline ptrdiff_t gram_bytes(ptrdiff_t k, ptrdiff_t d, ptrdiff_t size) {
    const ptrdiff_t vectors = right_bytes(GRAM_ROWS, d, size), tiles = size == 4 ? amx_gram_bytes(k, d) : 0;
    return vectors > tiles ? vectors : tiles;
}
BY_ISA(pack_right)
BY_ISA(pack_left)
BY_ISA(multiply)
BY_ISA(gram_part)
BY_ISA(sum_parts)
} // namespace wordsparse

#else

#if defined(__aarch64__)
constexpr int TILE_ROWS = 14;
#else
constexpr int TILE_ROWS = VEC_BYTES == 64 ? 14 : 6;
#endif

/* The width of a panel, in numbers. */
template <typename real> constexpr ptrdiff_t PANEL = 2 * LANES<real>;

/* The number of tiles, and the first row of tile t. There are as few tiles as possible, all of nearly the same
 * height. */
INLINED ptrdiff_t tiles_of(ptrdiff_t rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }
INLINED ptrdiff_t tile_start(ptrdiff_t rows, ptrdiff_t t) { return rows * t / tiles_of(rows); }

/* Store the first `columns` columns of `rows` rows of `width` sums in C, or add them to C. Tiles of all heights share
 * this function, because an instance for each height would cost a tenth of the compiler's time. */
template <typename real>
[[gnu::noinline]] void store_some(const real *sums, ptrdiff_t width, int rows, ptrdiff_t columns, bool accumulate,
                                  real *c, ptrdiff_t ld_c) {
    for (int i = 0; i < rows; i++, sums += width, c += ld_c)
        for (ptrdiff_t j = 0; j < columns; j++) c[j] = accumulate ? sums[j] + c[j] : sums[j];
}

/* C = A B (+ C) for a tile of C (rows, at most `vectors` vectors of columns). With `along`, A is stored by rows,
 * LEFT_ROW numbers apart; otherwise by columns, ld_a numbers apart. */
template <typename real, bool along, int rows, int vectors>
void tile(const real *a, ptrdiff_t ld_a, const real *b, ptrdiff_t inner, bool accumulate, ptrdiff_t columns, real *c,
          ptrdiff_t ld_c) {
    constexpr ptrdiff_t lanes = LANES<real>;
    const ptrdiff_t row = along ? LEFT_ROW : 1, step = along ? 1 : ld_a;
    vec<real> sum[rows][vectors];
    UNROLLED for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            sum[i][v] = vec<real>{};
            prefetch_to_write(c + i * ld_c + v * lanes);
        }
    }
    for (ptrdiff_t k = 0; k < inner; k++, a += step, b += PANEL<real>) {
        vec<real> right[vectors];
        UNROLLED for (int v = 0; v < vectors; v++) right[v] = load(b + v * lanes);
        UNROLLED for (int i = 0; i < rows; i++) {
            UNROLLED for (int v = 0; v < vectors; v++) sum[i][v] += a[i * row] * right[v];
        }
    }
    if (columns == lanes * vectors) {
        UNROLLED for (int i = 0; i < rows; i++, c += ld_c) {
            UNROLLED for (int v = 0; v < vectors; v++) {
                if (accumulate) sum[i][v] += load(c + v * lanes);
                store(c + v * lanes, sum[i][v]);
            }
        }
        return;
    }
    real part[rows][lanes * vectors];
    memcpy(part, sum, sizeof(part));
    store_some(part[0], lanes * vectors, rows, columns, accumulate, c, ld_c);
}

template <typename real>
using Tile = void (*)(const real *, ptrdiff_t, const real *, ptrdiff_t, bool, ptrdiff_t, real *, ptrdiff_t);

/* Returns the instance of `tile` for tiles of `rows` rows that are one vector or, with `two`, two vectors wide. */
template <typename real, bool along, int... less>
INLINED Tile<real> tile_of(ptrdiff_t rows, bool two, std::integer_sequence<int, less...>) {
    static constexpr Tile<real> tiles[][2] = {{tile<real, along, less + 1, 1>, tile<real, along, less + 1, 2>}...};
    return tiles[rows - 1][two];
}

/* Prefetch `count` numbers, beginning at an address. */
template <typename real> INLINED void prefetch_some(const real *from, ptrdiff_t count) {
    for (ptrdiff_t byte = 0; byte < count * (ptrdiff_t)sizeof(real); byte += LINE) prefetch((const char *)from + byte);
}

/* The index of element (k, j) in packed panels of `inner` rows. */
template <typename real> INLINED ptrdiff_t in_panels(ptrdiff_t inner, ptrdiff_t k, ptrdiff_t j) {
    return (j / PANEL<real> * inner + k) * PANEL<real> + j % PANEL<real>;
}

template <typename real> INLINED ptrdiff_t padded(ptrdiff_t columns) {
    return (columns + PANEL<real> - 1) / PANEL<real> * PANEL<real>;
}

/* Pack B (inner, columns) into panels. */
template <typename real, typename source>
INLINED void pack_rows(const source *b, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t columns, real *packed) {
    for (ptrdiff_t k = 0; k < inner; k++) {
        prefetch_some(b + (k + PACKED_AHEAD) * ld, columns);
        for (ptrdiff_t j = 0; j < padded<real>(columns); j += LANES<real>)
            store(packed + in_panels<real>(inner, k, j), load_some<real>(b + k * ld + j, columns - j));
    }
}

/* Pack B into panels from Bᵀ (columns, inner). */
template <typename real, typename source>
INLINED void pack_columns(const source *b, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t columns, real *packed) {
    constexpr ptrdiff_t lanes = LANES<real>;
    for (ptrdiff_t j = 0; j < padded<real>(columns); j += lanes) {
        for (ptrdiff_t k = 0; k < inner; k += lanes) {
            vec<real> square[lanes];
            UNROLLED for (ptrdiff_t i = 0; i < lanes; i++) {
                const bool inside = j + i < columns;
                square[i] = load_some<real>(b + (inside ? (j + i) * ld + k : 0), inside ? inner - k : 0);
            }
            transpose<real>(square);
            for (ptrdiff_t i = 0; i < lanes && k + i < inner; i++)
                store(packed + in_panels<real>(inner, k + i, j), square[i]);
        }
    }
}

/* Packs `columns` columns of B (doubles or reals), beginning with column `first`. With `transposed`, b is Bᵀ. */
template <typename real>
void pack_right(const void *b, bool is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t columns,
                bool transposed, real *packed) {
    const double *doubles = (const double *)b + first * (transposed ? ld : 1);
    const real *reals = (const real *)b + first * (transposed ? ld : 1);
    if (transposed && is_double) pack_columns(doubles, ld, inner, columns, packed);
    else if (transposed) pack_columns(reals, ld, inner, columns, packed);
    else if (is_double) pack_rows(doubles, ld, inner, columns, packed);
    else pack_rows(reals, ld, inner, columns, packed);
}

/* Packs rows of A (rows, inner) in chunks of CHUNK columns. If chosen is not NULL, A consists of the rows chosen[0 ..
 * rows-1] of a. If last is not NULL, it is the last column of A, after the columns of a. left has left_bytes bytes. */
template <typename real>
void pack_left(const real *a, ptrdiff_t ld, const int64_t *chosen, const real *last, ptrdiff_t rows, ptrdiff_t inner,
               real *left) {
    const ptrdiff_t own = inner - (last != nullptr);
    for (ptrdiff_t k = 0; k < inner; k += CHUNK) {
        for (ptrdiff_t row = 0; row < rows; row++, left += LEFT_ROW) {
            const ptrdiff_t ahead = row + PACKED_AHEAD, end = k + CHUNK < own ? k + CHUNK : own;
            if (!chosen || ahead < rows) prefetch_some(a + (chosen ? chosen[ahead] : ahead) * ld + k, CHUNK);
            if (end > k) memcpy(left, a + (chosen ? chosen[row] : row) * ld + k, (end - k) * sizeof(real));
            if (last && own - k < CHUNK) left[own - k] = last[row];
        }
    }
}

/* C = A B (+ C), with A (rows, inner) packed by pack_left and B (inner, columns) by pack_right. */
template <typename real>
void multiply(const real *left, ptrdiff_t rows, ptrdiff_t inner, const real *packed, ptrdiff_t columns, bool accumulate,
              real *c, ptrdiff_t ld_c) {
    const std::make_integer_sequence<int, TILE_ROWS> heights;
    for (ptrdiff_t k = 0; k < inner; k += CHUNK, left += rows * LEFT_ROW, accumulate = true) {
        const ptrdiff_t part = inner - k < CHUNK ? inner - k : CHUNK;
        for (ptrdiff_t j = 0; j < columns; j += PANEL<real>) {
            const ptrdiff_t wide = columns - j < PANEL<real> ? columns - j : PANEL<real>;
            const real *panel = packed + in_panels<real>(inner, k, j);
            for (ptrdiff_t t = 0; t < tiles_of(rows); t++) {
                const ptrdiff_t row = tile_start(rows, t), height = tile_start(rows, t + 1) - row;
                tile_of<real, true>(height, wide > LANES<real>, heights)(left + row * LEFT_ROW, LEFT_ROW, panel, part,
                                                                         accumulate, wide, c + row * ld_c + j, ld_c);
            }
        }
    }
}

/* Pack rows chosen[0 .. rows-1] of B (., d), plus A / 2, into panels. */
template <typename real>
INLINED void pack_middles(const real *b, ptrdiff_t ld_b, const int64_t *chosen, const real *a, ptrdiff_t ld_a,
                          ptrdiff_t rows, ptrdiff_t d, real *packed) {
    for (ptrdiff_t k = 0; k < rows; k++) {
        if (k + PACKED_AHEAD < rows) prefetch_some(b + chosen[k + PACKED_AHEAD] * ld_b, d);
        for (ptrdiff_t j = 0; j < padded<real>(d); j += LANES<real>)
            store(packed + in_panels<real>(rows, k, j), (real)0.5 * load_some<real>(a + k * ld_a + j, d - j) +
                                                            load_some<real>(b + chosen[k] * ld_b + j, d - j));
    }
}

/* C (k, d) = Aᵀ diag(scale²) B over n ≥ 1 rows. If scale is NULL, every factor is 1. If chosen is not NULL (then k =
 * d), B is rows chosen[0 .. n-1] of b, plus A / 2. With `half`, only the lower triangle of C is valid; entries above it
 * are unspecified. packed has gram_bytes bytes. */
template <typename real>
void gram_part(const real *a, ptrdiff_t ld_a, ptrdiff_t k, const real *b, ptrdiff_t ld_b, const int64_t *chosen,
               ptrdiff_t d, ptrdiff_t n, const real *scale, bool half, real *c, real *packed) {
    constexpr ptrdiff_t lanes = LANES<real>;
    const std::make_integer_sequence<int, TILE_ROWS> heights;
    const ptrdiff_t tiles = tiles_of(k) * (padded<real>(d) / PANEL<real>) / (half ? 2 : 1);
    const ptrdiff_t each = GRAM_ROWS / (tiles > 1 ? tiles : 1) + 1;
    for (ptrdiff_t first = 0; first < n; first += GRAM_ROWS) {
        const ptrdiff_t rows = n - first < GRAM_ROWS ? n - first : GRAM_ROWS;
        if (chosen) pack_middles(b, ld_b, chosen + first, a + first * ld_a, ld_a, rows, d, packed);
        else pack_rows(b + first * ld_b, ld_b, rows, d, packed);
        for (ptrdiff_t row = 0; row < rows && scale; row++) {
            const real weight = scale[first + row] * scale[first + row];
            for (ptrdiff_t j = 0; j < d; j += lanes) {
                real *to = packed + in_panels<real>(rows, row, j);
                store(to, weight * load(to));
            }
        }
        /* Prefetch a few of the next rows with each tile, because a core would stall on many prefetches at once. */
        ptrdiff_t next = first + GRAM_ROWS;
        const ptrdiff_t beyond = n - next < GRAM_ROWS ? n : next + GRAM_ROWS;
        for (ptrdiff_t j = 0; j < d; j += PANEL<real>) {
            const ptrdiff_t wide = d - j < PANEL<real> ? d - j : PANEL<real>;
            for (ptrdiff_t t = 0; t < tiles_of(k); t++) {
                const ptrdiff_t i = tile_start(k, t), height = tile_start(k, t + 1) - i;
                if (half && i + height <= j) continue;
                for (ptrdiff_t end = next + each; next < end && next < beyond; next++) {
                    prefetch_some(a + next * ld_a, k);
                    if (a != b) prefetch_some(b + (chosen ? chosen[next] : next) * ld_b, d);
                }
                const ptrdiff_t some = half && i + height <= j + lanes && wide > lanes ? lanes : wide;
                tile_of<real, false>(height, some > lanes, heights)(a + first * ld_a + i, ld_a,
                                                                    packed + in_panels<real>(rows, 0, j), rows,
                                                                    first > 0, some, c + i * d + j, d);
            }
        }
    }
}

/* total = keep · base + by · S for rows first ≤ i < last (≤ first + PARTS_ROWS) and the first `columns` columns. S is
 * the sum of `count` parts of `size` numbers each. With `mirrored`, S is this sum plus its transpose. base may be
 * total; if base is NULL, zeros are used. */
template <typename real>
void sum_parts(const real *parts, ptrdiff_t count, ptrdiff_t size, ptrdiff_t d, ptrdiff_t first, ptrdiff_t last,
               ptrdiff_t columns, bool mirrored, const double *base, double keep, double by, double *total) {
    double mirror[PARTS_COLUMNS][PARTS_ROWS], sum[PARTS_COLUMNS];
    for (ptrdiff_t column = 0; column < columns; column += PARTS_COLUMNS) {
        const ptrdiff_t width = columns - column < PARTS_COLUMNS ? columns - column : PARTS_COLUMNS;
        for (ptrdiff_t part = 0; mirrored && part < count; part++)
            for (ptrdiff_t j = 0; j < width; j++) {
                const real *across = parts + part * size + (column + j) * d + first;
                for (ptrdiff_t i = 0; i < last - first; i++) mirror[j][i] = (part ? mirror[j][i] : 0) + across[i];
            }
        for (ptrdiff_t i = 0; i < last - first; i++) {
            const ptrdiff_t at = (first + i) * d + column;
            for (ptrdiff_t j = 0; j < width; j++) sum[j] = parts[at + j];
            for (ptrdiff_t part = 1; part < count; part++)
                for (ptrdiff_t j = 0; j < width; j++) sum[j] += parts[part * size + at + j];
            for (ptrdiff_t j = 0; mirrored && j < width; j++) sum[j] += mirror[j][i];
            if (base) {
#pragma omp simd
                for (ptrdiff_t j = 0; j < width; j++) total[at + j] = keep * base[at + j] + by * sum[j];
            } else {
                for (ptrdiff_t j = 0; j < width; j++) total[at + j] = by * sum[j];
            }
        }
    }
}
#endif
