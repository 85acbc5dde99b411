/* Sparse combinations and dot products of many rows, a block of columns at a time. Included by column_blocks.pyx.
 *
 * The row of each word in a minibatch is read once for every pair that contains the word, and all rows together exceed
 * a core's own cache. A panel packs BLOCK_LINES cache lines of each row, and usually fits into that cache. Panels are
 * processed one by one. Frequent words are in most pairs, so their blocks of a panel stay in the closest caches.
 *
 * The order of additions depends only on the sizes of the arrays.
 */
#ifndef EACH_ISA
#include "vec.hpp"

namespace wordsparse {
/* The number of cache lines of a row in a panel. Few lines make a small panel, which fits into a cache. More lines
 * would make fewer panels, and indices and weights are read again for each panel. */
constexpr ptrdiff_t BLOCK_LINES = 2, BLOCK_BYTES = BLOCK_LINES * LINE;
/* The type of the numbers in a panel: as in the matrix, or rounded to bfloat16, so that two numbers take the space of
 * one float. */
enum Panel { WHOLE, HALF };
/* The prefetch distances, in rows, for blocks that are copied and for blocks that are read or written once. */
constexpr ptrdiff_t COPIED_AHEAD = 16, ROWS_AHEAD = 8;
} // namespace wordsparse

#define EACH_ISA "column_blocks.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(copy_block)
BY_ISA(combine_block)
BY_ISA(dots_of_block)
} // namespace wordsparse

#else

/* The width of a block in the matrix, in cache lines and in vectors. */
template <Panel half> constexpr ptrdiff_t LINES = BLOCK_LINES * (half == HALF ? 2 : 1);
template <typename real, Panel half> constexpr ptrdiff_t VECS = LINES<half> * LINE / sizeof(vec<real>);

/* Two functions: one copies `columns` numbers of a row into a block, padded with zeros; the other copies a block back
 * into a row. */
template <typename real, ptrdiff_t vecs> INLINED void read_block(vec<real> *block, const real *row, ptrdiff_t columns) {
    if (columns == vecs * LANES<real>) {
        memcpy(block, row, vecs * sizeof(vec<real>));
        return;
    }
    memset(block, 0, vecs * sizeof(vec<real>));
    memcpy(block, row, columns * sizeof(real));
}

template <typename real, ptrdiff_t vecs>
INLINED void write_block(real *row, const vec<real> *block, ptrdiff_t columns) {
    if (columns == vecs * LANES<real>) memcpy(row, block, vecs * sizeof(vec<real>));
    else memcpy(row, block, columns * sizeof(real));
}

/* Fills rows lo .. hi of the panel with `columns` columns of a matrix, beginning at column `column`. With bfloat16,
 * vectors 2v and 2v + 1 are in the lower and upper halves of the lanes of one vector. */
template <typename real, Panel half>
void copy_panel(const real *matrix, ptrdiff_t ld, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t column, ptrdiff_t columns,
                real *panel) {
    constexpr ptrdiff_t vecs = VECS<real, half>;
    for (ptrdiff_t r = lo; r < hi; r++) {
        const char *ahead = (const char *)(matrix + (r + COPIED_AHEAD) * ld + column);
        vec<real> *to = (vec<real> *)((char *)panel + r * BLOCK_BYTES);
        for (int i = 0; i < LINES<half>; i++) prefetch(ahead + i * LINE);
        if constexpr (half == WHOLE) {
            read_block<real, vecs>(to, matrix + r * ld + column, columns);
        } else {
            vec<real> block[vecs];
            read_block<real, vecs>(block, matrix + r * ld + column, columns);
            UNROLLED for (int v = 0; v < vecs / 2; v++) { to[v] = halved(block[2 * v + 1], block[2 * v]); }
        }
    }
}

/* A row of the panel; [v] is vector v of this row, unpacked if it is stored as bfloat16. */
template <typename real, Panel half> struct panel_row {
    const vec<real> *row;

    panel_row(const real *panel, int32_t index) : row((const vec<real> *)((const char *)panel + index * BLOCK_BYTES)) {}

    [[gnu::always_inline]] vec<real> operator[](ptrdiff_t v) const {
        if constexpr (half == WHOLE) {
            return row[v];
        } else {
            return v % 2 ? upper_half(row[v / 2]) : lower_half(row[v / 2]);
        }
    }
};

/* out[r] = sum_k weights[k] * row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi. If
 * base is not NULL, adds scale[r] * base[r]. Cost: 2 flops per entry and column. Each entry reads one block of the
 * panel. */
template <typename real, Panel half>
void combine_panel(const int64_t *indptr, const int32_t *indices, const real *weights, const real *panel,
                   ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, const real *base, ptrdiff_t ld_base,
                   const real *scale, real *out, ptrdiff_t ld_out) {
    constexpr ptrdiff_t vecs = VECS<real, half>;
    typedef panel_row<real, half> row_of;
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(out + (r + ROWS_AHEAD) * ld_out + column);
        vec<real> even[vecs], odd[vecs];
        for (int i = 0; i < LINES<half>; i++) prefetch_to_write(ahead + i * LINE);
        UNROLLED for (int v = 0; v < vecs; v++) even[v] = odd[v] = vec<real>{};
        if (base) {
            read_block<real, vecs>(even, base + r * ld_base + column, columns);
            UNROLLED for (int v = 0; v < vecs; v++) even[v] *= scale[r];
        }
        for (; k + 4 <= end; k += 4) {
            const row_of r0(panel, indices[k]), r1(panel, indices[k + 1]);
            const row_of r2(panel, indices[k + 2]), r3(panel, indices[k + 3]);
            const real w0 = weights[k], w1 = weights[k + 1], w2 = weights[k + 2], w3 = weights[k + 3];
            UNROLLED for (int v = 0; v < vecs; v++) {
                even[v] += w0 * r0[v];
                odd[v] += w1 * r1[v];
                even[v] += w2 * r2[v];
                odd[v] += w3 * r3[v];
            }
        }
        for (; k < end; k++) {
            const row_of row(panel, indices[k]);
            UNROLLED for (int v = 0; v < vecs; v++) even[v] += weights[k] * row[v];
        }
        UNROLLED for (int v = 0; v < vecs; v++) even[v] += odd[v];
        write_block<real, vecs>(out + r * ld_out + column, even, columns);
    }
}

/* out[k] = left[r] . row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi. The first
 * block of columns sets out[k], and later blocks add to it. The cost is as for combine_panel. */
template <typename real, Panel half>
void dots_of_panel(const int64_t *indptr, const int32_t *indices, const real *left, ptrdiff_t ld, const real *panel,
                   ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, real *out) {
    constexpr ptrdiff_t vecs = VECS<real, half>;
    typedef panel_row<real, half> row_of;
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(left + (r + ROWS_AHEAD) * ld + column);
        vec<real> h[vecs];
        for (int i = 0; i < LINES<half>; i++) prefetch(ahead + i * LINE);
        read_block<real, vecs>(h, left + r * ld + column, columns);
        for (; k + 4 <= end; k += 4) {
            const row_of r0(panel, indices[k]), r1(panel, indices[k + 1]);
            const row_of r2(panel, indices[k + 2]), r3(panel, indices[k + 3]);
            vec<real> sum[4] = {};
            real dots[4];
            UNROLLED for (int v = 0; v < vecs; v++) {
                sum[0] += h[v] * r0[v];
                sum[1] += h[v] * r1[v];
                sum[2] += h[v] * r2[v];
                sum[3] += h[v] * r3[v];
            }
            four_sums(sum, dots);
            for (int i = 0; i < 4; i++) out[k + i] = column ? out[k + i] + dots[i] : dots[i];
        }
        for (; k < end; k++) {
            const row_of row(panel, indices[k]);
            vec<real> sum[4] = {};
            real dots[4];
            UNROLLED for (int v = 0; v < vecs; v++) sum[0] += h[v] * row[v];
            four_sums(sum, dots);
            out[k] = column ? out[k] + dots[0] : dots[0];
        }
    }
}

/* Panels in bfloat16 (HALF) are faster only with 64-byte vectors, so callers request HALF only with these vectors. */
#define BY_PANEL(half, name, ...)                                                                                      \
    if constexpr (sizeof(real) == 4 && VEC_BYTES == 64) {                                                              \
        if (half) return name<real, HALF>(__VA_ARGS__);                                                                \
    }                                                                                                                  \
    name<real, WHOLE>(__VA_ARGS__)

template <typename real>
void copy_block(bool half, const real *matrix, ptrdiff_t ld, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t column,
                ptrdiff_t columns, real *panel) {
    BY_PANEL(half, copy_panel, matrix, ld, lo, hi, column, columns, panel);
}

template <typename real>
void combine_block(bool half, const int64_t *indptr, const int32_t *indices, const real *weights, const real *panel,
                   ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, const real *base, ptrdiff_t ld_base,
                   const real *scale, real *out, ptrdiff_t ld_out) {
    BY_PANEL(half, combine_panel, indptr, indices, weights, panel, column, columns, lo, hi, base, ld_base, scale, out,
             ld_out);
}

template <typename real>
void dots_of_block(bool half, const int64_t *indptr, const int32_t *indices, const real *left, ptrdiff_t ld,
                   const real *panel, ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, real *out) {
    BY_PANEL(half, dots_of_panel, indptr, indices, left, ld, panel, column, columns, lo, hi, out);
}
#undef BY_PANEL
#endif
