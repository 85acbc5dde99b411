/* Finds the few large numbers of a matrix. This header is included by largest.pyx. */
#ifndef EACH_ISA
#include "isa.hpp"

namespace wordsparse {
/* The number of neighbouring entries that are compared without a branch. */
constexpr ptrdiff_t TOGETHER = 32;
} // namespace wordsparse

#define EACH_ISA "largest.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(exceeding)
} // namespace wordsparse

#else

/* Writes the places of the entries that exceed the number of their row or of their column, in ascending order. Returns
 * how many they are. `places` has space for all entries. */
template <typename real>
ptrdiff_t exceeding(const real *matrix, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t columns, const real *of_rows,
                    const real *of_columns, int32_t *places) {
    ptrdiff_t count = 0;
    for (ptrdiff_t row = 0; row < rows; row++, matrix += ld) {
        const real least = of_rows[row];
        for (ptrdiff_t first = 0; first < columns; first += TOGETHER) {
            const ptrdiff_t size = columns - first < TOGETHER ? columns - first : TOGETHER;
            const real *entries = matrix + first, *others = of_columns + first;
            int any = 0;
            if (size == TOGETHER) {
#pragma omp simd reduction(| : any)
                for (ptrdiff_t i = 0; i < TOGETHER; i++) any |= (entries[i] > least) | (entries[i] > others[i]);
                if (!any) continue;
            }
            for (ptrdiff_t i = 0; i < size; i++)
                if (entries[i] > least || entries[i] > others[i])
                    places[count++] = (int32_t)(row * columns + first + i);
        }
    }
    return count;
}
#endif
