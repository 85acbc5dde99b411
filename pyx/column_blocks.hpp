/* Sparse combinations and dot products of many rows, a block of columns at a time. Included by column_blocks.pyx.
 *
 * Rows of a minibatch's words are read once for each pair that they are in, and all of them are more than a cache of a
 * core's own holds. A block of BLOCK_LINES cache lines of each row, copied side by side into a panel, mostly is not; then
 * the next block; and frequent words' blocks, which most pairs ask for, stay closest.
 *
 * Every number is summed in an order that depends on sizes alone.
 */
#ifndef EACH_ISA
#include "vec.hpp"

namespace wordsparse {
/* Cache lines of a block: few, so that a panel is small, and for each entry its index and weight are read but once. */
constexpr ptrdiff_t BLOCK_LINES = 2, BLOCK_BYTES = BLOCK_LINES * LINE;
/* How many rows ahead their blocks are prefetched: those to copy, and those that are read or written once. */
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

/* Vectors, and numbers, of a block. */
template <typename real> constexpr ptrdiff_t VECS = BLOCK_BYTES / sizeof(vec<real>);
template <typename real> constexpr ptrdiff_t NUMBERS = BLOCK_BYTES / sizeof(real);

/* `columns` numbers of a row, padded with zeros, and back. */
template <typename real> INLINED void read_block(vec<real> *block, const real *row, ptrdiff_t columns) {
    if (columns == NUMBERS<real>) {
        memcpy(block, row, BLOCK_BYTES);
        return;
    }
    memset(block, 0, BLOCK_BYTES);
    memcpy(block, row, columns * sizeof(real));
}

template <typename real> INLINED void write_block(real *row, const vec<real> *block, ptrdiff_t columns) {
    if (columns == NUMBERS<real>) memcpy(row, block, BLOCK_BYTES);
    else memcpy(row, block, columns * sizeof(real));
}

/* Rows lo .. hi of the panel: `columns` columns of a matrix from `column` on. */
template <typename real>
void copy_block(const real *matrix, ptrdiff_t ld, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t column, ptrdiff_t columns,
                real *panel) {
    for (ptrdiff_t r = lo; r < hi; r++) {
        const char *ahead = (const char *)(matrix + (r + COPIED_AHEAD) * ld + column);
        for (int i = 0; i < BLOCK_LINES; i++) prefetch(ahead + i * LINE);
        read_block((vec<real> *)(panel + r * NUMBERS<real>), matrix + r * ld + column, columns);
    }
}

/* The block of row `index` in the panel. */
template <typename real> INLINED const vec<real> *block_of(const real *panel, int32_t index) {
    return (const vec<real> *)(panel + index * NUMBERS<real>);
}

/* out[r] = sum_k weights[k] * row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi; base
 * not NULL: plus scale[r] * base[r]. Cost: 2 flops an entry and column; an entry's block read from the panel. */
template <typename real>
void combine_block(const int64_t *indptr, const int32_t *indices, const real *weights, const real *panel,
                   ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, const real *base, ptrdiff_t ld_base,
                   const real *scale, real *out, ptrdiff_t ld_out) {
    constexpr ptrdiff_t vecs = VECS<real>;
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(out + (r + ROWS_AHEAD) * ld_out + column);
        vec<real> even[vecs], odd[vecs];
        for (int i = 0; i < BLOCK_LINES; i++) prefetch_to_write(ahead + i * LINE);
        UNROLLED for (int v = 0; v < vecs; v++) even[v] = odd[v] = vec<real>{};
        if (base) {
            read_block(even, base + r * ld_base + column, columns);
            UNROLLED for (int v = 0; v < vecs; v++) even[v] *= scale[r];
        }
        for (; k + 4 <= end; k += 4) {
            const auto *r0 = block_of(panel, indices[k]), *r1 = block_of(panel, indices[k + 1]);
            const auto *r2 = block_of(panel, indices[k + 2]), *r3 = block_of(panel, indices[k + 3]);
            const real w0 = weights[k], w1 = weights[k + 1], w2 = weights[k + 2], w3 = weights[k + 3];
            UNROLLED for (int v = 0; v < vecs; v++) {
                even[v] += w0 * r0[v];
                odd[v] += w1 * r1[v];
                even[v] += w2 * r2[v];
                odd[v] += w3 * r3[v];
            }
        }
        for (; k < end; k++) {
            const auto *row = block_of(panel, indices[k]);
            UNROLLED for (int v = 0; v < vecs; v++) even[v] += weights[k] * row[v];
        }
        UNROLLED for (int v = 0; v < vecs; v++) even[v] += odd[v];
        write_block(out + r * ld_out + column, even, columns);
    }
}

/* out[k] = left[r] . row indices[k] of the panel's matrix, k in indptr[r] .. indptr[r+1], for lo <= r < hi: set by the
 * first block of columns, added to by the others. Cost as combine_block. */
template <typename real>
void dots_of_block(const int64_t *indptr, const int32_t *indices, const real *left, ptrdiff_t ld, const real *panel,
                   ptrdiff_t column, ptrdiff_t columns, ptrdiff_t lo, ptrdiff_t hi, real *out) {
    constexpr ptrdiff_t vecs = VECS<real>;
    for (ptrdiff_t r = lo; r < hi; r++) {
        const int64_t end = indptr[r + 1];
        int64_t k = indptr[r];
        const char *ahead = (const char *)(left + (r + ROWS_AHEAD) * ld + column);
        vec<real> h[vecs];
        for (int i = 0; i < BLOCK_LINES; i++) prefetch(ahead + i * LINE);
        read_block(h, left + r * ld + column, columns);
        for (; k + 4 <= end; k += 4) {
            const auto *r0 = block_of(panel, indices[k]), *r1 = block_of(panel, indices[k + 1]);
            const auto *r2 = block_of(panel, indices[k + 2]), *r3 = block_of(panel, indices[k + 3]);
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
            const auto *row = block_of(panel, indices[k]);
            vec<real> sum[4] = {};
            real dots[4];
            UNROLLED for (int v = 0; v < vecs; v++) sum[0] += h[v] * row[v];
            four_sums(sum, dots);
            out[k] = column ? out[k] + dots[0] : dots[0];
        }
    }
}
#endif
