/* The inverse of a square matrix by Gauss-Jordan elimination with exchanges of rows. Included by products.pyx.
 *
 * A block of PIVOTS columns K at a time; I are all rows but those of K, which were exchanged for large pivots. Every row
 * is changed by one product, which threads share (gemm.hpp):
 *
 *     M_K = A_KK⁻¹   M_I = −A_IK A_KK⁻¹   A ← [A, its rows and columns K set to 0] + M [A_K, its columns K set to 0]
 *
 * and then A's columns K are M. Only M is computed by one thread: n² PIVOTS multiply-adds of the n³ of all blocks. */
#ifndef EACH_ISA
#include <math.h>

#include <algorithm>

#include "gemm.hpp"

namespace wordsparse {
constexpr ptrdiff_t PIVOTS = 32;
} // namespace wordsparse

#define EACH_ISA "inverse.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(eliminate)
} // namespace wordsparse

#else

/* The row of the largest pivot for column c of the panel (n, PIVOTS), among the rows from `first` on. */
template <typename real> INLINED ptrdiff_t pivot_row(const real *panel, ptrdiff_t n, ptrdiff_t first, ptrdiff_t c) {
    ptrdiff_t best = first;
    real largest = 0;
    for (ptrdiff_t i = first; i < n; i++) {
        const real size = fabs(panel[i * PIVOTS + c]);
        if (size > largest) {
            largest = size;
            best = i;
        }
    }
    return best;
}

/* One step of the elimination within the panel, by its row `pivot` for column c. */
template <typename real> INLINED void eliminate_column(real *panel, ptrdiff_t n, ptrdiff_t pivot, ptrdiff_t c) {
    constexpr ptrdiff_t lanes = LANES<real>, vectors = PIVOTS / lanes;
    real *own = panel + pivot * PIVOTS;
    const real inverse = 1 / own[c];
    vec<real> scaled[vectors];
    UNROLLED for (ptrdiff_t v = 0; v < vectors; v++)
        store(own + v * lanes, scaled[v] = inverse * load(own + v * lanes));
    own[c] = inverse;
    for (ptrdiff_t i = 0; i < n; i++) {
        if (i == pivot) continue;
        real *row = panel + i * PIVOTS;
        const real by = row[c];
        UNROLLED for (ptrdiff_t v = 0; v < vectors; v++) store(row + v * lanes, load(row + v * lanes) - by * scaled[v]);
        row[c] = -by * inverse;
    }
}

/* M (n, PIVOTS) of the block of `width` columns from `first` on into the panel, and its rows of A (width, n) into
 * `pivots`, as above; A (n, n) is left without them but for its columns K, which are M. `order` follows the exchanges.
 * False where a pivot is 0: then A has no inverse. */
template <typename real>
bool eliminate(ptrdiff_t n, ptrdiff_t first, ptrdiff_t width, real *a, ptrdiff_t ld, int64_t *order, real *panel,
               real *pivots) {
    for (ptrdiff_t i = 0; i < n; i++) {
        std::fill(std::copy_n(a + i * ld + first, width, panel + i * PIVOTS), panel + (i + 1) * PIVOTS, (real)0);
    }
    for (ptrdiff_t c = 0; c < width; c++) {
        const ptrdiff_t place = first + c, found = pivot_row(panel, n, place, c);
        if (found != place) {
            std::swap_ranges(a + place * ld, a + place * ld + n, a + found * ld);
            std::swap_ranges(panel + place * PIVOTS, panel + (place + 1) * PIVOTS, panel + found * PIVOTS);
            std::swap(order[place], order[found]);
        }
        if (panel[place * PIVOTS + c] == 0) return false;
        eliminate_column(panel, n, place, c);
    }
    for (ptrdiff_t c = 0; c < width; c++) {
        real *row = a + (first + c) * ld, *kept = pivots + c * n;
        std::copy_n(row, n, kept);
        std::fill_n(kept + first, width, (real)0);
        std::fill_n(row, n, (real)0);
    }
    for (ptrdiff_t i = 0; i < n; i++) std::copy_n(panel + i * PIVOTS, width, a + i * ld + first);
    return true;
}
#endif
