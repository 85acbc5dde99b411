/* Adding up the parts of a d×d product, in float64, onto what was there before: one pass over it for any number of
 * parts. Included by products.pyx. Every number is summed in an order that does not depend on how rows are shared among
 * threads. */
#ifndef EACH_ISA
#include "isa.hpp"

namespace wordsparse {
/* Rows that a thread takes at a time, a cache line of a float32 row's columns, and columns that it sums at a time. */
constexpr ptrdiff_t PARTS_ROWS = 16, PARTS_COLUMNS = 512;
} // namespace wordsparse

#define EACH_ISA "gram_parts.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(sum_parts)
} // namespace wordsparse

#else

/* total = keep base + by S for rows first ≤ i < last (≤ first + PARTS_ROWS) and the first `columns` columns, S the sum of
 * `count` parts of `size` numbers each, or with `mirrored` that and its transpose. base NULL: 0; it may be total. */
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
